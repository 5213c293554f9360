"""From decoded JSON to a type: every fault has its pointer and a plain message."""

import enum
import re
from datetime import date, datetime, time
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.errors import VALIDATION_FAILED
from api.kernel.input.conversion import convert
from tests.kernel.test_decoding import STORABLE


class Place(msgspec.Struct, forbid_unknown_fields=True):
    street: Annotated[str, msgspec.Meta(min_length=1)]
    number: Annotated[int, msgspec.Meta(ge=1, le=999)]


class Person(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(max_length=5)]
    age: int
    place: Place | None = None
    others: list[Place] = []
    notes: dict[str, int] = {}


def pointers(value: Any, kind: Any = Person) -> dict[str, str]:
    with pytest.raises(VALIDATION_FAILED) as refused:
        convert(value, kind)
    return {error.pointer: error.detail for error in refused.value.errors}


def resolves(value: Any, pointer: str) -> bool:
    """RFC 6901 §4; the last step may be a missing member."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    for index, step in enumerate(steps):
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return isinstance(value, dict) and index == len(steps) - 1
    return True


@pytest.mark.parametrize(
    ("change", "pointer", "detail"),
    [
        ({"age": True}, "/age", "Must be a whole number."),
        ({"age": "1"}, "/age", "Must be a whole number."),
        ({"age": 1.0}, "/age", "Must be a whole number."),
        ({"age": None}, "/age", "Must be a whole number."),
        ({"name": 1}, "/name", "Must be text."),
        ({"name": "Augusta"}, "/name", "Must have at most 5 characters."),
        ({"nick": "x"}, "/nick", "There is no such field."),
        ({"a/b~c": 1}, "/a~1b~0c", "There is no such field."),
        ({"place": 1}, "/place", "Must be an object or null."),
        ({"place": {"street": "", "number": 1}}, "/place/street", "Must have at least 1 characters."),
        ({"place": {"street": "x", "number": 1, "city": 1}}, "/place/city", "There is no such field."),
        ({"others": [{"street": "x"}]}, "/others/0/number", "This field is required."),
        ({"others": {}}, "/others", "Must be a list."),
        ({"notes": {"a": "x"}}, "/notes", "Must be a whole number."),
    ],
)
def test_a_fault_is_reported_with_its_pointer_and_a_plain_message(
    change: dict[str, Any], pointer: str, detail: str
) -> None:
    """C-8."""
    assert pointers({"name": "Ada", "age": 36} | change) == {pointer: detail}


@pytest.mark.parametrize("body", [[], None, "x", 1, True])
def test_a_body_that_is_not_an_object_is_refused(body: Any) -> None:
    """C-5."""
    assert pointers(body) == {"": "Must be an object."}


def test_all_faults_are_reported_at_once_in_the_order_of_the_fields() -> None:
    body = {
        "z": 1,
        "age": "x",
        "place": {"street": "", "number": 0},
        "others": [{"street": "x", "number": 1}, {"number": 1000}],
        "y": 1,
    }
    found = ["/name", "/age", "/place/street", "/place/number", "/others/1/street", "/others/1/number", "/z", "/y"]
    assert list(pointers(body)) == found


def test_at_most_twenty_faults_are_reported() -> None:
    assert len(pointers({str(index): 1 for index in range(1000)})) == 20


@given(STORABLE | st.fixed_dictionaries({}, optional=dict.fromkeys(Person.__struct_fields__, STORABLE)))
def test_every_pointer_resolves_in_the_sent_document(value: Any) -> None:
    try:
        convert(value, Person)
    except VALIDATION_FAILED as refused:
        errors = refused.errors
    else:
        return
    assert errors
    assert all(resolves(value, error.pointer) for error in errors), errors


@given(st.text(min_size=90, max_size=120, alphabet="~/a`$.[]0 -"))
def test_a_long_name_is_cut_without_breaking_the_pointer(name: str) -> None:
    [pointer] = pointers({"name": "Ada", "age": 1, name: 1})
    assert re.fullmatch(r"/([^~/]|~[01])*", pointer)
    assert name.startswith(pointer[1:].replace("~1", "/").replace("~0", "~"))


class Circle(msgspec.Struct, tag="circle", forbid_unknown_fields=True):
    radius: float


class Square(msgspec.Struct, tag="square", forbid_unknown_fields=True):
    side: float


class Colour(enum.Enum):
    RED = "red"


class Loose(msgspec.Struct):
    x: int


def meta(kind: Any, **limits: Any) -> Any:
    return Annotated[kind, msgspec.Meta(**limits)]


@pytest.mark.parametrize(
    ("value", "kind", "detail"),
    [
        ("", meta(str, min_length=2), "Must have at least 2 characters."),
        ([1], meta(list[int], min_length=2), "Must have at least 2 items."),
        ([1, 2], meta(list[int], max_length=1), "Must have at most 1 items."),
        ({}, meta(dict[str, int], min_length=1), "Must have at least 1 items."),
        ([1], tuple[int, int], "Must have exactly 2 items."),
        (0, meta(int, ge=1), "Must be 1 or more."),
        (-11, meta(int, ge=-10), "Must be -10 or more."),
        (5, meta(int, gt=5), "Must be 6 or more."),
        (5, meta(int, lt=5), "Must be 4 or less."),
        (5.5, meta(float, le=5), "Must be 5.0 or less."),
        (5, meta(int, multiple_of=2), "Must be a multiple of 2."),
        ("b", meta(str, pattern="^a"), "Does not have the right form."),
        ([], int | None, "Must be a whole number or null."),
        ([], float | str, "Must be a number or text."),
        ("x", bool, "Must be true or false."),
        ("x", list[int], "Must be a list."),
        ("x", dict[str, int], "Must be an object."),
        ("zz", UUID, "Must be a UUID."),
        (1, UUID, "Must be a UUID."),
        ("zz", datetime, "Must be a time such as 2026-01-31T12:00:00Z."),
        ("0000-01-01T00:00:00Z", datetime, "Must be a time such as 2026-01-31T12:00:00Z."),
        ("10001-01-01T00:00:00Z", datetime, "Must be a time such as 2026-01-31T12:00:00Z."),
        ("2026-01-01T00:00:00", meta(datetime, tz=True), "Must say its time zone, such as 2026-01-31T12:00:00Z."),
        ([], datetime, "Must be a time such as 2026-01-31T12:00:00Z."),
        ("zz", date, "Must be a date such as 2026-01-31."),
        ("zz", time, "Must be a time of day such as 12:00:00Z."),
        ("blue", Colour, "Is not one of the allowed values."),
        ("c", Literal["a", "b"], "Is not one of the allowed values."),
        (3, Literal[1, 2], "Is not one of the allowed values."),
        ({"type": "oval"}, Circle | Square, "Is not one of the allowed values."),
        ({"type": "circle"}, Circle | Square, "Needs the field radius."),
        ({"type": "circle", "radius": 1, "x": 1}, Circle | Square, "Has the unknown field x."),
        ({"a": {"y": 1}}, dict[str, Loose], "Needs the field x."),
        ("zz", bytes, "Is not acceptable."),
    ],
)
def test_each_fault_has_a_message(value: Any, kind: Any, detail: str) -> None:
    """C-8, C-27."""
    [told] = pointers(value, kind).values()
    assert told == detail


def test_the_path_inside_a_union_is_a_pointer_and_cannot_be_forged() -> None:
    either = list[Circle | Square]
    assert pointers([{"type": "circle", "radius": "x"}], either) == {"/0/radius": "Must be a number."}
    assert list(pointers([{"type": "x - at `$.admin`"}], either)) == ["/0/type"]


def test_a_struct_that_allows_unknown_fields_does() -> None:
    assert list(pointers({"x": "1", "y": 1}, Loose)) == ["/x"]
    assert convert({"x": 1, "y": 1}, Loose) == Loose(1)
