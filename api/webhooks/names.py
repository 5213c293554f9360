"""Resolution of host names by the operating system, in a thread for each name.

A look-up cannot be cancelled, and lasts up to half a minute if the name's servers do not answer. The threads of the
event loop are few: such names would occupy all of them, and delay all other endpoints and the end of the process."""

import asyncio
import socket
import threading
from concurrent.futures import Future
from typing import TypeAlias

MOST_LOOKUPS = 500
"""Look-ups in progress in this process."""
Key: TypeAlias = tuple[str, int]

_lock = threading.Lock()
_running: dict[Key, Future[list[str]]] = {}


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a name. Concurrent calls for a name share one look-up. Raises OSError, UnicodeError."""
    found: asyncio.Future[list[str]] = asyncio.wrap_future(_look_up(host, port))
    return list(await found)


def _look_up(host: str, port: int) -> Future[list[str]]:
    with _lock:
        found = _running.get((host, port))
        if found is None:
            if len(_running) >= MOST_LOOKUPS:
                raise OSError("too many look-ups of host names")
            found = _running[host, port] = Future()
            found.set_running_or_notify_cancel()  # so that a caller that gives up does not cancel it for others
            # As a daemon, so that the process can exit while a look-up is in progress.
            threading.Thread(target=_work, args=(host, port, found), name="resolve", daemon=True).start()
        return found


def _work(host: str, port: int, found: Future[list[str]]) -> None:
    try:
        answer = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(address[0]) for *_, address in answer))
    except (OSError, UnicodeError) as error:
        _end(host, port)
        found.set_exception(error)
    else:
        _end(host, port)
        found.set_result(addresses)


def _end(host: str, port: int) -> None:
    with _lock:
        del _running[host, port]
