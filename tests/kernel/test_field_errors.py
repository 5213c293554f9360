"""Codes of invalid fields, which clients translate."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest

from api.kernel.errors import VALIDATION_FAILED
from api.kernel.input.conversion import convert


class Form(msgspec.Struct, forbid_unknown_fields=True):
    text: Annotated[str, msgspec.Meta(min_length=2, max_length=3, pattern="^[a-z]")] = "abc"
    items: Annotated[list[int], msgspec.Meta(min_length=1, max_length=2)] = msgspec.field(default_factory=lambda: [1])
    number: Annotated[int, msgspec.Meta(ge=-1, le=5)] = 1
    ratio: Annotated[float, msgspec.Meta(ge=0.5)] = 1.0
    time: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    id: UUID | None = None
    choice: Literal["a", "b"] = "a"


@pytest.mark.case(380)
@pytest.mark.parametrize(
    ("given", "code", "params"),
    [
        ({"text": "a"}, "too_short", {"min": 2}),
        ({"text": "abcd"}, "too_long", {"max": 3}),
        ({"text": "ABC"}, "form", None),
        ({"text": 1}, "kind", None),
        ({"items": []}, "too_few", {"min": 1}),
        ({"items": [1, 2, 3]}, "too_many", {"max": 2}),
        ({"number": -2}, "too_small", {"min": -1}),
        ({"number": 6}, "too_large", {"max": 5}),
        ({"ratio": 0.25}, "too_small", {"min": 0.5}),
        ({"time": "2026-01-31T12:00:00"}, "time_zone", None),
        ({"time": "yesterday"}, "kind", None),
        ({"id": "1"}, "kind", None),
        ({"choice": "c"}, "not_allowed", None),
        ({"other": 1}, "unknown", None),
    ],
)
def test_a_fault_has_a_code_and_its_numbers(given: dict[str, Any], code: str, params: dict[str, Any] | None) -> None:
    with pytest.raises(VALIDATION_FAILED) as refused:
        convert(given, Form)
    [error] = refused.value.errors
    assert (error.pointer, error.code) == (f"/{next(iter(given))}", code)
    assert error.params == (params or msgspec.UNSET)
