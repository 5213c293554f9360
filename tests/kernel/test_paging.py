"""Cursors: authentic, and valid only for their list; and the Link header that contains them."""

import base64
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.errors import VALIDATION_FAILED
from api.kernel.http.paging import Cursors, Page
from api.kernel.settings import Settings

TIMES = st.datetimes(timezones=st.just(UTC), min_value=datetime(1, 1, 2), max_value=datetime(9998, 1, 1))  # noqa: DTZ001
POSITIONS = st.tuples(TIMES, st.uuids(), st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 2**63 - 1))
KINDS = (datetime, UUID, str, int)
SCOPES = st.lists(st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.uuids(), st.none()), max_size=4)


def refused(cursors: Cursors, cursor: str, *kinds: type) -> bool:
    try:
        cursors.read(cursor, *kinds)
    except VALIDATION_FAILED as problem:
        [error] = problem.errors
        assert error.pointer == "/cursor"
        return True
    return False


@given(POSITIONS, SCOPES)
def test_a_cursor_continues_after_the_page(settings: Settings, position: tuple[Any, ...], scope: list[Any]) -> None:
    cursor = Cursors(settings, *scope).make(*position)
    assert Cursors(settings, *scope).read(cursor, *KINDS) == list(position)
    assert cursor.isascii()
    assert "=" not in cursor


def test_without_a_cursor_a_list_begins(settings: Settings) -> None:
    assert Cursors(settings, "x").read(None, datetime, UUID) == [None, None]


@given(POSITIONS, SCOPES, SCOPES)
def test_a_cursor_is_refused_by_another_list(
    settings: Settings, position: tuple[Any, ...], scope: list[Any], other: list[Any]
) -> None:
    """C-17: another user's list, and one's own with other filters."""
    cursor = Cursors(settings, *scope).make(*position)
    assert refused(Cursors(settings, *other), cursor, *KINDS) == (list(map(str, scope)) != list(map(str, other)))
    foreign = msgspec.structs.replace(settings, secret_key="another-secret-of-32-characters-at-least")
    assert refused(Cursors(foreign, *scope), cursor, *KINDS)


@given(st.uuids(), st.data())
def test_a_tampered_cursor_is_refused(settings: Settings, id: UUID, data: st.DataObject) -> None:
    cursors = Cursors(settings, "things")
    cursor = cursors.make(id)
    at = data.draw(st.integers(0, len(cursor) - 1))
    letter = data.draw(st.sampled_from("ABCabc019-_=+/ \x00é"))
    changed = cursor[:at] + letter + cursor[at + 1 :]
    assert refused(cursors, changed, UUID) == (changed != cursor)
    assert refused(cursors, cursor[:at], UUID), "truncated"
    assert refused(cursors, cursor + letter, UUID)
    assert refused(cursors, letter + cursor, UUID)


@given(st.text(max_size=300) | st.binary(max_size=200).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_a_forged_cursor_is_refused(settings: Settings, made_up: str) -> None:
    assert refused(Cursors(settings, "things"), made_up, UUID)


def test_a_cursor_of_another_kind_is_refused(settings: Settings) -> None:
    cursors = Cursors(settings, "things")
    assert refused(cursors, cursors.make("a name"), UUID)
    assert refused(cursors, cursors.make(UUID(int=1), 1), UUID)


QUERIES = st.lists(st.tuples(st.text(min_size=1), st.text()).filter(lambda pair: pair[0] != "cursor"), max_size=5)


@given(QUERIES.filter(lambda pairs: all(not any("\ud800" <= c < "\ue000" for c in a + b) for a, b in pairs)))
def test_the_next_page_has_the_same_parameters(pairs: list[tuple[str, str]]) -> None:
    asked = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in [*pairs, ("cursor", "old")])
    [(name, value)] = Page(items=[1], next_cursor="next", total=9).links("/api/things", asked.encode())
    link = value.decode()
    assert (name, link.endswith('>; rel="next"')) == (b"link", True)
    path, _, query = link.removeprefix("<").removesuffix('>; rel="next"').partition("?")
    assert path == "/api/things"
    assert not {"<", ">", "\n", "\r"} & set(query)
    assert parse_qsl(query, keep_blank_values=True) == [*pairs, ("cursor", "next")]


def test_the_last_page_has_no_link() -> None:
    assert Page(items=[], next_cursor=None, total=0).links("/api/things", b"limit=2") == []


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


@pytest.mark.parametrize("scope", [("a", "b"), ("ab",), ("a\nb",), ('a","b',)])
def test_scopes_do_not_collide(settings: Settings, scope: tuple[str, ...]) -> None:
    cursor = Cursors(settings, "a", "b").make(1)
    assert refused(Cursors(settings, *scope), cursor, int) == (scope != ("a", "b"))
