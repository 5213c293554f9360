"""Strict decoding of JSON."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.errors import (
    MALFORMED_JSON,
    VALIDATION_FAILED,
)
from api.kernel.input.decoding import (
    MAX_DEPTH,
    decode_json,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
INTEGERS = st.integers(-(2**63), 2**63 - 1)
STORABLE = st.recursive(
    st.none() | st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda values: st.lists(values) | st.dictionaries(TEXT, values),
    max_leaves=30,
)


@given(STORABLE)
def test_a_storable_value_decodes_to_itself(value: Any) -> None:
    assert decode_json(json.dumps(value).encode()) == value
    assert decode_json(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary() | st.text(alphabet='{}[]",:\\u0123456789eE+-.truefalsn \n').map(str.encode))
def test_any_bytes_decode_or_raise_one_of_two_errors(body: bytes) -> None:
    try:
        value = decode_json(body)
    except (MALFORMED_JSON, VALIDATION_FAILED):
        return
    assert json.loads(body) == value, "other parsers read the same"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b'{"a":1} x',
        b'{"a":1}{"a":1}',
        b"{'a':1}",
        b'{"a":1,}',
        b"[1,]",
        b"// no\n1",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b'"\xc0\xaf"',
        b'"\xed\xa0\x80"',
        b'"a\x00b"',
        b'"a\nb"',
        b'"\\x41"',
        b"01",
        b"+1",
        b".5",
        b"True",
    ],
)
def test_invalid_json_is_refused(body: bytes) -> None:
    """C-5."""
    with pytest.raises(MALFORMED_JSON):
        decode_json(body)


def test_a_mistake_is_reported_with_its_position() -> None:
    with pytest.raises(MALFORMED_JSON, match="line 2, column 3"):
        decode_json(b'{\n  x"a":1}')


@pytest.mark.parametrize(
    "body", ["NaN", "Infinity", "-Infinity", "1e999", '{"a":[-1e999]}', "9" * 5000, "0." + "0e9" * 2]
)
def test_nan_and_infinite_numbers_are_refused(body: str) -> None:
    """C-6, C-28."""
    with pytest.raises(MALFORMED_JSON):
        decode_json(body.encode())


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 900, 990, 1000, 5000, 12_000, 30_000])
def test_deep_nesting_is_refused(opening: str, levels: int) -> None:
    """C-6: at every depth below and above the interpreter's own limit."""
    with pytest.raises(MALFORMED_JSON):
        decode_json((opening * levels + "1" + {"[": "]", '{"a":': "}"}[opening] * levels).encode())


def test_nesting_up_to_the_limit_and_many_siblings_are_accepted() -> None:
    assert decode_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert len(decode_json(b"[" + b",".join([b"{}"] * 1000) + b"]")) == 1000


@pytest.mark.parametrize("body", ['{"a":1,"a":1}', '{"b":{"a":1,"a":2}}', '{"a":1,"\\u0061":2}'])
def test_duplicate_keys_are_refused(body: str) -> None:
    """C-7: the audit and the handler could read different ones."""
    with pytest.raises(MALFORMED_JSON):
        decode_json(body.encode())


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"a":"x\\u0000y"}', "/a"),
        ('{"a":[1,"\\ud800"]}', "/a/1"),
        ('{"a/b~":"\\udfff\\ud800"}', "/a~1b~0"),
        ('{"a":{"\\u0000":1}}', "/a"),
        ('"\\u0000"', ""),
        ('{"a":9223372036854775808}', "/a"),
        ('{"a":-9223372036854775809}', "/a"),
        ('{"a":' + "9" * 4000 + "}", "/a"),
    ],
)
def test_unstorable_text_and_numbers_are_refused_with_their_pointer(body: str, pointer: str) -> None:
    """C-23, C-24, C-26."""
    with pytest.raises(VALIDATION_FAILED) as refused:
        decode_json(body.encode())
    assert [error.pointer for error in refused.value.errors] == [pointer]


def test_64_bits_and_pairs_of_surrogates_are_accepted() -> None:
    whole = '{"a":9223372036854775807,"b":-9223372036854775808,"c":"\\ud83d\\ude00","d":1.7976931348623157e308}'
    assert decode_json(whole.encode())["c"] == "😀"
