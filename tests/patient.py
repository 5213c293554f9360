"""`python -m tests.patient MODULE ARGUMENTS…` runs a module with time-outs of one minute for PostgreSQL and Redis and
with cheap hashes of passwords, so that a slow server on a busy machine does not fail a test.

Both are set at import, so that the web processes that uvicorn spawns have them too."""

import os
import runpy
import sys
from types import ModuleType
from typing import Any

import argon2

from api.kernel.data import cache, database
from api.kernel.identity import hashes, passwords

SECONDS = 60.0
"""Seconds that a test waits for an event before it fails."""
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
HASHING: dict[tuple[ModuleType, str], Any] = {
    (hashes, "ARGON2"): CHEAP,
    (passwords, "ARGON2"): CHEAP,
    (passwords, "_DUMMY"): CHEAP.hash(os.urandom(32)),
}
DEADLINES: dict[tuple[ModuleType, str], Any] = {
    (cache, "CALL_SECONDS"): SECONDS,
    (database, "ACQUIRE_SECONDS"): SECONDS,
    (database, "CONNECT_SECONDS"): SECONDS - 1,
    (database, "COMMAND_SECONDS"): SECONDS,
    (database, "ROLLBACK_SECONDS"): SECONDS,
}


def be_patient() -> None:
    for (module, name), value in (DEADLINES | HASHING).items():
        setattr(module, name, value)
    passwords._lower_priority = lambda: None  # the lowest priority would wait for all other tests
    if sys.argv[1:2] == ["worker"]:
        from worker import main

        main.REDIS_SECONDS = SECONDS


if __name__ == "__main__":
    be_patient()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__")
elif __name__ == "__mp_main__":
    be_patient()
