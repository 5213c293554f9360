"""Header fields in several lines, and lists of entity tags."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.errors import MALFORMED_REQUEST
from api.kernel.http.headers import combine, names

TAG = '"abc"'
LINES = st.lists(st.tuples(st.sampled_from([b"accept", b"if-match", b"x-other"]), st.binary(max_size=5)), max_size=8)
TAGS = st.lists(st.from_regex(r'(W/)?"[!#-~]{0,5}"', fullmatch=True), min_size=1, max_size=5)


@given(LINES)
def test_lines_of_one_name_are_one_list_in_their_order(lines: list[tuple[bytes, bytes]]) -> None:
    """C-191."""
    assert combine(lines) == {name: b", ".join(value for other, value in lines if other == name) for name, _ in lines}


def test_lines_of_cookies_are_one_line_of_cookies() -> None:
    """C-191."""
    assert combine([(b"cookie", b"a=1"), (b"host", b"h"), (b"cookie", b"b=2")]) == {
        b"cookie": b"a=1; b=2",
        b"host": b"h",
    }


@pytest.mark.parametrize(
    "name", ["authorization", "content-length", "content-type", "host", "origin", "sec-fetch-site", "x-xsrf-token"]
)
def test_a_repeated_single_value_is_refused(name: str) -> None:
    """C-191: also if both lines are equal, because well-behaved clients never send that."""
    for values in ((b"a", b"b"), (b"a", b"a")):
        with pytest.raises(MALFORMED_REQUEST) as refused:
            combine([(name.encode(), value) for value in values])
        assert name in refused.value.detail


@pytest.mark.parametrize(
    "condition",
    ['"abc"', 'W/"abc"', '"x","abc"', ' "x" ,\tW/"abc" ', ', ,"abc",,', "*", " * ", '"", "abc"', '"a,b", "abc"'],
)
def test_a_list_of_entity_tags_names_each_of_them(condition: str) -> None:
    """C-192."""
    assert names(condition, TAG)


@pytest.mark.parametrize(
    "condition",
    [
        "",
        "abc",
        '"xabc"',
        'x"abc"',
        '"abc"x',
        '"x""abc"',
        '"x" "abc"',
        'w/"abc"',
        'W/ "abc"',
        '*, "abc"',
        "**",
        '"abc", ?',
        '"x, "abc"',
        '"abc"\xa0',
        '\x85"abc"',
        '"abc"\n',
    ],
)
def test_a_tag_inside_another_or_in_a_malformed_list_is_ignored(condition: str) -> None:
    """C-192."""
    assert not names(condition, TAG)


@given(TAGS, st.sampled_from([",", ", ", " ,\t", ",,"]))
def test_every_well_formed_list_is_read(tags: list[str], comma: str) -> None:
    """C-192."""
    for tag in tags:
        assert names(comma.join(tags), tag.removeprefix("W/"))
    assert not names(comma.join(tags), '"another"')


@given(st.text(alphabet='abc"W/, \t*', max_size=30))
def test_nothing_else_is_a_tag(condition: str) -> None:
    """C-192: compared with another parser."""
    listed = re.fullmatch(r'([ \t]*((W/)?"[^"\s]*")?[ \t]*(,|$))*', condition)
    tags = re.findall(r'"[^"]*"', condition) if listed else []
    assert names(condition, TAG) == (TAG in tags or condition.strip(" \t") == "*")
