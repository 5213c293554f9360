"""`python -m tests.variables_table`: writes the variables that features declare into docs/operations.md and
.env.example. A test fails while they are stale."""

import sys
from collections.abc import Mapping
from pathlib import Path

from api.features import FEATURES
from api.kernel.config.variables import FeatureSettings, variables
from api.kernel.feature import settings_of

ROOT = Path(__file__).parents[1]
DOCUMENT, EXAMPLE = ROOT / "docs/operations.md", ROOT / ".env.example"
BEGIN, END = "<!-- python -m tests.variables_table -->\n", "<!-- end -->\n"
EXAMPLE_BEGIN = "# The features' own (python -m tests.variables_table writes them).\n"


def table(kinds: Mapping[str, type[FeatureSettings]]) -> str:
    """The rows for docs/operations.md."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for each in sorted(variables(kinds), key=lambda each: each.name):
        default = "needed" if each.default is None else each.default
        lines.append(f"| `{each.name}` | {default} | {each.description} |".replace("|  |", "| |"))
    return "\n".join(lines) + "\n"


def examples(kinds: Mapping[str, type[FeatureSettings]]) -> str:
    """The lines for .env.example; those with a default are commented out."""
    found = sorted(variables(kinds), key=lambda each: each.name)
    return "".join(f"{'' if each.default is None else '#'}{each.name}={each.example}\n" for each in found)


def written(document: str, begin: str, end: str, text: str) -> str:
    """The document with that text between the two marks. Raises ValueError where they are not in it."""
    before, found, rest = document.partition(begin)
    _, found_end, after = rest.partition(end) if end else (rest, "", "")
    if not found or (end and not found_end):
        raise ValueError(f"there is no place marked {begin.strip()}")
    return before + begin + text + found_end + after


def main() -> None:
    kinds = settings_of(FEATURES)
    DOCUMENT.write_text(written(DOCUMENT.read_text(), BEGIN, END, table(kinds)))
    EXAMPLE.write_text(written(EXAMPLE.read_text(), EXAMPLE_BEGIN, "", examples(kinds)))
    sys.stdout.write("docs/operations.md and .env.example are written\n")


if __name__ == "__main__":
    main()
