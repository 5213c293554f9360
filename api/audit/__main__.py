"""`python -m api.audit`: recompute the hash chain and report whether it is intact. With `--expect POSITION:HASH`, as
logged by the worker, it also detects a truncated or rebuilt chain. `python -m api.audit export` writes the chain to
standard output, and `--file` verifies such a file without the database."""

import argparse
import asyncio
import re
import sys
from pathlib import Path
from typing import TextIO

import msgspec

from api.audit.chain import START, Broken, Walked, walk
from api.audit.export import export, verify_file
from api.audit.types import Head
from api.kernel import telemetry
from api.kernel.context import open_context
from api.kernel.errors import UNAVAILABLE, Problem
from api.kernel.process.terminal import show
from api.kernel.settings import Settings, SettingsError, load

PROGRESS = 100_000
"""Entries between two lines of progress."""


def head_of(text: str) -> Head:
    """Parse POSITION:HASH. Raises ArgumentTypeError."""
    match = re.fullmatch(r"([0-9]{1,18}):([0-9a-fA-F]{64})", text)
    if match is None:
        raise argparse.ArgumentTypeError("give a position and its hash, such as 4711:9f86d0… with 64 hex digits.")
    return Head(int(match[1]), bytes.fromhex(match[2]))


async def verify(settings: Settings, expected: Head | None) -> Walked:
    """Walk the chain to its end. Raises Broken, Problem."""
    walked, reported = Walked(START, 0, 0), 0
    async with open_context(settings, {}, pool_size=1) as context:
        async for walked in walk(context.db, expected):
            if walked.head.last - reported >= PROGRESS:
                reported = walked.head.last
                print(f"audit: {reported} entries checked …", file=sys.stderr, flush=True)  # noqa: T201
    return walked


async def write(settings: Settings) -> Walked:
    """Export the chain to standard output. Raises Broken, Problem."""
    async with open_context(settings, {}, pool_size=1) as context:
        return await export(context.db, sys.stdout.buffer)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser("python -m api.audit", description="Verify the hash chain of the audit log.")
    parser.add_argument("command", nargs="?", choices=("verify", "export"), default="verify")
    parser.add_argument(
        "--expect", type=head_of, metavar="POSITION:HASH", help="verify: a link that the chain must contain"
    )
    parser.add_argument("--file", type=Path, help="verify: read an export instead of the database")
    given = parser.parse_args(arguments)
    if given.file:
        with given.file.open("rb") as lines:
            return report(verify_file(lines, given.expect), sys.stdout)
    settings = msgspec.structs.replace(
        load(), log_level="ERROR"
    )  # errors are printed as one line when the process exits
    telemetry.set_up(settings, "audit")
    if given.command == "export":
        return report(asyncio.run(write(settings)), sys.stderr)
    return report(asyncio.run(verify(settings, given.expect)), sys.stdout)


def report(walked: Walked, to: TextIO) -> None:
    removed = f"; those up to position {walked.removed} were removed for their age" if walked.removed else ""
    checked = walked.head.last - walked.removed
    show(
        f"audit: the chain holds: {checked} entries checked{removed}; {walked.data} are without their data and"
        f" {walked.origins} without their origin, as announced; {walked.waiting} are not sealed yet.\n"
        f"audit: its head is {walked.head.last}:{walked.head.link.hex()}",
        to,
    )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UNAVAILABLE:
        sys.exit("audit: PostgreSQL does not answer, or has not been migrated.")
    except (Broken, SettingsError, Problem, OSError) as error:
        sys.exit(f"audit: {error}")
