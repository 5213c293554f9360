"""C-382: a German page shows no English error. Each code of a problem and of an invalid field has a German text in the
web application, in its kernel or in the texts of the feature whose pages show it."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APP = ROOT / "web" / "src" / "app"
PROTOCOL = {
    "HOST_NOT_ALLOWED": "the page itself is not served to this host",
    "IDEMPOTENCY_KEY_INVALID": "the application makes the keys",
    "MALFORMED_JSON": "the application encodes its bodies",
    "MALFORMED_REQUEST": "the browser writes the requests",
    "NOT_READY": "for load balancers",
    "TOKEN_INVALID": "a 401 leads to the sign-in page",
    "TOKEN_EXPIRED": "the session is renewed, or a 401 leads to the sign-in page",
    "UNAUTHORIZED": "a 401 leads to the sign-in page",
    "REFRESH_TOKEN_INVALID": "a 401 leads to the sign-in page",
    "REFRESH_TOKEN_REUSED": "a 401 leads to the sign-in page",
    "RIGHTS_CHANGED": "the stream connects again",
    "TOO_MANY_STREAMS": "the stream connects again",
    "UNSUPPORTED_MEDIA_TYPE": "the application sets the Content-Type",
    "UPGRADE_REQUIRED": "the application opens no socket",
}
"""Problems that no page shows, with the reasons."""
IMPORTS = "accounts are imported by `make import` and by services"
FIELDS = {
    "after_file": "the application writes its own multipart bodies",
    "password_hash": IMPORTS,
    "roles_unverified": IMPORTS,
}
"""Codes of fields that no page shows, with the reasons."""
RAISING = {"FieldError", "Unfit", "AddressRefused", "Unresolved", "_at"}
"""Calls with a code of a field: the last text among their positional arguments."""


def problems() -> set[str]:
    """Return the codes of all routes."""
    document = json.loads((ROOT / "docs" / "openapi.json").read_text())
    operations = [each for path in document["paths"].values() for each in path.values() if "responses" in each]
    refusals = [
        answer["description"]
        for operation in operations
        for status, answer in operation["responses"].items()
        if status[0] in "45"
    ]
    return {code for codes in refusals for code in codes.split(" · ")}


def field_codes() -> Iterator[tuple[str, str]]:
    """Yield each code of a field in api/, and its place. A code that is neither a literal nor an attribute of an error
    would not be found, so it is an error."""
    for file in sorted((ROOT / "api").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", None) not in RAISING:
                continue
            place = f"{file.relative_to(ROOT)}:{node.lineno}"
            code = node.args[2 if getattr(node.func, "id", None) in ("FieldError", "_at") else 1]
            if isinstance(code, ast.Constant):
                yield str(code.value), place
            else:
                passed = ast.unparse(code)
                assert passed == "code" or passed.endswith(".code"), f"{place}: the code must be a literal"
    for node in ast.walk(ast.parse((ROOT / "api/kernel/input/conversion.py").read_text())):
        if isinstance(node, ast.Lambda) and isinstance(node.body, ast.Tuple):
            yield from ((code, "conversion.py") for code in _codes_of(node.body.elts[1]))


def _codes_of(code: ast.expr) -> Iterator[str]:
    """Yield the codes of a message of msgspec: a text, or a `_size` of texts and one of lists."""
    if isinstance(code, ast.Call):
        yield from (f"too_{ast.literal_eval(size)}" for size in code.args[1:])
    else:
        yield ast.literal_eval(code)


def german() -> set[str]:
    """Return the names of members in all German texts of the application."""
    names = set[str]()
    for file in APP.rglob("*.ts"):
        if "api" in file.relative_to(APP).parts or file.name.endswith(".spec.ts"):
            continue
        text = file.read_text()
        for start in re.finditer(r"\bde: \{|\bGERMAN: ByCode = \{", text):
            names |= set(re.findall(r"^\s+([A-Za-z_]+):", _block(text, start.end()), re.MULTILINE))
    return names


def _block(text: str, start: int) -> str:
    depth = 1
    for end in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        if depth == 0:
            return text[start:end]
    raise AssertionError("an unclosed brace")


@pytest.mark.case(382)
def test_each_code_of_a_problem_has_a_german_text() -> None:
    codes = problems()
    assert codes >= PROTOCOL.keys(), "a code that is no longer sent"
    assert sorted(codes - german() - PROTOCOL.keys()) == []


@pytest.mark.case(382)
def test_each_code_of_a_field_has_a_german_text() -> None:
    codes = dict(field_codes())
    assert codes.keys() >= FIELDS.keys(), "a code that is no longer used"
    texts = german() | FIELDS.keys()
    assert {code: place for code, place in codes.items() if code not in texts} == {}
