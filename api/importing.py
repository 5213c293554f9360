"""`python -m api.importing FILE`: import accounts from a file of another system, with their password hashes. It can be
repeated: addresses that have an account are skipped. Standard output has one line for each rejected account, with its
position and the reason; progress and the result go to standard error."""

import argparse
import asyncio
import contextlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from api.features import FEATURES
from api.kernel import telemetry
from api.kernel.context import Context, open_context
from api.kernel.errors import UNAVAILABLE, Problem
from api.kernel.feature import settings_of, tasks_of
from api.kernel.input.conversion import convert
from api.kernel.outbox.tasks import subscribers
from api.kernel.process.terminal import show
from api.kernel.settings import Settings, SettingsError, load
from api.kernel.telemetry import span
from api.users.events import UserImported, UserInvited
from api.users.files import Entry, FileError, read_accounts
from api.users.importing import ImportUser, open_accounts, with_own_hash

BATCH = 200
"""Accounts per transaction. It takes some tenths of a second, during which registrations of their addresses wait."""
PROGRESS = 5_000


class Count(msgspec.Struct):
    imported: int = 0
    skipped: int = 0
    refused: int = 0

    def __str__(self) -> str:
        return f"{self.imported} imported, {self.skipped} skipped, {self.refused} refused"


async def run(settings: Settings, file: BinaryIO, count: Count, *, verified: bool, invite: bool) -> None:
    """Import the file; `count` has the progress, also after an exception. Raises FileError, Problem."""
    async with open_context(settings, subscribers(tasks_of(FEATURES)), pool_size=1) as context:
        with contextlib.closing(read_accounts(file)) as entries:
            for done in itertools.count(BATCH, BATCH):
                batch, fault = _next_batch(entries)
                await _import(context, batch, count, verified=verified, invite=invite)
                if fault:
                    raise fault
                if len(batch) < BATCH:
                    return
                if done % PROGRESS == 0:
                    show(f"import: {done} read: {count} …", sys.stderr)


def _next_batch(entries: Iterator[Entry]) -> tuple[list[Entry], FileError | None]:
    """Return the next accounts, and the error if the rest cannot be read."""
    batch: list[Entry] = []
    try:
        batch.extend(itertools.islice(entries, BATCH))
    except FileError as error:
        return batch, error
    return batch, None


async def _import(context: Context, batch: list[Entry], count: Count, *, verified: bool, invite: bool) -> None:
    accounts = []
    for number, fields in batch:
        try:
            accounts.append(_account_of(fields, context.settings, verified=verified))
        except ValueError as error:
            count.refused += 1
            show(f"{number}\t{error}")
    with span("import"):
        async with context.db.transaction() as db:
            opened = await open_accounts(db, accounts, UserImported, UserInvited if invite else UserImported)
    count.imported += len(opened)
    count.skipped += len(accounts) - len(opened)


def _account_of(fields: dict[str, object] | str, settings: Settings, *, verified: bool) -> ImportUser:
    """Raises ValueError with the reasons, which quote no data of the account."""
    if isinstance(fields, str):
        raise ValueError(fields)
    try:
        account = with_own_hash(convert(fields, ImportUser), settings)
    except Problem as problem:
        raise ValueError(" ".join(f"{error.pointer} {error.detail}" for error in problem.errors)) from None
    return msgspec.structs.replace(account, is_verified=account.is_verified or verified)


@contextlib.contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    with Path(name).open("rb") as file:
        yield file


def main(arguments: list[str], count: Count) -> None:
    parser = argparse.ArgumentParser("python -m api.importing", description="Import accounts from another system.")
    parser.add_argument(
        "file", help="CSV with a header, JSON lines, Firebase's JSON or CSV, Django's JSON; - is standard input"
    )
    parser.add_argument("--verified", action="store_true", help="all addresses were confirmed in the other system")
    parser.add_argument("--invite", action="store_true", help="mail those without a password a link to choose one")
    given = parser.parse_args(arguments)
    # Errors are printed as one line when the process exits.
    settings = msgspec.structs.replace(load(kinds=settings_of(FEATURES)), log_level="ERROR")
    telemetry.set_up(settings, "import")
    with _opened(given.file) as file:
        asyncio.run(run(settings, file, count, verified=given.verified, invite=given.invite))


if __name__ == "__main__":
    count = Count()
    try:
        main(sys.argv[1:], count)
    except UNAVAILABLE:
        sys.exit(f"import: PostgreSQL does not answer, or has not been migrated: {count}. Run it again to continue.")
    except (FileError, OSError, SettingsError, Problem) as error:
        sys.exit(f"import: {count}; {error}")
    except KeyboardInterrupt:
        sys.exit(f"\nimport: stopped: {count}. Run it again to continue.")
    show(f"import: {count}.", sys.stderr)
    sys.exit(1 if count.refused else 0)
