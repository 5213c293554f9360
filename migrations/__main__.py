"""The release process: `python -m migrations` brings the database to this code's schema. An advisory lock makes two
at once harmless; running it again does nothing. `python -m migrations rollback` undoes the newest migration; in
production it first needs the database's name, typed at the terminal or given with `--database NAME`."""

import getpass
import os
import re
import select
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import yoyo
from psycopg.conninfo import conninfo_to_dict

from api.features import FEATURES
from api.kernel.config.connections import verified_url
from api.kernel.feature import settings_of
from api.kernel.process.supervision import supervisor
from api.kernel.process.terminal import show
from api.kernel.settings import SettingsError, load
from migrations import digests

FOLDER = Path(__file__).parent
_NAME = re.compile(r"[0-9]{4}_[a-z0-9_]+(\.rollback)?\.sql")
# Any number that nothing else in this database locks: "migrate" in ASCII.
LOCK = 0x6D69677261746500
LOCK_POLL_SECONDS = 0.1
CONNECT_SECONDS = 10
TRIES, PAUSE_SECONDS = 5, 2.0
"""Of a migration that cannot have a table in time, because of those who use it meanwhile."""


class MigrationError(Exception):
    """A migration file that cannot be read or must not have changed; the message names it."""


def check_files(folder: Path = FOLDER) -> None:
    """Raises MigrationError, naming the file, for one that is unreadable, misnamed, or has no way back."""
    for file in sorted(folder.glob("*.sql")):
        try:
            empty = not file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise MigrationError(f"migrations/{file.name} cannot be read: {error}") from error
        if empty:
            raise MigrationError(f"migrations/{file.name} is empty.")
        if not _NAME.fullmatch(file.name):
            raise MigrationError(f"migrations/{file.name} must be named like 0001_users.sql: the number is the order.")
        if not file.name.endswith(".rollback.sql") and not file.with_suffix(".rollback.sql").is_file():
            raise MigrationError(f"migrations/{file.name} needs {file.stem}.rollback.sql beside it.")


def migrate(database_url: str, folder: Path = FOLDER, *, back: bool = False) -> list[str]:
    """Apply what is missing, oldest first, each in its own transaction; with `back`, undo the newest. Returns the
    names, in order. Raises MigrationError, psycopg.Error."""
    check_files(folder)
    _name_user()
    done: list[str] = []
    with psycopg.connect(database_url, autocommit=True, connect_timeout=CONNECT_SECONDS) as lock:
        # Released with the connection, however the process ends. Asked for again and again: a statement that waits for
        # it would hold a snapshot, for which `create index concurrently` of the release that has the lock would wait.
        while not lock.execute("select pg_try_advisory_lock(%s)", [LOCK]).fetchone()[0]:  # type: ignore[index]
            time.sleep(LOCK_POLL_SECONDS)
        # A migration that waits for a table lock stops everybody behind it: better to let them go on, and try again.
        # yoyo reads no URL with several hosts, and hands parameters on as they are: libpq has read them by then.
        parameters = {**conninfo_to_dict(database_url), "options": "-c lock_timeout=2s"}
        with yoyo.get_backend(f"postgresql+psycopg:///?{urlencode(parameters)}") as backend:
            # yoyo would also run Python, and take this very file for a migration.
            migrations = yoyo.read_migrations(str(folder)).filter(lambda migration: migration.path.endswith(".sql"))
            applied = list(backend.to_rollback(migrations))
            if not back:
                _check_unchanged(backend, applied)
            todo = applied[:1] if back else list(backend.to_apply(migrations))
            for migration in todo:
                show(f"{'taking back' if back else 'applying'} {migration.id}")
                _take(backend, migration, back=back)
                done.append(migration.id)
    return done


def _name_user() -> None:
    """yoyo notes who migrated, and gives up where nobody has this uid, as in containers that are given any."""
    try:
        getpass.getuser()
    except (KeyError, OSError):
        os.environ["LOGNAME"] = f"uid {os.getuid()}"


def _check_unchanged(backend: Any, applied: list[Any]) -> None:
    """Raises MigrationError, naming the files, when applied ones were edited."""
    if edited := digests.edited(backend, applied):
        raise MigrationError(
            f"{', '.join(f'migrations/{name}' for name in edited)} was edited after it was applied to this database: "
            "undo the edit and write a new migration. On a development machine, `make reset` deletes the database."
        )


def _take(backend: Any, migration: Any, *, back: bool) -> None:
    """The steps and yoyo's memory of them in one transaction: in yoyo's own two, a release that is killed between them
    has applied what the next one would apply again."""
    direction, note = ("rollback", backend.unmark_one) if back else ("apply", backend.mark_one)
    for tries_left in reversed(range(TRIES)):
        try:
            with backend.transaction():
                migration.process_steps(backend, direction)
                note(migration, log=False)
                backend.log_migration(migration, direction)
                if not back:
                    digests.note(backend, migration)
            break
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            if not tries_left or not migration.use_transactions:  # without one, its first statements are done
                raise
            show(f"{migration.id} needs a table that is in use: once more")
            time.sleep(PAUSE_SECONDS)


def confirm(database_url: str, given: str | None, production: bool) -> None:
    """Raises MigrationError unless the database's name was given: in production, and wherever another one was."""
    name = conninfo_to_dict(database_url).get("dbname")
    if given is None and production and sys.stdin.isatty():
        given = input(f"This undoes the newest migration of the production database {name}. Type its name: ").strip()
    if given is None and production:
        raise MigrationError(
            "this is production: to undo its newest migration, name the database with --database NAME."
        )
    if given is not None and given != name:
        raise MigrationError(f"the database is not {given!r}; nothing was undone.")


def main() -> None:
    match sys.argv[1:]:
        case []:
            back, name = False, None
        case ["rollback"]:
            back, name = True, None
        case ["rollback", "--database", given]:
            back, name = True, given
        case _:
            sys.exit("usage: python -m migrations, or python -m migrations rollback [--database NAME]")
    try:
        settings = load(kinds=settings_of(FEATURES))
        if back:
            confirm(settings.database_url, name, settings.environment == "production")
        with verified_url(settings.database_url, settings.database_ca_cert) as url:
            done = migrate(url, back=back)
    except (SettingsError, MigrationError) as error:
        sys.exit(f"release: {error}")
    except (KeyboardInterrupt, EOFError):
        sys.exit("\nrelease: stopped.")
    except psycopg.Error as error:
        sys.exit(f"release: the database refused: {' '.join(str(error).split())}")
    applied = f"{len(done)} migration(s) done, " if done else ""
    show(f"release: {applied}the schema is current")
    honcho = supervisor()
    if honcho is not None:  # which stops everything as soon as one process ends; a PaaS waits for this one instead
        show("release: waiting, so that honcho keeps the other processes running")
        select.select([honcho], [], [])


if __name__ == "__main__":
    main()
