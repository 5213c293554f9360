"""`python -m tests.patient MODULE ARGUMENTS…` runs a module of ours that waits a minute for PostgreSQL and Redis, and
hashes passwords with little work: a machine that is busy with other tests is not a server that is down.

Both are set where this file is imported, so that the web processes that uvicorn spawns have them too."""

import os
import runpy
import sys
from types import ModuleType
from typing import Any

import argon2

from api.kernel.data import cache, database
from api.kernel.identity import hashes, passwords

SECONDS = 60.0
"""For an event that a test waits for. It comes sooner; this is how long a test waits before it fails."""
CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
HASHING: dict[tuple[ModuleType, str], Any] = {
    (hashes, "ARGON2"): CHEAP,
    (passwords, "ARGON2"): CHEAP,
    (passwords, "_NOBODY"): CHEAP.hash(os.urandom(32)),
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
    passwords._give_way = lambda: None  # the lowest priority would wait for all other tests
    if sys.argv[1:2] == ["worker"]:
        from worker import main

        main.REDIS_SECONDS = SECONDS


if __name__ == "__main__":
    be_patient()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__")
elif __name__ == "__mp_main__":
    be_patient()
