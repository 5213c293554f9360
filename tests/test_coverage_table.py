"""The table of coverage in docs/security.md."""

from pathlib import Path

import pytest

from tests.cases import CASES, LATER
from tests.coverage_table import BEGIN, DOCUMENT, END, Claim, claims, written


def test_the_table_is_current() -> None:
    text = DOCUMENT.read_text()
    assert text == written(text), "run: python -m tests.coverage_table"


def test_tests_name_only_cases_that_exist() -> None:
    named = {int(claim.value) for claim in claims() if claim.kind == "case"}
    assert named - CASES.keys() == set()
    assert named & LATER.keys() == set(), "this case has a test: remove it from LATER"
    assert list(CASES) == sorted(CASES)


SOURCE = '''
"""C-1."""
import pytest
pytestmark = [pytest.mark.asvs("7.4.1"), pytest.mark.cwe(352)]

class TestIt:
    @pytest.mark.case(7, 9)
    async def test_many(self) -> None:
        """C-2, C-4 … C-5: and not AC-3."""

def test_plain() -> None: ...
def no_test() -> None:
    """C-8."""
'''


def test_docstrings_and_markers_are_read(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "test_it.py").write_text(SOURCE)
    found = claims(tmp_path)
    of_all = [("asvs", "7.4.1"), ("case", "1"), ("cwe", "352")]
    many = [(claim.kind, claim.value) for claim in found if claim.test == "test_many"]
    assert set(many) == {*of_all, *(("case", number) for number in ("2", "4", "5", "7", "9"))}
    assert [claim for claim in found if claim.test == "test_plain"] == [
        Claim("a/test_it.py", "test_plain", *claim) for claim in of_all
    ]
    assert {claim.test for claim in found} == {"test_many", "test_plain"}


@pytest.mark.parametrize("document", ["", BEGIN, END + BEGIN])
def test_a_document_without_the_marks_is_refused(document: str) -> None:
    with pytest.raises(ValueError, match="needs the comments"):
        written(document)
