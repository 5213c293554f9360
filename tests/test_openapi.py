"""The OpenAPI document: docs/openapi.json is current, complete, and matches the pipeline."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.features import FEATURES
from api.kernel.contract.openapi import VERSION, document
from tests.kernel.gallery import GALLERY
from tests.kernel.garage import THEIRS

METHODS = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
TYPES = {"null", "boolean", "object", "array", "number", "string", "integer"}
FILES = json.loads(document([GALLERY]))
OURS = json.loads(document(FEATURES))


def inside(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a document."""
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


def test_the_document_in_docs_is_current(root: Path) -> None:
    assert (root / "docs/openapi.json").read_bytes() == document(FEATURES), "run: make openapi"


def test_its_version_is_the_projects(root: Path) -> None:
    assert f'\nversion = "{VERSION}"\n' in (root / "pyproject.toml").read_text()


@pytest.mark.parametrize("whole", [OURS, THEIRS, FILES], ids=["ours", "another", "files"])
def test_the_document_is_valid_openapi_3_1(whole: dict[str, Any]) -> None:
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
            assert re.fullmatch(r"101|[2-5]\d\d", status)
            assert response["description"]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("whole", [OURS, THEIRS, FILES], ids=["ours", "another", "files"])
def test_every_reference_resolves_and_every_component_is_used(whole: dict[str, Any]) -> None:
    references = {one["$ref"] for one in inside(whole) if "$ref" in one}
    for reference in references:
        assert resolve(whole, reference)
    mapped = {target for one in inside(whole) for target in one.get("discriminator", {}).get("mapping", {}).values()}
    used = references | mapped
    assert used == {f"#/components/schemas/{name}" for name in whole["components"]["schemas"]}
    assert not [one for one in inside(whole) if "$defs" in one]


@pytest.mark.parametrize("whole", [OURS, THEIRS, FILES], ids=["ours", "another", "files"])
def test_every_schema_is_valid_json_schema(whole: dict[str, Any]) -> None:
    for schema in whole["components"]["schemas"].values():
        assert schema.get("type", "string") in TYPES
        assert set(schema.get("required", [])) <= schema.get("properties", {}).keys()
        assert schema.get("description") != ""


@pytest.mark.parametrize("whole", [OURS, THEIRS, FILES], ids=["ours", "another", "files"])
def test_every_example_of_a_problem_conforms_to_its_schema(whole: dict[str, Any]) -> None:
    shape = whole["components"]["schemas"]["ProblemDocument"]
    for _, _, operation in operations(whole):
        for status, response in operation["responses"].items():
            media = response.get("content", {}).get("application/problem+json")
            for code, example in (media or {"examples": {}})["examples"].items():
                told = example["value"]
                assert told.keys() >= set(shape["required"])
                assert (str(told["status"]), told["code"]) == (status, code)


async def test_the_document_is_served_unchanged(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/openapi.json")
    assert (answer.status_code, answer.content) == (200, document(FEATURES))
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-cache"


async def test_the_document_is_revalidated_and_compressed(client: httpx.AsyncClient) -> None:
    tags = {}
    for encoding in ("identity", "gzip"):
        answer = await client.get("/api/openapi.json", headers={"accept-encoding": encoding})
        assert answer.content == document(FEATURES)
        assert answer.headers.get("content-encoding", "identity") == encoding
        assert "Accept-Encoding" in answer.headers["vary"]
        tags[encoding] = answer.headers["etag"]
        again = await client.get(
            "/api/openapi.json", headers={"accept-encoding": encoding, "if-none-match": tags[encoding]}
        )
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tags[encoding])
    assert len(set(tags.values())) == 2, "a strong tag differs by encoding"
    refused = await client.get("/api/openapi.json", headers={"accept-encoding": "gzip;q=0, br"})
    assert "content-encoding" not in refused.headers
    wrong = await client.post("/api/openapi.json")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("whole", [OURS, THEIRS, FILES], ids=["ours", "another", "files"])
def test_schemas_are_conventional(whole: dict[str, Any]) -> None:
    for name, schema in whole["components"]["schemas"].items():
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]*", name)
        assert schema.get("required") != []
    for one in inside(whole["components"]["schemas"]):
        assert "anyOf" not in one or "discriminator" not in one
        if one.get("type") == "object":
            assert one.keys() & {"properties", "additionalProperties"}
        if one.get("enum"):
            assert "type" in one or not isinstance(one["enum"][0], str)
    titles = [one["title"] for one in inside(whole) if "enum" in one and isinstance(one.get("title"), str)]
    assert len(titles) == len(set(titles)), "a shared enum is a component"


def test_times_ids_addresses_and_unions_have_their_schemas() -> None:
    schemas = OURS["components"]["schemas"]
    fields = schemas["User"]["properties"]
    assert [fields[name].get("format") for name in ("id", "email", "created_at")] == ["uuid", "idn-email", "date-time"]
    assert schemas["EmailRequest"]["properties"]["email"]["format"] == "email"
    [user_id] = [one for one in OURS["paths"]["/audit"]["get"]["parameters"] if one["name"] == "user_id"]
    assert user_id["schema"]["format"] == "uuid"
    renewal = OURS["paths"]["/auth/refresh"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert [one["$ref"].rpartition("/")[2] for one in renewal["oneOf"]] == ["BearerRenewal", "CookieRenewal"]
    assert renewal["discriminator"]["propertyName"] == "token_type"
    assert schemas["Invitation"]["required"] == ["email"], "fields with a default are optional"


@pytest.mark.parametrize("whole", [OURS, THEIRS, FILES], ids=["ours", "another", "files"])
def test_a_summary_is_one_whole_sentence(whole: dict[str, Any]) -> None:
    for path, method, operation in operations(whole):
        assert re.fullmatch(r"[A-Z][^\n]*[^.!?\s][.!?]", operation["summary"]), (method, path)
        assert operation["description"]
