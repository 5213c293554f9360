"""JSON responses are compressed where the client accepts it and nothing in them can be guessed from their length."""

import gzip
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from api.features import FEATURES
from api.kernel.context import Context
from api.kernel.contract.openapi import document
from api.kernel.data.database import Transaction
from api.kernel.feature import Feature
from api.kernel.http.caching import CacheControl
from api.kernel.http.compression import COMPRESSED_BYTES, is_compressible
from api.kernel.http.cookies import Cookies
from api.kernel.http.routing import Renew, Reply, Route, get, inputs_of, patch, post
from api.kernel.http.validators import Version, refuse_stale
from api.kernel.identity.auth import Claims, Principal, anyone, signed_in
from api.kernel.settings import Settings
from tests.kernel.test_routing import app_of

WORDS = "the same words again, "


class Text(msgspec.Struct, frozen=True):
    text: str
    version: Version[int] = 1


class Plain(msgspec.Struct, frozen=True):
    text: str


class Wanted(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    characters: int


async def show_text(query: Wanted) -> Plain:
    return Plain("x" * query.characters)


async def list_texts() -> list[Plain]:
    return [Plain(WORDS * 5) for _ in range(50)]


async def show_versioned() -> Text:
    return Text(WORDS * 100)


async def change_versioned(if_match: str | None, body: Wanted) -> Text:
    refuse_stale(if_match, Text(WORDS * 100))
    return Text(WORDS * 100)


async def show_plain() -> Plain:
    return Plain(WORDS * 100)


async def change_plain(if_match: str | None, body: Wanted) -> Plain:
    refuse_stale(if_match, Plain(WORDS * 100))
    return Plain(WORDS * 100)


async def write(body: Wanted) -> Plain:
    return Plain(WORDS * body.characters)


async def show_with_cookies(cookies: Cookies) -> Plain:
    return Plain(WORDS * 100)


async def show_renewed(context: Context, principal: Principal, renew: Renew) -> Plain:
    async with context.db.transaction() as db:
        await renew(db)
    return Plain(WORDS * 100)


async def download() -> Reply:
    return Reply(content=b'"%s"' % (WORDS * 100).encode())


async def authenticate(context: Context, claims: Claims) -> Principal:
    return Principal(id=claims.sub, sid=claims.sid, is_superuser=False, is_verified=True, roles=())


async def renew(
    context: Context, db: Transaction, principal: Principal, cookies: Cookies
) -> tuple[UUID, dict[str, str]]:
    return principal.sid, {"X-Access-Token": "new"}


LIBRARY = Feature(
    name="library",
    routes=[
        get("/text", show_text, guard=anyone, etag=True),
        get("/texts", list_texts, guard=anyone, etag=True, cache=CacheControl(seconds=60)),
        get("/versioned", show_versioned, guard=anyone, etag=True),
        patch("/versioned", change_versioned, guard=anyone, etag=True),
        get("/plain", show_plain, guard=anyone, etag=True),
        patch("/plain", change_plain, guard=anyone, etag=True),
        post("/written", write, guard=anyone),
        get("/with-cookies", show_with_cookies, guard=anyone),
        get("/renewed", show_renewed, guard=signed_in),
        get("/download", download, guard=anyone),
    ],
    authenticate=authenticate,
    renew=renew,
)


@pytest.fixture
async def library(settings: Settings, context: Context) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app_of(settings, context, LIBRARY), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost/api") as client:
        client.headers["accept-encoding"] = "gzip, deflate, br"
        yield client


def varies(answer: httpx.Response) -> set[str]:
    assert len(answer.headers.get_list("vary")) == 1, "nginx before 1.23 reads one line only"
    return {name.strip() for name in answer.headers["vary"].split(",")}


async def raw(client: httpx.AsyncClient, path: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """Return the response, and its bytes on the wire."""
    async with client.stream("GET", path, headers=headers) as answer:
        return answer, b"".join([part async for part in answer.aiter_raw()])


async def test_a_list_is_compressed_for_clients_that_accept_it(library: httpx.AsyncClient) -> None:
    """C-358: with its length, Vary, and an entity tag for each coding."""
    tags = set()
    plain, content = await raw(library, "/texts", **{"accept-encoding": "identity"})
    for accepted, coding in [
        ("gzip", "gzip"),
        ("deflate, X-GZIP;q=0.5", "gzip"),
        ("br, *", None),
        ("gzip;q=0", None),
        ("", None),
    ]:
        answer, sent = await raw(library, "/texts", **{"accept-encoding": accepted})
        assert answer.headers.get("content-encoding") == coding, accepted
        assert varies(answer) >= {"Accept-Encoding", "Origin"}
        assert answer.headers["content-type"] == "application/json"
        assert int(answer.headers["content-length"]) == len(sent)
        assert (gzip.decompress(sent) if coding else sent) == content
        tags.add((coding, answer.headers["etag"]))
    assert len(tags) == 2
    assert (None, plain.headers["etag"]) in tags


async def test_short_and_very_long_responses_are_not_compressed(library: httpx.AsyncClient) -> None:
    """C-358: compressing a long one would delay all other requests of the process."""
    around = len(b'{"text":""}')
    for size in (100, COMPRESSED_BYTES.start - 1, COMPRESSED_BYTES.stop):
        answer = await library.get("/text", params={"characters": size - around})
        assert len(answer.content) == size
        assert "content-encoding" not in answer.headers
        assert "Accept-Encoding" not in varies(answer)
    for size in (COMPRESSED_BYTES.start, COMPRESSED_BYTES.stop - 1):
        answer = await library.get("/text", params={"characters": size - around})
        assert len(answer.content) == size
        assert answer.headers["content-encoding"] == "gzip"


async def test_a_copy_is_revalidated_in_its_coding(library: httpx.AsyncClient) -> None:
    """C-359: the 304 names the same fields as the response, and has no body."""
    for accepted in ("gzip", "identity"):
        fields = {"accept-encoding": accepted}
        first = await library.get("/texts", headers=fields)
        same = await library.get("/texts", headers=fields | {"if-none-match": first.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        for name in ("etag", "vary", "cache-control"):
            assert same.headers[name] == first.headers[name]
        assert "content-encoding" not in same.headers


@pytest.mark.parametrize("path", ["/versioned", "/plain"])
async def test_if_match_accepts_the_tag_of_each_coding(library: httpx.AsyncClient, path: str) -> None:
    """C-359: the client edits what it read, whatever the coding."""
    for accepted in ("gzip", "identity"):
        tag = (await library.get(path, headers={"accept-encoding": accepted})).headers["etag"]
        for condition in (tag, f"W/{tag}"):
            changed = await library.patch(path, json={"characters": 1}, headers={"if-match": condition})
            assert changed.status_code == 200, condition
        other = tag.replace(tag[1:5], "0000" if tag[1:5] != "0000" else "1111")
        refused = await library.patch(path, json={"characters": 1}, headers={"if-match": other})
        assert refused.status_code == 412


async def test_head_has_the_headers_of_get(library: httpx.AsyncClient) -> None:
    answers = [await library.request(method, "/texts") for method in ("GET", "HEAD")]
    got, asked = ({name: answer.headers.get(name) for name in HEADERS} for answer in answers)
    assert got == asked
    assert got["content-encoding"] == "gzip"


HEADERS = ("content-encoding", "content-length", "content-type", "etag", "vary")


async def test_responses_that_may_carry_a_secret_are_not_compressed(
    library: httpx.AsyncClient, bearer: dict[str, str]
) -> None:
    """C-360: what a request changes, handlers that read or write tokens, and bodies that the handler encodes."""
    answers = [
        await library.post("/written", json={"characters": 100}),
        await library.get("/with-cookies"),
        await library.get("/renewed", headers=bearer),
        await library.get("/download"),
    ]
    for answer in answers:
        assert answer.status_code == 200
        assert len(answer.content) > COMPRESSED_BYTES.start
        assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("sent", "compressed"),
    [
        ({}, True),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"origin": "http://localhost:4200", "sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "null"}, False),
    ],
)
async def test_requests_of_foreign_pages_are_answered_uncompressed(
    library: httpx.AsyncClient, sent: dict[str, str], compressed: bool
) -> None:
    """C-360: a page that cannot read the response learns nothing from its length either."""
    answer = await library.get("/texts", headers=sent)
    assert answer.headers.get("content-encoding") == ("gzip" if compressed else None)
    assert "Accept-Encoding" in varies(answer)


def _names(schema: Any, schemas: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the names of all fields of a schema that can hold a secret. A time or a boolean cannot."""
    for part in schema if isinstance(schema, list) else [schema]:
        if not isinstance(part, dict):
            continue
        name = part.get("$ref", "").rpartition("/")[2]
        if name and name not in above:
            yield from _names(schemas[name], schemas, (*above, name))
        yield from (field for field, inner in part.get("properties", {}).items() if not _is_plain(inner))
        for inner in (*part.get("properties", {}).values(), *part.values()):
            yield from _names(inner, schemas, above)


def _is_plain(schema: dict[str, Any]) -> bool:
    """Return whether all values of a schema are times, booleans or null."""
    return all(
        part.get("format") == "date-time" or part.get("type") in ("boolean", "null")
        for part in schema.get("anyOf", [schema])
    )


@pytest.mark.parametrize(
    ("field", "is_plain"),
    [
        ({"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}, True),
        ({"type": "boolean"}, True),
        ({"type": "string"}, False),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, False),
        ({"type": "integer"}, False),
        ({"$ref": "#/components/schemas/Secret"}, False),
    ],
)
def test_by_type_a_time_and_a_boolean_are_no_secrets(field: dict[str, Any], is_plain: bool) -> None:
    assert _is_plain(field) == is_plain


def test_no_compressible_response_has_a_field_for_a_secret() -> None:
    """C-360: by name, in every feature. A GET that returns a secret takes `cookies`, or is a POST."""
    openapi = json.loads(document(FEATURES))
    found: list[Route] = [route for feature in FEATURES for route in feature.routes]
    compressible = {f"/{route.path.lstrip('/')}" for route in found if is_compressible(route.method, _ambient(route))}
    assert {"/users", "/audit", "/sessions"} <= compressible
    revealed = {
        (path, name)
        for path in compressible
        for status, answer in openapi["paths"][path]["get"]["responses"].items()
        if status.startswith("2")
        for media in answer.get("content", {}).values()
        for name in _names(media.get("schema"), openapi["components"]["schemas"])
        if re.search("token|secret|password|xsrf|code$", name)
    }
    assert revealed == set()


def _ambient(route: Route) -> frozenset[str]:
    return inputs_of(route).ambient
