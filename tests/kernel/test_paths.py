"""Path parameters: types and accepted values."""

import datetime
import enum
import json
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.context import Context
from api.kernel.contract.openapi import document
from api.kernel.errors import NOT_FOUND
from api.kernel.feature import Feature
from api.kernel.http.routing import get, inputs_of
from api.kernel.identity.auth import anyone
from api.kernel.input.conversion import Normal
from api.kernel.input.paths import path_decoder
from api.kernel.settings import Settings
from tests.kernel.test_routing import app_of, problem

Slug = Annotated[str, msgspec.Meta(pattern="^[a-z0-9-]+$", max_length=40)]
Number = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class Status(enum.Enum):
    DRAFT = "draft"
    PUBLISHED = "published"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


async def show_article(
    id: UUID, slug: Slug, number: Number, status: Status, level: Level, sort: Literal["new", "old"], day: datetime.date
) -> list[Any]:
    """Show one."""
    return [id, slug, number, status, level, sort, day]


PATH = "/articles/{id}/{slug}/{number}/{status}/{level}/{sort}/{day}"
ARTICLES = Feature(name="articles", routes=[get(PATH, show_article, guard=anyone)])
RIGHT = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "slug": "a-title",
    "number": 7,
    "status": "draft",
    "level": 2,
    "sort": "new",
    "day": "2026-01-31",
}


async def ask(settings: Settings, context: Context, **changed: object) -> httpx.Response:
    transport = httpx.ASGITransport(app_of(settings, context, ARTICLES), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost/api") as client:
        return await client.get(PATH.format(**RIGHT | changed))


async def test_a_handler_gets_each_parameter_as_its_type(settings: Settings, context: Context) -> None:
    """C-305."""
    answer = await ask(settings, context)
    assert (answer.status_code, answer.json()) == (200, list(RIGHT.values()))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "7"),
        ("slug", "A-Title"),
        ("slug", "a" * 41),
        ("slug", "a%00"),
        ("number", "0"),
        ("number", str(2**31)),
        ("number", "9" * 5000),
        ("number", "07"),
        ("number", "+7"),
        ("number", "7.0"),
        ("number", "1_0"),
        ("number", "%D9%A7"),
        ("status", "Draft"),
        ("status", "gone"),
        ("level", "3"),
        ("level", "02"),
        ("level", "LOW"),
        ("sort", "newest"),
        ("day", "2026-02-30"),
        ("day", "2026-1-31"),
        ("day", "2026-01-31T00:00:00Z"),
        ("day", "today"),
    ],
)
async def test_a_value_of_the_wrong_form_is_not_found(
    settings: Settings, context: Context, name: str, value: str
) -> None:
    """C-305: 404 like an unknown id, and no error of the database."""
    problem(await ask(settings, context, **{name: value}), 404, "NOT_FOUND")


def test_the_document_has_each_parameter_with_its_constraints() -> None:
    whole = json.loads(document([ARTICLES]))
    [operation] = [item["get"] for item in whole["paths"].values()]
    assert {one["name"]: one["schema"] for one in operation["parameters"]} == {
        "id": {"type": "string", "format": "uuid"},
        "slug": {"type": "string", "pattern": "^[a-z0-9-]+$", "maxLength": 40},
        "number": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
        "status": {"$ref": "#/components/schemas/Status"},
        "level": {"$ref": "#/components/schemas/Level"},
        "sort": {"type": "string", "enum": ["new", "old"]},
        "day": {"type": "string", "format": "date"},
    }
    assert whole["components"]["schemas"]["Status"]["enum"] == ["draft", "published"]
    assert "404" in operation["responses"]


async def by_float(id: float) -> None: ...
async def by_optional(id: int | None) -> None: ...
async def by_mixture(id: Literal[1, "a"]) -> None: ...
async def by_normal(id: Annotated[str, Normal(str.lower)]) -> None: ...
async def by_list(id: list[str]) -> None: ...


@pytest.mark.parametrize("handler", [by_float, by_optional, by_mixture, by_normal, by_list])
def test_another_type_is_refused_at_start_by_name(handler: Any) -> None:
    with pytest.raises(TypeError, match=rf"{handler.__name__} \(GET /x/{{id}}\): id is .*, and a path parameter"):
        inputs_of(get("/x/{id}", handler, guard=anyone))


@pytest.mark.parametrize("name", ["language", "context", "cookies"])
async def test_a_parameter_may_have_the_name_of_another_input(name: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"async def show({name}: str) -> None: ...", scope)  # one handler for each name
    assert inputs_of(get(f"/x/{{{name}}}", scope["show"], guard=anyone)).path == {name: str}


@pytest.mark.parametrize(
    "text",
    [
        "zz",
        "1",
        "-1",
        "9" * 5000,
        "١",
        "{01890a5d-ac96-774b-bcce-b302099a8057}",
        "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
        "01890a5dac96774bbcceb302099a8057",
        "01890a5d-ac96-774b-bcce-b302099a8057\n",
        " 01890a5d-ac96-774b-bcce-b302099a8057",
        "' or 1=1--",
    ],
)
def test_a_malformed_id_is_not_found(text: str) -> None:
    """C-16, C-26."""
    with pytest.raises(NOT_FOUND):
        path_decoder(UUID)(text)


@given(st.uuids())
def test_an_id_is_case_insensitive(id: UUID) -> None:
    assert path_decoder(UUID)(str(id)) == path_decoder(UUID)(str(id).upper()) == id


def test_text_in_a_path_is_accepted_if_it_can_be_stored() -> None:
    assert path_decoder(str)("naïve") == "naïve"
    for text in ("a\x00", "\ud800"):
        with pytest.raises(NOT_FOUND):
            path_decoder(str)(text)
