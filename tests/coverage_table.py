"""`python -m tests.coverage_table`: writes the table of tested cases into docs/security.md, from the tests' markers
(case, asvs, cwe) and docstrings that name a case, like “C-65.”. A test fails while the table is outdated."""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.cases import CASES, LATER

TESTS = Path(__file__).parent
DOCUMENT = TESTS.parent / "docs" / "security.md"
BEGIN, END = "<!-- python -m tests.coverage_table -->\n", "<!-- end -->\n"
_NAMED = re.compile(r"\bC-(\d+)(?:\s*(?:…|–|\.\.\.)\s*C-(\d+))?")


class Claim(msgspec.Struct, frozen=True):
    """A marker of a test; `kind` is case, asvs or cwe."""

    file: str
    test: str
    kind: str
    value: str


def claims(folder: Path = TESTS) -> list[Claim]:
    """Return the claims of all tests. A module's docstring and `pytestmark` apply to all its tests."""
    return [claim for file in sorted(folder.rglob("test_*.py")) for claim in _claims_of(file, folder)]


def _claims_of(file: Path, folder: Path) -> Iterator[Claim]:
    module = ast.parse(file.read_text())
    name = file.relative_to(folder).as_posix()
    of_all = {*_named(module), *_marked(_pytestmark(module))}
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            for kind, value in sorted({*of_all, *_named(node), *_marked(node.decorator_list)}):
                yield Claim(name, node.name, kind, value)


def _named(node: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, str]]:
    for first, last in _NAMED.findall(ast.get_docstring(node) or ""):
        for number in range(int(first), int(last or first) + 1):
            yield "case", str(number)


def _pytestmark(module: ast.Module) -> list[ast.expr]:
    for node in module.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            return node.value.elts if isinstance(node.value, ast.List) else [node.value]
    return []


def _marked(marks: list[ast.expr]) -> Iterator[tuple[str, str]]:
    for mark in marks:
        name = ast.unparse(mark.func) if isinstance(mark, ast.Call) else ""
        if isinstance(mark, ast.Call) and name in ("pytest.mark.case", "pytest.mark.asvs", "pytest.mark.cwe"):
            for argument in mark.args:
                yield name.removeprefix("pytest.mark."), str(ast.literal_eval(argument))


def table() -> str:
    """Return the text between the two comments."""
    found = claims()
    by_case: dict[int, list[Claim]] = {}
    for claim in found:
        if claim.kind == "case":
            by_case.setdefault(int(claim.value), []).append(claim)
    tested = sum(number in by_case for number in CASES)
    lines = [
        BEGIN,
        f"{tested} of {len(CASES)} cases have tests that name them; a test with many parameters is counted once.\n",
        "| C- | case | ASVS 5.0 | CWE | tests |",
        "|---|---|---|---|---|",
    ]
    for number, (title, asvs, cwe) in CASES.items():
        tests = _files(by_case.get(number, [])) or LATER.get(number, "**none yet**")
        lines.append(f"| {number} | {title} | {asvs} | {cwe} | {tests} |")
    lines += ["", "Beside these cases:", "", "| ASVS 5.0 or CWE | tests |", "|---|---|"]
    others = sorted({(claim.kind, claim.value) for claim in found if claim.kind != "case"}, key=_order)
    for kind, value in others:
        tests = _files([claim for claim in found if (claim.kind, claim.value) == (kind, value)])
        lines.append(f"| {'CWE-' if kind == 'cwe' else ''}{value} | {tests} |")
    return "\n".join([*lines, END])


def _files(claims: list[Claim]) -> str:
    """`sessions/test_refresh` (3), …"""
    counted = Counter(claim.file.removesuffix(".py") for claim in claims)
    return ", ".join(f"`{file}`" + (f" ({count})" if count > 1 else "") for file, count in sorted(counted.items()))


def _order(claim: tuple[str, str]) -> tuple[str, list[int]]:
    return claim[0], [int(part) for part in claim[1].split(".")]


def written(document: str) -> str:
    """Return the document with the current table. Raises ValueError if it lacks the two comments."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"docs/security.md needs the comments {BEGIN.strip()} and {END.strip()}.")
    return before + table() + after


if __name__ == "__main__":
    text = written(DOCUMENT.read_text())
    DOCUMENT.write_text(text)
    untested = ", ".join(re.findall(r"(?m)^\| (\d+) \|.*none yet", text)) or "no case"
    sys.stdout.write(f"docs/security.md is written; cases without a test: {untested}\n")
