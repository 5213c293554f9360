"""The table in docs/personal-data.md."""

from api.features import FEATURES
from tests.personal_table import BEGIN, DOCUMENT, END, table
from tests.variables_table import written


def test_the_table_is_current() -> None:
    """C-451."""
    text = DOCUMENT.read_text()
    assert text == written(text, BEGIN, END, table(FEATURES)), "run: python -m tests.personal_table"
