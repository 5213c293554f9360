"""`python -m tests.attacks [WORD…]`: run every attack, or those whose name or number fits; status 1 where one is broken."""

import contextlib
import sys
import tempfile
from pathlib import Path

from tests.attacks.run import chosen, run, told


def main(words: list[str]) -> int:
    attacks = chosen(words)
    if not attacks:
        print(f"no attack is called {' or '.join(words)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="attacks-") as folder, contextlib.closing(run(attacks, Path(folder))) as found:
        broken = 0
        for verdict in found:
            print(told(verdict), flush=True)
            broken += not verdict.held
    print(f"{len(attacks)} attacks, {broken} of them broke something")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
