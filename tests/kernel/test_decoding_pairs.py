"""Forms and queries."""

import contextlib
from datetime import datetime
from typing import Annotated
from urllib.parse import quote, urlencode

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.errors import (
    VALIDATION_FAILED,
    FieldError,
)
from api.kernel.input.decoding import (
    PairsDecoder,
)
from api.kernel.input.forms import parse_urlencoded

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))


class Listing(msgspec.Struct, forbid_unknown_fields=True):
    q: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    active: bool | None = None
    tag: list[str] = []
    since: datetime | None = None


LISTING = PairsDecoder(Listing)


def refused_pairs(text: bytes) -> list[FieldError]:
    with pytest.raises(VALIDATION_FAILED) as refused:
        LISTING.decode(parse_urlencoded(text))
    return list(refused.value.errors)


@given(
    TEXT,
    st.integers(1, 100),
    st.none() | st.booleans(),
    st.lists(TEXT, max_size=20),
)
def test_pairs_round_trip(q: str, limit: int, active: bool | None, tag: list[str]) -> None:
    pairs = [("q", q), ("limit", str(limit)), *[("tag", each) for each in tag]]
    if active is not None:
        pairs.append(("active", str(active).lower()))
    assert LISTING.decode(parse_urlencoded(urlencode(pairs).encode())) == Listing(q, limit, active, tag)


@given(st.binary() | st.text(alphabet="qlimtagve=&;%+0123456789").map(str.encode))
def test_any_pairs_decode_or_are_refused(text: bytes) -> None:
    with contextlib.suppress(VALIDATION_FAILED):
        assert isinstance(LISTING.decode(parse_urlencoded(text)), Listing)


def test_an_empty_form_has_the_defaults() -> None:
    assert LISTING.decode([]) == Listing()


@pytest.mark.parametrize(
    "limit", ["-1", "0", "101", "1e2", "1_0", " 1", "+1", "01", "0x1", "", "abc", "1.0", "١", "9" * 5000]
)
def test_a_whole_number_has_one_spelling_and_a_range(limit: str) -> None:
    """C-17."""
    [error] = refused_pairs(f"limit={quote(limit)}".encode())
    assert error.pointer == "/limit"


@pytest.mark.parametrize("active", ["1", "True", "yes", "", "null"])
def test_a_boolean_is_true_or_false(active: str) -> None:
    [error] = refused_pairs(f"active={active}".encode())
    assert error == FieldError("/active", "Must be true or false or null.", "kind")


def test_a_repeated_name_is_refused_unless_it_is_a_list() -> None:
    """C-17."""
    assert refused_pairs(b"limit=1&limit=1") == [FieldError("/limit", "Is given more than once.", "repeated")]
    assert LISTING.decode(parse_urlencoded(b"tag=a&tag=b")) == Listing(tag=["a", "b"])


@pytest.mark.parametrize("text", ["%ff", "%c0%af", "%ed%a0%80", "%", "%4", "%zz", "ü"])
def test_invalid_percent_encoded_utf_8_is_refused(text: str) -> None:
    """C-21."""
    assert refused_pairs(b"q=" + text.encode()) == []
    assert refused_pairs(text.encode() + b"=1") == []


def test_unknown_and_unstorable_members_are_reported_with_their_pointers() -> None:
    """C-8, C-23."""
    assert refused_pairs(b"sort=password_hash") == [FieldError("/sort", "There is no such field.", "unknown")]
    assert refused_pairs(b"q=a%00b") == [FieldError("/q", "Holds a character that cannot be stored.", "characters")]
    assert refused_pairs(b"%00=1") == [FieldError("", "Has a member whose name cannot be stored.", "characters")]


def test_more_than_a_hundred_members_are_refused() -> None:
    assert refused_pairs(b"&".join([b"tag=x"] * 101)) == []
    assert len(LISTING.decode(parse_urlencoded(b"&".join([b"tag=x"] * 100))).tag) == 100  # type: ignore[attr-defined]
