"""The OpenAPI document of each kind of route."""

import json
from typing import Any

import pytest

from api.kernel.contract.openapi import document
from api.kernel.feature import Feature
from api.kernel.http.idempotency import REFUSALS
from api.kernel.http.routing import get
from api.kernel.identity.auth import anyone
from tests.kernel.gallery import GALLERY, KINDS
from tests.kernel.garage import THEIRS, honk


def operation(path: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = THEIRS["paths"][path][method]
    return found


def codes(path: str, method: str) -> set[str]:
    found: set[str] = set()
    for response in operation(path, method)["responses"].values():
        found |= response.get("content", {}).get("application/problem+json", {}).get("examples", {}).keys()
    return found


def test_a_querys_fields_are_parameters_with_defaults_and_descriptions() -> None:
    parameters = {one["name"]: one for one in operation("/vehicles", "get")["parameters"]}
    assert parameters["q"]["required"]
    assert parameters["q"]["description"] == "What to look for."
    limit = parameters["limit"]
    assert (limit["required"], limit["description"]) == (False, "How many.")
    assert limit["schema"].items() >= {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}.items()
    assert parameters["sort"]["schema"] == {"type": "string", "enum": ["-name", "name"], "default": "name"}
    assert parameters["colour"]["schema"] == {"$ref": "#/components/schemas/Colour"}, "absent instead of null"
    assert parameters["tag"]["schema"]["type"] == "array"
    assert "Search" not in THEIRS["components"]["schemas"]


def test_responses_have_the_fields_that_requests_may_omit() -> None:
    schemas = THEIRS["components"]["schemas"]
    assert schemas["Bike"]["required"] == ["type", "wheel", "colour"]
    assert schemas["Made"]["required"] == ["name"]
    assert "default" not in schemas["Made"]["properties"]["spare"], "null, which generators take for a value"
    problem = schemas["ProblemDocument"]
    assert problem["properties"].keys() - set(problem["required"]) == {"errors", "violated-policies"}


def test_a_handlers_docstring_is_the_description() -> None:
    told = operation("/vehicles", "get")
    assert (told["summary"], told["description"]) == ("Look for vehicles.", "Longer words.")
    assert told["operationId"] == "listVehicles"


def test_bodies_and_answers_have_their_schemas_and_examples() -> None:
    made = operation("/vehicles", "post")
    media = made["requestBody"]["content"]["application/json"]
    assert media == {"schema": {"$ref": "#/components/schemas/Made"}, "example": {"name": "Rosie"}}
    assert made["requestBody"]["required"]
    either, nothing = made["responses"]["201"]["content"]["application/json"]["schema"]["anyOf"]
    assert either["oneOf"] == [{"$ref": f"#/components/schemas/{name}"} for name in ("Car", "Bike")]
    assert nothing == {"type": "null"}
    form = operation("/vehicles/{id}", "post")["requestBody"]["content"]["application/x-www-form-urlencoded"]
    assert form == {"schema": {"$ref": "#/components/schemas/Form"}}, "an incomplete example is left out"
    asked = operation("/vehicles/{id}", "post")["requestBody"]
    assert len(asked["content"]) == 1, "generators make a method for each media type"
    assert asked["description"] == "May be sent as multipart/form-data instead."
    fields = THEIRS["components"]["schemas"]["Form"]["properties"]
    assert fields["optional"] == {"type": "integer", "minimum": 1}, "absent instead of null"
    assert "content" not in operation("/vehicles/{id}/{part}", "post")["responses"]["204"]
    assert operation("/honk", "get")["responses"]["200"]["content"] == {"application/json": {}}


def test_a_body_that_may_be_absent_is_not_required() -> None:
    body = operation("/keys", "post")["requestBody"]
    assert body["required"] is False
    assert body["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Made"}


def test_an_empty_answer_is_documented_beside_the_other() -> None:
    answers = {status: told for status, told in operation("/keys", "post")["responses"].items() if status < "400"}
    schemas = {status: told["content"]["application/json"]["schema"] for status, told in answers.items()}
    assert schemas == {"200": {"$ref": "#/components/schemas/Car"}, "202": {"type": "null"}}


def test_conditions_and_their_answers_are_documented() -> None:
    shown, changed = operation("/vehicles/{id}", "get"), operation("/vehicles/{id}", "patch")
    in_headers = [
        [(one["name"], one["required"]) for one in told["parameters"] if one["in"] == "header"]
        for told in (shown, changed)
    ]
    assert in_headers == [[("If-None-Match", False)], [("If-Match", False)]]
    assert "content" not in shown["responses"]["304"]
    assert "304" not in changed["responses"]
    assert [told["responses"]["200"]["headers"].keys() for told in (shown, changed)] == [{"ETag"}, {"ETag"}]


def test_a_page_documents_its_link_and_its_items() -> None:
    told = operation("/pages", "get")["responses"]["200"]
    assert told["headers"].keys() == {"Link"}
    name = told["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    page = THEIRS["components"]["schemas"][name]
    assert page["properties"]["items"]["items"] == {"$ref": "#/components/schemas/Car"}
    assert set(page["required"]) == {"items", "next_cursor", "total"}


def test_every_route_documents_its_security() -> None:
    assert operation("/vehicles", "get")["security"] == []
    assert operation("/vehicles", "post")["security"] == [{"bearer": []}, {"cookie": []}]
    assert operation("/vehicles/{id}", "post")["security"] == [{"bearer": ["role buyer"]}, {"cookie": ["role buyer"]}]
    assert operation("/vehicles/{id}/paint", "post")["security"] == [
        {"bearer": ["superuser"]},
        {"cookie": ["superuser"]},
    ]
    assert operation("/keys", "post")["security"] == [{"bearer": []}, {"cookie": []}]
    cookie = THEIRS["components"]["securitySchemes"]["cookie"]
    assert (cookie["in"], cookie["name"]) == ("cookie", "__Host-access")


def test_every_route_documents_its_error_codes() -> None:
    always = {"HOST_NOT_ALLOWED", "INTERNAL_ERROR", "MALFORMED_REQUEST", "UNAVAILABLE"}
    foreign = {"XSRF", "ORIGIN_NOT_ALLOWED"}
    known = {"UNAUTHORIZED", "TOKEN_EXPIRED", "TOKEN_INVALID", "FORBIDDEN", "RATE_LIMITED", "QUOTA_EXCEEDED"} | always
    key = {refusal.code for refusal in REFUSALS}
    a_body = {"REQUEST_TIMEOUT", "PAYLOAD_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "VALIDATION_FAILED"}
    assert codes("/vehicles", "get") == {"VALIDATION_FAILED"} | always
    assert codes("/vehicles", "post") == known | a_body | key | {"MALFORMED_JSON", *foreign}
    assert codes("/vehicles/{id}", "post") == known | a_body | key | {"NOT_FOUND", "SOLD", "BROKEN", *foreign}
    assert codes("/vehicles/{id}", "get") == known | {"NOT_FOUND"}, "no XSRF token: it changes nothing"
    assert codes("/vehicles/{id}", "patch") >= {"PRECONDITION_FAILED"}
    of_holders = known - {"TOKEN_EXPIRED", "FORBIDDEN", "QUOTA_EXCEEDED"}  # their account is not looked up
    assert codes("/keys", "post") == of_holders | a_body | {"MALFORMED_JSON", *foreign}
    assert codes("/honk", "get") == {"RATE_LIMITED"} | always


GALLERYS = json.loads(document([GALLERY]))["paths"]
BINARY = {"type": "string", "format": "binary"}


def test_a_body_of_another_size_is_documented() -> None:
    body = GALLERYS["/articles"]["post"]["requestBody"]
    assert (body["description"], list(body["content"])) == ("Maximum size: 1 MB.", ["application/json"])
    assert "description" not in operation("/vehicles", "post")["requestBody"]
    too_large = GALLERYS["/articles"]["post"]["responses"]["413"]["content"]["application/problem+json"]["examples"]
    assert too_large["PAYLOAD_TOO_LARGE"]["value"]["detail"] == "The body is larger than 1 MB."


def test_a_file_is_documented_by_its_types_and_its_size() -> None:
    avatar, photo, album = (
        GALLERYS[path][method] for path, method in (("/avatar", "put"), ("/photos", "post"), ("/albums", "post"))
    )
    assert avatar["requestBody"] == {
        "description": "Maximum size: 200 kB.",
        "required": True,
        "content": {"image/png": {"schema": BINARY}, "image/jpeg": {"schema": BINARY}},
    }
    assert list(photo["requestBody"]["content"]) == [*KINDS, "multipart/form-data"]
    [(kind, form)] = album["requestBody"]["content"].items()
    assert (kind, form["encoding"]) == ("multipart/form-data", {"file": {"contentType": ", ".join(KINDS)}})
    assert form["schema"]["properties"].keys() == {"title", "tag", "file"}
    assert form["schema"]["properties"]["file"] == BINARY
    assert form["schema"]["required"] == ["title", "file"]
    refusals = {"400", "408", "413", "415"}
    assert avatar["responses"].keys() >= refusals
    assert "422" not in avatar["responses"]
    assert photo["responses"].keys() >= refusals | {"422"}
    assert "MALFORMED_MULTIPART" in photo["responses"]["400"]["description"]


def test_a_stream_is_documented_by_its_type() -> None:
    found = {
        path: GALLERYS[path]["get"]["responses"]["200"]["content"] for path in ("/rows.csv", "/rows.ndjson", "/endless")
    }
    assert found == {
        "/rows.csv": {"text/csv": {"schema": {"type": "string"}}},
        "/rows.ndjson": {"application/x-ndjson": {"schema": {"type": "string"}}},
        "/endless": {"application/octet-stream": {"schema": BINARY}},
    }


def test_two_handlers_with_one_name_are_refused() -> None:
    twice = Feature(name="twice", routes=[get("/a", honk, guard=anyone), get("/b", honk, guard=anyone)])
    with pytest.raises(TypeError, match="Two handlers are named honk"):
        document([twice])
