"""Argon2id on threads of its own, bounded: hashing never stalls the event loop, and a storm of logins is refused with
503 before it becomes a queue nobody waits for."""

import asyncio
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2

from api.kernel.errors import UNAVAILABLE

T = TypeVar("T")

WAITING = 64
# OWASP's password storage cheat sheet: 19 MiB, two passes, one lane.
_ARGON2 = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Of no password: what is checked where there is no account, so that an unknown address takes as long as a wrong
# password.
_NOBODY = _ARGON2.hash(os.urandom(32))


def _give_way() -> None:
    """Whoever hashes leaves the core to the event loop, so that a storm of logins slows logins alone."""
    if sys.platform == "linux":  # where niceness is a thread's own
        os.nice(19)


class Passwords:
    def __init__(self) -> None:
        # As many as there are cores to run on: more would only share them, and cost 19 MiB each.
        cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
        self._threads = ThreadPoolExecutor(cores, "argon2", initializer=_give_way)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """A PHC string with its own salt and parameters. Raises UNAVAILABLE when too many are waiting."""
        return await self._run(lambda: _ARGON2.hash(password))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is the one that was hashed. None, for an account that does not exist, costs the same
        time and is False. Raises UNAVAILABLE when too many are waiting."""

        def check() -> bool:
            try:
                return _ARGON2.verify(password_hash or _NOBODY, password)
            except (argon2.exceptions.Argon2Error, ValueError):  # another password, or a hash that is none
                return False

        return await self._run(check) and password_hash is not None

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING:
            raise UNAVAILABLE("Too many people are signing in at this moment; try again shortly.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
