"""`python -m api.operations`: commands for operators. They list, retry and discard dead letters, discard tasks without
a feature, unlock accounts, end sessions and list role holders. Commands that change many rows count them first, and
change them after a confirmation or with `--yes`."""

import argparse
import asyncio
import ipaddress
import re
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from api.features import FEATURES
from api.kernel import telemetry
from api.kernel.context import Context, open_context
from api.kernel.errors import UNAVAILABLE, Problem
from api.kernel.feature import settings_of, tasks_of
from api.kernel.input.addresses import normal_address
from api.kernel.outbox.tasks import subscribers
from api.kernel.settings import Settings, SettingsError, load
from api.kernel.telemetry import span
from api.operations import letters, people
from api.operations.bulk import DISCARD, RETRY
from api.operations.types import DeadLetterFilter

T = TypeVar("T")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> int:
    """Parse an age such as 90s, 30m, 2h or 7d. Raises ArgumentTypeError."""
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if match is None:
        raise argparse.ArgumentTypeError("give an age such as 90s, 30m, 2h or 7d.")
    return int(match[1]) * _UNITS[match[2]]


def address(text: str) -> str:
    """Raises ArgumentTypeError."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise argparse.ArgumentTypeError("give one IPv4 or IPv6 address.") from None


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser("python -m api.operations", description="Commands for operators.")
    commands = top.add_subparsers(dest="command", required=True)
    dead = commands.add_parser(
        "dead-letters", help="events, tasks and messages that failed permanently"
    ).add_subparsers(dest="verb", required=True)
    shown = dead.add_parser("show", help="show one")
    shown.add_argument("id", type=UUID)
    for verb in ("list", "retry", "discard"):
        each = dead.add_parser(verb, help=f"{verb} those that match all given options")
        each.add_argument("--kind", choices=("event", "task", "message"))
        each.add_argument("--type", help="an event's type or a task's name, such as users.registered")
        each.add_argument("--key", type=UUID, help="an event's key: the id of its subject")
        each.add_argument("--older-than", type=seconds, metavar="AGE", help="minimum age: 90s, 30m, 2h, 7d")
        each.add_argument("--id", dest="ids", type=UUID, action="append", help="id of a dead letter; may be repeated")
        if verb == "list":
            each.add_argument("--limit", type=int, default=50, help="maximum number to print; 50 by default")
        else:
            each.add_argument("--all", action="store_true", help="every dead letter")
            each.add_argument("--yes", action="store_true", help="do not ask")
    orphans = commands.add_parser("orphans", help="pending tasks whose name no feature declares").add_subparsers(
        dest="verb", required=True
    )
    orphans.add_parser("list", help="count them by name").add_argument("--type", help="a task's name")
    gone = orphans.add_parser("discard", help="discard them")
    gone.add_argument("--type", required=True, help="the task's name")
    gone.add_argument("--yes", action="store_true", help="do not ask")
    unlocked = commands.add_parser("unlock", help="reset an account's counts of failed sign-ins")
    unlocked.add_argument("email", type=normal_address)
    unlocked.add_argument("--address", type=address, help="an IP address; also reset the counts of its network")
    commands.add_parser("end-sessions", help="end every session of an account").add_argument(
        "email", type=normal_address
    )
    commands.add_parser("roles", help="list superusers and role holders").add_argument("--role")
    return top


def run(settings: Settings, work: Callable[[Context], Awaitable[T]]) -> T:
    """Run `work` with a Context. No connection is held between two runs, while the operator answers a question. Raises
    what `work` raises."""

    async def within() -> T:
        async with open_context(settings, subscribers(tasks_of(FEATURES)), pool_size=1) as context:
            with span("operations"):
                return await work(context)

    return asyncio.run(within())


def agreed(question: str, given: argparse.Namespace) -> bool:
    """Whether `--yes` was given or the operator confirms at the terminal. Raises Refused without a terminal, so that a
    script fails."""
    if given.yes:
        return True
    if sys.stdin.isatty() and sys.stdout.isatty():
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    raise people.Refused("nothing was changed; use --yes to confirm.")


def dead_letters(settings: Settings, given: argparse.Namespace, refuse: Callable[[str], Any]) -> None:
    """Raises Refused, Problem."""
    if given.verb == "show":
        return run(settings, lambda context: letters.show_one(context, given.id))
    names = [name for name in DeadLetterFilter.__struct_fields__ if name != "all"]
    wanted = DeadLetterFilter(**{name: getattr(given, name) for name in names})
    if given.verb == "list":
        return run(settings, lambda context: letters.show_many(context, wanted, given.limit, task_names()))
    if given.all == (wanted != DeadLetterFilter()):
        refuse("give either --all or filter options.")
    decision = RETRY if given.verb == "retry" else DISCARD
    counts = run(settings, lambda context: letters.count(context, wanted))
    if counts and agreed(f"{decision.verb} {letters.total(counts)}?", given):
        run(settings, lambda context: letters.decide(context, wanted, counts, decision))


def orphans(settings: Settings, given: argparse.Namespace) -> None:
    """Raises Refused, Problem."""
    known = task_names()
    found = run(settings, lambda context: letters.count_orphans(context, known, given.type))
    if given.verb == "discard" and found and agreed(f"discard {found} pending task(s)?", given):
        run(settings, lambda context: letters.discard_orphans(context, known, given.type))


def task_names() -> list[str]:
    return [task.name for task in tasks_of(FEATURES)]


def main(arguments: list[str]) -> None:
    top = parser()
    given = top.parse_args(arguments)
    if not all(text.isprintable() for text in arguments):  # bytes that are not UTF-8 are surrogates here
        top.error("arguments must be printable UTF-8 text.")
    # Errors are printed as one line when the process exits.
    settings = msgspec.structs.replace(load(kinds=settings_of(FEATURES)), log_level="ERROR")
    telemetry.set_up(settings, "operations")
    match given.command:
        case "dead-letters":
            dead_letters(settings, given, top.error)
        case "orphans":
            orphans(settings, given)
        case "unlock":
            run(settings, lambda context: people.unlock_account(context, given.email, given.address))
        case "end-sessions":
            run(settings, lambda context: people.end_sessions(context, given.email))
        case "roles":
            run(settings, lambda context: people.list_holders(context, given.role))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UNAVAILABLE:
        sys.exit("operations: PostgreSQL does not answer, or has not been migrated.")
    except (SettingsError, Problem, people.Refused) as error:
        sys.exit(f"operations: {error}")
    except (KeyboardInterrupt, EOFError):
        sys.exit("\noperations: interrupted; completed changes stay.")
