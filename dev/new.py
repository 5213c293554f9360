"""`python -m dev.new articles` writes the feature of docs/architecture.md's walkthrough under another name. The
walkthrough is the template, so that the two cannot differ; tests/test_walkthrough.py builds both."""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

FEATURES = Path("api/features.py")
LIST = re.compile(r"^from api import (?P<names>\([^)]*\)|.*)$", re.MULTILINE)
USAGE = "usage: make new FEATURE=articles [ONE=article]"


class NewError(Exception):
    """Nothing was written; the message names what to do."""


def walkthrough(root: Path) -> dict[str, str]:
    """The walkthrough's files, path → text."""
    text = (root / "docs/architecture.md").read_text("utf-8").partition("## Walkthrough: add a feature")[2]
    blocks = re.findall(r"^\*\*`(.+?)`\*\*\n\n((?:(?:    .*)?\n)+)", text, re.MULTILINE)
    return {name: textwrap.dedent(code).strip() + "\n" for name, code in blocks}


def write(root: Path, feature: str, one: str = "") -> list[str]:
    """Write the feature's files and mount it in api/features.py; return the paths.

    `feature` is the plural noun that names package, tables and topic, `one` its singular. Raises NewError."""
    if not re.fullmatch(r"[a-z]+(_[a-z]+)*", feature):
        raise NewError(f"{feature!r} is no name for a feature: use a plural noun in lower case, such as articles.")
    taken = [path for path in (f"api/{feature}", f"sql/{feature}", f"tests/{feature}") if (root / path).exists()]
    if taken:
        raise NewError(f"{taken[0]} exists: choose another name, or remove it first.")
    one = one or singular(feature)
    number = 1 + max(int(path.name[:4]) for path in (root / "migrations").glob("[0-9]*.sql"))
    written = {}
    for path, text in walkthrough(root).items():
        if path != str(FEATURES):
            renamed = renaming(path, feature, one).replace("0900", f"{number:04}")
            written[renamed] = renaming(text, feature, one)
    for path, text in written.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    listed = (root / FEATURES).read_text("utf-8")
    (root / FEATURES).write_text(mounted(listed, feature), "utf-8")
    return [*written, str(FEATURES)]


def singular(feature: str) -> str:
    """The usual singular of an English plural. Raises NewError where there is none to guess."""
    for ending, replaced in (("ies", "y"), ("sses", "ss"), ("shes", "sh"), ("ches", "ch"), ("xes", "x"), ("s", "")):
        if feature.endswith(ending) and len(feature) > len(ending) + 1:
            return feature.removesuffix(ending) + replaced
    raise NewError(f"The singular of {feature!r} is not regular: name it with ONE=…")


def renaming(text: str, feature: str, one: str) -> str:
    """`text` with notes → `feature` and note → `one`, in each of the forms in which names are written."""
    for old, new in (("notes", feature), ("note", one)):
        camel = "".join(part.capitalize() for part in new.split("_"))
        text = text.replace(old.upper(), new.upper()).replace(old.capitalize(), camel).replace(old, new)
    return text


def mounted(listed: str, feature: str) -> str:
    """api/features.py with one more feature, as `ruff format` writes it."""
    found = LIST.search(listed)
    tuple_of = re.search(r"^FEATURES = \((?P<items>[^)]*)\)$", listed, re.MULTILINE)
    if found is None or tuple_of is None:
        raise NewError(f"{FEATURES} has not its usual form: add {feature}.feature there by hand.")
    names = sorted({*re.findall(r"\w+", found["names"]), feature})
    items = [*re.findall(r"[\w.]+", tuple_of["items"]), f"{feature}.feature"]
    return listed.replace(found[0], _line("from api import ", names, "", "")).replace(
        tuple_of[0], _line("FEATURES = ", items, "(", ")")
    )


def _line(head: str, items: list[str], opening: str, closing: str) -> str:
    """All on one line of up to 120 characters, else one a line."""
    line = f"{head}{opening}{', '.join(items)}{closing}"
    return line if len(line) <= 120 else f"{head}(\n" + "".join(f"    {item},\n" for item in items) + ")"


def main(arguments: list[str]) -> int:
    """Return the exit status: 1 with one line on stderr where nothing was written."""
    if len(arguments) not in (1, 2) or not arguments[0]:
        print(USAGE, file=sys.stderr)
        return 2
    try:
        written = write(Path.cwd(), *arguments)
    except NewError as error:
        print(error, file=sys.stderr)
        return 1
    # Another name may sort elsewhere among the imports.
    for command in (["check", "--select", "I", "--fix"], ["format"]):
        python = [path for path in written if path.endswith(".py")]
        subprocess.run([sys.executable, "-m", "ruff", *command, "--quiet", *python], check=True)
    print(*written, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
