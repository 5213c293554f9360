"""`python -m tests.attacks [WORD…]`: runs every attack, or those whose name or number matches. Exits with 1 if one
succeeds."""

import contextlib
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tests.attacks.run import chosen, run, told


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    """Unwind the stack, which stops all started processes."""
    sys.exit(128 + number)


def main(words: list[str]) -> int:
    signal.signal(signal.SIGTERM, _leave)
    attacks = chosen(words)
    if not attacks:
        sys.stderr.write(f"no attack is called {' or '.join(words)}\n")
        return 2
    with (
        tempfile.TemporaryDirectory(prefix="attacks-") as folder,
        contextlib.closing(run(attacks, Path(folder))) as found,
    ):
        broken = 0
        for verdict in found:
            sys.stdout.write(told(verdict) + "\n")
            sys.stdout.flush()
            broken += not verdict.held
    sys.stdout.write(f"{len(attacks)} attacks, {broken} of them broke something\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
