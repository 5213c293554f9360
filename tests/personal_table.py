"""`python -m tests.personal_table`: writes the tables with personal data, as the features declare them, into
docs/personal-data.md. A test fails while it is outdated."""

import sys
from collections.abc import Sequence
from pathlib import Path

from api.features import FEATURES
from api.kernel.feature import Feature
from tests.variables_table import written

DOCUMENT = Path(__file__).parents[1] / "docs/personal-data.md"
BEGIN, END = "<!-- python -m tests.personal_table -->\n", "<!-- end -->\n"


def table(features: Sequence[Feature]) -> str:
    """Return the rows of the document."""
    lines = ["| table | feature | contents | in the export | erased with the account |", "|---|---|---|---|---|"]
    for feature in features:
        for each in feature.personal:
            export = f"`{each.exported_as}.json`" if each.exported else f"no: {each.export}"
            erase = "a statement, by task `personal.erase`" if each.erased else each.erase
            lines.append(f"| `{each.name}` | {feature.name} | {each.holds} | {export} | {erase} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    DOCUMENT.write_text(written(DOCUMENT.read_text(), BEGIN, END, table(FEATURES)))
    sys.stdout.write("docs/personal-data.md is written\n")


if __name__ == "__main__":
    main()
