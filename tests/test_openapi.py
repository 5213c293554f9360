"""The OpenAPI document: that it is the one in docs/, that it is whole, and that it says what the pipeline does."""

import enum
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx
import msgspec
import pytest

from api.features import FEATURES
from api.kernel.auth import Principal, anyone, role, signed_in, superuser
from api.kernel.errors import conflict, problem
from api.kernel.feature import Feature
from api.kernel.openapi import VERSION, document
from api.kernel.routing import Reply, get, post

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
TYPES = {"null", "boolean", "object", "array", "number", "string", "integer"}
OURS = json.loads(document(FEATURES))


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Wheel(msgspec.Struct, forbid_unknown_fields=True):
    inches: Annotated[int, msgspec.Meta(ge=10, examples=[28])]


class Car(msgspec.Struct, forbid_unknown_fields=True, tag="car"):
    wheels: list[Wheel]


class Bike(msgspec.Struct, forbid_unknown_fields=True, tag="bike"):
    wheel: Wheel
    colour: Colour = Colour.RED


class Search(msgspec.Struct, forbid_unknown_fields=True):
    q: Annotated[str, msgspec.Meta(description="What to look for.")]
    limit: Annotated[int, msgspec.Meta(ge=1, le=100, description="How many.")] = 20
    colour: Colour | None = None
    sort: Literal["name", "-name"] = "name"
    tag: list[str] = []
    since: datetime | None = None


class Made(msgspec.Struct, forbid_unknown_fields=True):
    """What to make."""

    name: Annotated[str, msgspec.Meta(examples=["Rosie"])]
    colour: Colour | None = None
    spare: Wheel | None = None


class Form(msgspec.Struct, forbid_unknown_fields=True):
    unexampled: str
    exampled: Annotated[str, msgspec.Meta(examples=["x"])]


SOLD = conflict("SOLD", "It is sold.")
BROKEN = problem(409, "BROKEN", "It is broken.")


async def list_vehicles(query: Search) -> list[Car | Bike]:
    """Look for vehicles.

    Longer words."""
    return []


async def make_vehicle(body: Made) -> Car | Bike | None:
    """Make one."""
    return None


async def buy_vehicle(id: UUID, form: Form, principal: Principal) -> dict[str, Wheel]:
    """Buy one."""
    return {}


async def paint(id: UUID) -> Colour:
    """Paint it."""
    return Colour.BLUE


async def honk() -> Reply:
    """Make a noise."""
    return Reply(content=b"")


async def scrap(id: UUID, part: str) -> None:
    """Throw it away."""


GARAGE = Feature(
    name="garage",
    routes=[
        get("/vehicles", list_vehicles, guard=anyone, limit="off"),
        post("/vehicles", make_vehicle, guard=signed_in, status=201),
        post("/vehicles/{id}", buy_vehicle, guard=role("buyer"), errors=(SOLD, BROKEN)),
        post("/vehicles/{id}/paint", paint, guard=superuser),
        get("/honk", honk, guard=anyone),
        post("/vehicles/{id}/{part}", scrap, guard=anyone, status=204),
    ],
)
THEIRS = json.loads(document([GARAGE]))


