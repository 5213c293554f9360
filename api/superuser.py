"""`python -m api.superuser EMAIL`: makes that account a superuser, or opens one. A new account's password is asked
for at a terminal, or read as one line from standard input, and never taken from the command line, which other people
on the machine can see."""

import asyncio
import getpass
import re
import sys

from api.features import FEATURES
from api.kernel import telemetry
from api.kernel.context import open_context
from api.kernel.database import Database, uuid7
from api.kernel.errors import Problem
from api.kernel.events import record
from api.kernel.feature import tasks_of
from api.kernel.passwords import Passwords
from api.kernel.settings import SettingsError, load
from api.kernel.tasks import subscribers
from api.users import queries
from api.users.errors import REGISTER_INVALID_PASSWORD
from api.users.events import UserPromoted
from api.users.passwords import refuse_weak
from api.users.types import EMAIL_PATTERN, User


async def promote(db: Database, email: str) -> User | None:
    """Make an existing account a superuser; None where there is none."""
    async with db.transaction() as tx:
        user = await queries.mark_superuser(tx, email)
        if user is not None:
            await record(tx, UserPromoted(user_id=user.id, email=user.email))
    return user


async def open_superuser(db: Database, passwords: Passwords, email: str, password: str) -> User:
    """Open an account that is a superuser from the start. Raises Problem."""
    refuse_weak(password, email, REGISTER_INVALID_PASSWORD)
    password_hash = await passwords.hash(password)
    async with db.transaction() as tx:
        await queries.insert(tx, uuid7(), email, password_hash)
        user = await promote(tx, email)
    assert user is not None
    return user


async def main(email: str) -> str:
    settings = load()
    telemetry.set_up(settings, "superuser")
    async with open_context(settings, subscribers(tasks_of(FEATURES)), pool_size=1) as context:
        if user := await promote(context.db, email):
            return f"{user.email} is a superuser."
        password = await asyncio.to_thread(_ask_password, email)
        user = await open_superuser(context.db, context.passwords, email, password)
        return f"{user.email} is a superuser, with the password that was given."


def _ask_password(email: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass(f"There is no account {email} yet. Its password: ")
    if getpass.getpass("Once more: ") != password:
        sys.exit("superuser: the two passwords differ; nothing was changed.")
    return password


if __name__ == "__main__":
    if len(sys.argv) != 2 or not re.match(EMAIL_PATTERN, sys.argv[1]):
        sys.exit("superuser: give one e-mail address: python -m api.superuser ada@example.com")
    try:
        print(asyncio.run(main(sys.argv[1])))  # noqa: T201
    except (SettingsError, Problem) as error:
        sys.exit(f"superuser: {error}")
