"""Reads docs/operations.md: the commands, the settings, the proxy's configuration."""

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = ROOT / "docs" / "operations.md"


def block(name: str, kind: str = "deployment") -> str:
    """Return the code block under `<!-- KIND: NAME -->`. Raises ValueError if it is missing."""
    found = re.search(rf"<!-- {kind}: {name} -->\n( *)```\w+\n(.*?)\n *```", OPERATIONS.read_text(), re.DOTALL)
    if found is None:
        raise ValueError(f"docs/operations.md has no block {name}")
    return textwrap.dedent(f"{found[1]}{found[2].removeprefix(found[1])}")


def settings() -> dict[str, str]:
    """Return the variables of a deployment, with the documentation's values."""
    return dict(line.split("=", 1) for line in block("settings").splitlines())


def processes() -> dict[str, list[str]]:
    """Return the Procfile's commands."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    return {name: command.split() for name, command in (line.split(":", 1) for line in lines)}