def inside(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a document."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from inside(each)


def operations(whole: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in whole["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def resolve(whole: dict[str, Any], reference: str) -> Any:
    assert reference.startswith("#/"), reference
    for step in reference[2:].split("/"):
        whole = whole[step]
    return whole


def test_the_one_in_docs_is_what_the_routes_say(root: Path) -> None:
    assert (root / "docs/openapi.json").read_bytes() == document(FEATURES), "run: make openapi"


def test_its_version_is_the_projects(root: Path) -> None:
    assert f'\nversion = "{VERSION}"\n' in (root / "pyproject.toml").read_text()


@pytest.mark.parametrize("whole", [OURS, THEIRS], ids=["ours", "another"])
def test_it_is_a_whole_openapi_3_1_document(whole: dict[str, Any]) -> None:
    assert whole["openapi"] == "3.1.0"
    assert whole["info"].keys() >= {"title", "version"}
    tags = [tag["name"] for tag in whole["tags"]]
    assert len(tags) == len(set(tags))
    names: list[str] = []
    for path, method, operation in operations(whole):
        assert path.startswith("/")
        assert method in METHODS
        names.append(operation["operationId"])
        assert re.fullmatch(r"[a-z][A-Za-z0-9]*", names[-1])
        assert operation["summary"]
        [tag] = operation["tags"]
        assert tag in tags
        for scheme in (name for requirement in operation["security"] for name in requirement):
            assert scheme in whole["components"]["securitySchemes"]
        parameters = operation.get("parameters", [])
        assert len({(one["name"], one["in"]) for one in parameters}) == len(parameters)
        in_path = {one["name"] for one in parameters if one["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path))
        assert all(one["required"] and one["schema"] for one in parameters if one["in"] == "path")
        for status, response in operation["responses"].items():
            assert re.fullmatch(r"[2-5]\d\d", status)
            assert response["description"]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("whole", [OURS, THEIRS], ids=["ours", "another"])
def test_every_reference_resolves_and_every_component_is_used(whole: dict[str, Any]) -> None:
    references = {one["$ref"] for one in inside(whole) if "$ref" in one}
    for reference in references:
        assert resolve(whole, reference)
    mapped = {target for one in inside(whole) for target in one.get("discriminator", {}).get("mapping", {}).values()}
    used = references | mapped
    assert used == {f"#/components/schemas/{name}" for name in whole["components"]["schemas"]}
    assert not [one for one in inside(whole) if "$defs" in one]


@pytest.mark.parametrize("whole", [OURS, THEIRS], ids=["ours", "another"])
def test_every_schema_is_one_of_json_schema(whole: dict[str, Any]) -> None:
    for schema in whole["components"]["schemas"].values():
        assert schema.get("type", "string") in TYPES
        assert set(schema.get("required", [])) <= schema.get("properties", {}).keys()
        assert schema.get("description") != ""


@pytest.mark.parametrize("whole", [OURS, THEIRS], ids=["ours", "another"])
def test_every_example_of_a_problem_is_one(whole: dict[str, Any]) -> None:
    shape = whole["components"]["schemas"]["ProblemDocument"]
    for _, _, operation in operations(whole):
        for status, response in operation["responses"].items():
            media = response.get("content", {}).get("application/problem+json")
            for code, example in (media or {"examples": {}})["examples"].items():
                told = example["value"]
                assert told.keys() >= set(shape["required"])
                assert (str(told["status"]), told["code"]) == (status, code)


def operation(path: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = THEIRS["paths"][path][method]
    return found


def codes(path: str, method: str) -> set[str]:
    found: set[str] = set()
    for response in operation(path, method)["responses"].values():
        found |= response.get("content", {}).get("application/problem+json", {}).get("examples", {}).keys()
    return found


def test_a_querys_fields_are_parameters_with_their_defaults_and_words() -> None:
    parameters = {one["name"]: one for one in operation("/vehicles", "get")["parameters"]}
    assert parameters["q"]["required"]
    assert parameters["q"]["description"] == "What to look for."
    limit = parameters["limit"]
    assert (limit["required"], limit["description"]) == (False, "How many.")
    assert limit["schema"].items() >= {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}.items()
    assert parameters["sort"]["schema"] == {"enum": ["-name", "name"], "default": "name"}
    assert {"$ref": "#/components/schemas/Colour"} in parameters["colour"]["schema"]["anyOf"]
    assert parameters["tag"]["schema"]["type"] == "array"
    assert "Search" not in THEIRS["components"]["schemas"]


def test_what_a_handler_says_of_itself_is_told() -> None:
    told = operation("/vehicles", "get")
    assert (told["summary"], told["description"]) == ("Look for vehicles.", "Longer words.")
    assert told["operationId"] == "listVehicles"


def test_bodies_and_answers_have_their_schemas_and_examples() -> None:
    made = operation("/vehicles", "post")
    media = made["requestBody"]["content"]["application/json"]
    assert media == {"schema": {"$ref": "#/components/schemas/Made"}, "example": {"name": "Rosie"}}
    assert made["requestBody"]["required"]
    either, nothing = made["responses"]["201"]["content"]["application/json"]["schema"]["anyOf"]
    assert either["anyOf"] == [{"$ref": f"#/components/schemas/{name}"} for name in ("Car", "Bike")]
    assert nothing == {"type": "null"}
    form = operation("/vehicles/{id}", "post")["requestBody"]["content"]["application/x-www-form-urlencoded"]
    assert form == {"schema": {"$ref": "#/components/schemas/Form"}}, "half an example is none"
    assert "content" not in operation("/vehicles/{id}/{part}", "post")["responses"]["204"]
    assert operation("/honk", "get")["responses"]["200"]["content"] == {"application/json": {}}


def test_every_route_tells_whom_it_admits() -> None:
    assert operation("/vehicles", "get")["security"] == []
    assert operation("/vehicles", "post")["security"] == [{"bearer": []}]
    assert operation("/vehicles/{id}", "post")["security"] == [{"bearer": ["role buyer"]}]
    assert operation("/vehicles/{id}/paint", "post")["security"] == [{"bearer": ["superuser"]}]


def test_every_route_tells_each_code_it_can_answer_with() -> None:
    always = {"INTERNAL_ERROR", "UNAVAILABLE"}
    known = {"UNAUTHORIZED", "TOKEN_EXPIRED", "TOKEN_INVALID", "RATE_LIMITED"} | always
    a_body = {"REQUEST_TIMEOUT", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "VALIDATION_FAILED"}
    assert codes("/vehicles", "get") == {"VALIDATION_FAILED"} | always
    assert codes("/vehicles", "post") == known | a_body | {"MALFORMED_JSON"}
    assert codes("/vehicles/{id}", "post") == known | a_body | {"FORBIDDEN", "NOT_FOUND", "SOLD", "BROKEN"}
    assert codes("/honk", "get") == {"RATE_LIMITED"} | always


def test_two_handlers_of_one_name_are_refused() -> None:
    twice = Feature(name="twice", routes=[get("/a", honk, guard=anyone), get("/b", honk, guard=anyone)])
    with pytest.raises(TypeError, match="Two handlers are named honk"):
        document([twice])


async def test_it_is_served_as_it_is(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/openapi.json")
    assert (answer.status_code, answer.content) == (200, document(FEATURES))
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-cache"
