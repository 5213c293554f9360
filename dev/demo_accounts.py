"""`python -m dev.demo_accounts FILE`: create the accounts of demo.csv in an empty database, and write FILE (demo.json).
Called by dev/demo.py, which does not import the application."""

import asyncio
import sys
from pathlib import Path

import msgspec

from api.features import FEATURES
from api.kernel import telemetry
from api.kernel.context import Context, open_context
from api.kernel.feature import settings_of, tasks_of
from api.kernel.input.conversion import convert
from api.kernel.outbox.tasks import subscribers
from api.kernel.settings import Settings, load
from api.kernel.telemetry import span
from api.superuser import promote
from api.users.events import UserImported
from api.users.files import read_accounts
from api.users.importing import ImportUser, open_accounts
from dev.demo import EMAIL, Demo, password, remember

ACCOUNTS = Path(__file__).with_name("demo.csv")


async def create(context: Context, chosen: str) -> bool:
    """Create the accounts in one transaction, and make the first one a superuser. Returns False if the database has
    other accounts, which are not changed."""
    password_hash = await context.passwords.hash(chosen)
    with ACCOUNTS.open("rb") as file:
        read = [convert(fields, ImportUser) for _, fields in read_accounts(file)]
    accounts = [msgspec.structs.replace(account, password_hash=password_hash) for account in read]
    async with context.db.transaction() as db:
        [(is_empty,)] = await db.fetch("select not exists (select from users)")
        if is_empty:
            await open_accounts(db, accounts, UserImported, UserImported)
            await promote(msgspec.structs.replace(context, db=db), EMAIL)
            return True
    # True if an earlier start created them and was killed before it wrote FILE.
    found = await context.db.fetch("select password_hash from users where email = $1", EMAIL)
    return any([await context.passwords.verify(row["password_hash"], chosen) for row in found])


async def run(settings: Settings, path: Path) -> None:
    chosen = password(path.parent)
    async with open_context(settings, subscribers(tasks_of(FEATURES)), pool_size=1) as context:
        with span("demo accounts"):
            created = await create(context, chosen)
    remember(path, Demo(EMAIL, chosen) if created else None)


def main(path: Path) -> None:
    """Raises SettingsError, Problem."""
    settings = load(kinds=settings_of(FEATURES))
    if settings.environment != "development":
        sys.exit("demo accounts: refused, because ENVIRONMENT is not development.")
    telemetry.set_up(settings, "demo")
    asyncio.run(run(settings, path))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
