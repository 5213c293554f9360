"""`python -m api.superuser EMAIL`: make an account a superuser, or create one. The password of a new account is read
from the terminal or as one line from standard input; it is not an argument, because other users of the machine can see
arguments. An account with an unconfirmed address may belong to another person: its data is removed, and a link to
choose a password is mailed."""

import asyncio
import getpass
import re
import sys

import msgspec

from api.features import FEATURES
from api.kernel import telemetry
from api.kernel.context import Context, open_context
from api.kernel.data.database import uuid7
from api.kernel.errors import UNAVAILABLE, Problem
from api.kernel.feature import settings_of, tasks_of
from api.kernel.input.addresses import LONGEST_ADDRESS, normal_address
from api.kernel.mail import LANGUAGES
from api.kernel.outbox.events import record
from api.kernel.outbox.tasks import subscribers
from api.kernel.process.terminal import show
from api.kernel.settings import Settings, SettingsError, load
from api.kernel.telemetry import span
from api.users import queries
from api.users.errors import REGISTER_INVALID_PASSWORD
from api.users.events import UserInvited, UserPromoted, UserRegistered
from api.users.passwords import refuse_weak
from api.users.trust import claim, refuse_absent
from api.users.types import EMAIL_PATTERN, User


async def promote(context: Context, email: str) -> User | None:
    """Make an existing account a superuser; None if there is none. An unverified account is claimed for the owner of
    the address, who is invited. Raises USER_DISABLED, USER_LEAVING."""
    async with context.db.transaction() as db:
        id = await queries.find_id(db, email)
        user = await queries.lock(db, id) if id else None
        if user is None:
            return None
        standing = await queries.find_standing(db, user.id)
        refuse_absent(user, standing)
        if not user.is_verified:
            if standing.has_password:
                await claim(db, user.id, LANGUAGES[0])
            await record(db, UserInvited(user_id=user.id, email=user.email, language=LANGUAGES[0]))
        await queries.mark_superuser(db, user.id)
        await record(db, UserPromoted(user_id=user.id, email=user.email))
        return await queries.get(db, user.id)


async def open_superuser(context: Context, email: str, password: str) -> User | None:
    """Create a superuser account with an address that the operator vouches for. Raises Problem."""
    await refuse_weak(context, password, email, REGISTER_INVALID_PASSWORD)
    password_hash = await context.passwords.hash(password)
    async with context.db.transaction() as db:
        id = await queries.insert(db, uuid7(), email, password_hash, LANGUAGES[0], None, None)
        await queries.mark_verified(db, id)
        await record(db, UserRegistered(user_id=id, email=email, language=LANGUAGES[0]))
        return await promote(msgspec.structs.replace(context, db=db), email)


async def run(settings: Settings, email: str, password: str | None = None) -> User | None:
    """Promote the account, or create it if a password is given. Raises Problem."""
    async with open_context(settings, subscribers(tasks_of(FEATURES)), pool_size=1) as context:
        with span("superuser"):
            if password is None:
                return await promote(context, email)
            return await open_superuser(context, email, password)


def main(typed: str) -> str:
    email = normal_address(typed)
    if len(email) > LONGEST_ADDRESS or not re.match(EMAIL_PATTERN, email):
        sys.exit("superuser: give one e-mail address: python -m api.superuser ada@example.com")
    # Errors are printed as one line when the process exits.
    settings = msgspec.structs.replace(load(kinds=settings_of(FEATURES)), log_level="ERROR")
    telemetry.set_up(settings, "superuser")
    user = asyncio.run(run(settings, email))
    if user is not None and user.is_verified:
        return f"{user.email} is a superuser."
    if user is not None:
        return (
            f"{user.email} is a superuser after its owner has chosen a password with the mailed link: the"
            " address was unconfirmed, so the account's password is void and all sessions have ended."
        )
    # No connection is held while the operator types a password.
    asyncio.run(run(settings, email, _ask_password(email)))
    return f"{email} is a superuser, with the password that was given."


def _ask_password(email: str) -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass(f"No account has the address {email} yet. New password: ")
    if getpass.getpass("Repeat the password: ") != password:
        sys.exit("superuser: the two passwords differ; nothing was changed.")
    return password


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("superuser: give one e-mail address: python -m api.superuser ada@example.com")
    try:
        show(main(sys.argv[1]))
    except UNAVAILABLE:
        sys.exit("superuser: PostgreSQL does not answer, or has not been migrated; nothing was changed.")
    except (SettingsError, Problem) as error:
        sys.exit(f"superuser: {error}")
    except KeyboardInterrupt:
        sys.exit("\nsuperuser: nothing was changed.")
