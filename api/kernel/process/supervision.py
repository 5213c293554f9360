"""A process ends when its supervisor does. A supervisor that is killed cannot stop its children, and they would go on
listening on the port that the next start needs."""

import multiprocessing
import os
import select
import signal
import sys
import threading
from pathlib import Path


def supervisor() -> int | None:
    """A file descriptor that becomes readable when the supervisor of this process has ended, or is readable already.

    The supervisor is the parent of a process of WEB_CONCURRENCY, or `honcho start` further up, which names each of its
    processes in its environment. Returns None where there is none, or where the platform cannot tell (Linux can, by
    pidfd_open(2) and /proc)."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        return parent.sentinel
    if "HONCHO_PROCESS_NAME" not in os.environ or sys.platform != "linux":
        return None
    # honcho starts each command from a child of its own, perhaps through a shell: the topmost of them is meant.
    found, ancestor = None, os.getppid()
    while ancestor > 0:  # in a container honcho may be process 1
        process = Path("/proc", str(ancestor))
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            if b"honcho" in map(os.path.basename, words):
                found = ancestor
            ancestor = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            break
    try:
        if found:
            return os.pidfd_open(found)
    except ProcessLookupError:
        pass
    return _readable_descriptor() if _output_is_unread() else None


def _output_is_unread() -> bool:
    """Whether standard output is a pipe without a reader, as honcho leaves it that was killed while this process
    started."""
    output = select.poll()
    output.register(1, 0)
    return any(event & select.POLLERR for _, event in output.poll(0))


def _readable_descriptor() -> int:
    descriptor, other = os.pipe()
    os.close(other)
    return descriptor


def follow_supervisor() -> None:
    """Send this process SIGTERM once its supervisor has ended."""
    descriptor = supervisor()
    if descriptor is not None:
        threading.Thread(target=_follow, args=(descriptor,), daemon=True).start()


def _follow(descriptor: int) -> None:
    select.select([descriptor], [], [])
    os.kill(os.getpid(), signal.SIGTERM)
