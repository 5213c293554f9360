"""The pipeline, with a feature unknown to the kernel."""

import re
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from api.app import create_app
from api.kernel.context import Context, origin
from api.kernel.errors import conflict
from api.kernel.feature import Feature
from api.kernel.http.routing import Reply, delete, get, patch, post, put
from api.kernel.identity.auth import Claims, Principal, anyone, role, signed_in, superuser
from api.kernel.identity.limits import Limiter
from api.kernel.settings import Rate, Settings

OUT_OF_FLOUR = conflict("OUT_OF_FLOUR", "There is no flour left.")
ALLOWED = Principal(id=uuid4(), sid=uuid4(), is_superuser=False, is_verified=True, roles=("baker",))
CALLS: list[Any] = []


class Loaf(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    kind: Annotated[str, msgspec.Meta(max_length=20)]
    grams: int = 500


class Listing(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class Order(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    name: str
    many: int = 1


async def list_loaves(context: Context, query: Listing) -> list[Loaf]:
    """All loaves."""
    return [Loaf("rye")] * query.limit


async def bake(body: Loaf) -> Loaf:
    CALLS.append(body)
    return body


async def show_loaf(id: UUID, part: str) -> dict[str, str]:
    return {"id": str(id), "part": part}


async def replace_loaf(id: UUID, body: Loaf, principal: Principal) -> Loaf:
    CALLS.append(principal.id)
    return body


async def eat(id: UUID) -> None:
    return None


async def order(form: Order) -> Order:
    return form


async def show_crust() -> Reply:
    return Reply(content=b"crust", status=203, media_type="text/plain", headers={"cache-control": "max-age=1"})


async def run_out() -> None:
    raise OUT_OF_FLOUR("Only crumbs.", headers={"x-crumbs": "3"})


async def burn() -> None:
    raise RuntimeError("the secret recipe")


async def show_origin(context: Context) -> str:
    who = origin.get()
    return f"{who.principal_id} {who.address} {who.user_agent} {who.language}"


async def admire(id: UUID) -> None:
    return None


ROUTES = [
    get("/loaves", list_loaves, guard=anyone),
    post("/loaves", bake, guard=anyone, limit="2/hour", status=201),
    get("/loaves/{id}/{part}", show_loaf, guard=anyone),
    put("/loaves/{id}", replace_loaf, guard=role("baker")),
    patch("/loaves/{id}", admire, guard=superuser),
    delete("/loaves/{id}", eat, guard=signed_in, status=204),
    post("/orders", order, guard=anyone),
    get("/crust", show_crust, guard=anyone, limit="off"),
    get("/flour", run_out, guard=anyone, errors=(OUT_OF_FLOUR,)),
    get("/oven", burn, guard=anyone),
    get("/origin", show_origin, guard=anyone),
]


async def authenticate(context: Context, claims: Claims) -> Principal:
    return ALLOWED


BAKERY = Feature(name="bakery", routes=ROUTES, authenticate=authenticate)


def app_of(settings: Settings, context: Context, *features: Feature) -> Starlette:
    app = create_app(settings, features or (BAKERY,))
    app.state.context = context
    return app


@pytest.fixture
async def bakery(settings: Settings, context: Context) -> AsyncIterator[httpx.AsyncClient]:
    CALLS.clear()
    limited = msgspec.structs.replace(settings, rate_limit_anonymous=Rate(50, 3600), rate_limit_credentials=1.0)
    context = msgspec.structs.replace(context, limiter=Limiter(limited, context.cache))
    transport = httpx.ASGITransport(app_of(limited, context), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost/api") as client:
        yield client


MEMBERS = {
    "type",
    "title",
    "status",
    "detail",
    "instance",
    "code",
    "trace_id",
    "error",
    "status_code",
    "message",
    "path",
    "extra",
}
"""The members of each problem; some have `errors` or `violated-policies` too."""


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check the whole common shape of a problem."""
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["server-timing"].startswith("total;dur=")
    assert told["trace_id"] == answer.headers["x-trace-id"]
    kind = "about:blank" if status != 429 else "https://iana.org/assignments/http-problem-types#quota-exceeded"
    assert told.keys() - {"errors", "violated-policies"} == MEMBERS
    assert ("violated-policies" in told) == (status == 429)
    assert (told["status"], told["type"]) == (status, kind)
    assert told["message"] == told["error"] == told["detail"]
    assert (told["status_code"], told["path"]) == (status, told["instance"])
    assert told["extra"] == {"trace_id": told["trace_id"]}
    return told


# Answers


async def test_input_and_output_round_trip(bakery: httpx.AsyncClient) -> None:
    answer = await bakery.post("/loaves", json={"kind": "rye"})
    assert (answer.status_code, answer.json()) == (201, {"kind": "rye", "grams": 500})
    assert answer.headers["cache-control"] == "no-store"
    assert len((await bakery.get("/loaves?limit=3")).json()) == 3
    assert (await bakery.post("/orders", data={"name": "Ada", "many": "2"})).json() == {"name": "Ada", "many": 2}
    id = uuid4()
    assert (await bakery.get(f"/loaves/{id}/heel%20end")).json() == {"id": str(id), "part": "heel end"}


async def test_204_has_no_body_and_a_reply_is_sent_unchanged(bakery: httpx.AsyncClient, bearer: dict[str, str]) -> None:
    gone = await bakery.delete(f"/loaves/{uuid4()}", headers=bearer)
    assert (gone.status_code, gone.content) == (204, b"")
    crust = await bakery.get("/crust")
    assert (crust.status_code, crust.text, crust.headers["cache-control"]) == (203, "crust", "max-age=1")
    assert crust.headers["content-type"].startswith("text/plain")


async def test_a_features_own_refusal_has_the_common_shape(bakery: httpx.AsyncClient) -> None:
    answer = await bakery.get("/flour")
    assert problem(answer, 409, "OUT_OF_FLOUR")["detail"] == "Only crumbs."
    assert answer.headers["x-crumbs"] == "3"


async def test_an_unexpected_failure_is_a_500_without_details(bakery: httpx.AsyncClient) -> None:
    problem(answer := await bakery.get("/oven"), 500, "INTERNAL_ERROR")
    assert "recipe" not in answer.text
    assert "RuntimeError" not in answer.text


# The order of refusals


async def test_authorization_precedes_existence_and_validation(
    bakery: httpx.AsyncClient, bearer: dict[str, str]
) -> None:
    """401 and 403 precede 404 and 422, so that refused callers learn nothing."""
    for path in ("/loaves/not-an-id", f"/loaves/{uuid4()}"):
        problem(answer := await bakery.put(path, content=b"{"), 401, "UNAUTHORIZED")
        assert answer.headers["www-authenticate"] == "Bearer"
        problem(await bakery.patch(path, content=b"{", headers=bearer), 403, "FORBIDDEN")
    problem(await bakery.put("/loaves/not-an-id", json={"kind": 1}, headers=bearer), 404, "NOT_FOUND")
    told = problem(await bakery.put(f"/loaves/{uuid4()}", json={"kind": 1}, headers=bearer), 422, "VALIDATION_FAILED")
    assert told["errors"] == [{"pointer": "/kind", "detail": "Must be text.", "code": "kind"}]
    assert CALLS == []
    assert (await bakery.put(f"/loaves/{uuid4()}", json={"kind": "x"}, headers=bearer)).status_code == 200
    assert [ALLOWED.id] == CALLS


async def test_an_invalid_request_counts_and_the_limit_comes_first(bakery: httpx.AsyncClient) -> None:
    """C-167."""
    problem(refused := await bakery.post("/loaves", json={"kind": 1}), 422, "VALIDATION_FAILED")
    answer = await bakery.post("/loaves", json={"kind": "rye"})
    assert ratelimit(refused) == {"all": 49, "bake": 1}
    assert ratelimit(answer) == {"all": 48, "bake": 0}
    told = problem(over := await bakery.post("/loaves", content=b"{"), 429, "RATE_LIMITED")
    assert told["violated-policies"] == ["bake"]
    assert 3535 <= int(over.headers["retry-after"]) <= 3600
    assert over.headers["ratelimit"].endswith(f'"bake";r=0;t={over.headers["retry-after"]}')
    assert (over.headers["x-ratelimit-limit"], over.headers["x-ratelimit-remaining"]) == ("2", "0")
    assert len({each.headers["ratelimit-policy"] for each in (refused, answer, over)}) == 1
    assert over.headers["ratelimit-policy"] == '"all";q=50;w=3600, "bake";q=2;w=3600'
    assert len(CALLS) == 1


def ratelimit(answer: httpx.Response) -> dict[str, int]:
    """Return the remaining quota of each policy."""
    return {name: int(left) for name, left in re.findall(r'"([\w-]+)";r=(\d+);t=\d+', answer.headers["ratelimit"])}


async def test_off_disables_a_limit(bakery: httpx.AsyncClient) -> None:
    assert "ratelimit" not in (await bakery.get("/crust")).headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/loaves?limit=0", 422), ("GET", "/flour", 409), ("GET", "/oven", 500), ("GET", "/loaves/x/y", 404)],
)
async def test_every_answer_has_the_limits(bakery: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    """C-167: including errors and unexpected failures."""
    answer = await bakery.request(method, path)
    assert answer.status_code == status
    assert (answer.headers["ratelimit-policy"], ratelimit(answer)) == ('"all";q=50;w=3600', {"all": 49})
    assert answer.headers["x-ratelimit-remaining"] == "49"


@pytest.mark.parametrize(
    ("body", "type_", "status", "code"),
    [
        (b"", "application/json", 400, "MALFORMED_JSON"),
        (b"[]", "application/json", 422, "VALIDATION_FAILED"),
        (b'{"kind":"a","kind":"b"}', "application/json", 400, "MALFORMED_JSON"),
        (b'{"kind":"\\u0000"}', "application/json", 422, "VALIDATION_FAILED"),
        (b'{"kind":"\\ud800"}', "application/json", 422, "VALIDATION_FAILED"),
        (b'{"kind":"a","grams":9223372036854775808}', "application/json", 422, "VALIDATION_FAILED"),
        (b"[" * 60_000, "application/json", 400, "MALFORMED_JSON"),
        (b" " * 65_537, "application/json", 413, "PAYLOAD_TOO_LARGE"),
        (b'{"kind":"a"}', "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b'{"kind":"a"}', "application/json; charset=utf-16", 415, "UNSUPPORTED_MEDIA_TYPE"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_invalid_bodies_never_reach_a_handler(
    bakery: httpx.AsyncClient, body: bytes, type_: str, status: int, code: str
) -> None:
    """C-1, C-4 … C-8, C-23 … C-26."""
    problem(await bakery.post("/loaves", content=body, headers={"content-type": type_}), status, code)
    assert CALLS == []


@pytest.mark.parametrize("query", ["limit=-1", "limit=0", "limit=1e9", "limit=1&limit=2", "sort=x", "limit=%ff"])
async def test_invalid_queries_never_reach_a_handler(bakery: httpx.AsyncClient, query: str) -> None:
    """C-17, C-21, C-33."""
    problem(await bakery.get(f"/loaves?{query}"), 422, "VALIDATION_FAILED")


@pytest.mark.parametrize("id", ["9" * 5000, "-1", "1e3", " 1", "٣", "zz", "%00", "..%2f", "%ff"])
async def test_a_malformed_id_is_not_found(bakery: httpx.AsyncClient, id: str) -> None:
    """C-16, C-26."""
    problem(await bakery.get(f"/loaves/{id}/crumb"), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/loaves", "GET, POST, HEAD"),
        ("OPTIONS", "/loaves", "GET, POST, HEAD"),
        ("TRACE", "/loaves", "GET, POST, HEAD"),
        ("GET", f"/loaves/{UUID(int=1)}", "PUT, PATCH, DELETE"),
        ("HEAD", "/orders", "POST"),
    ],
)
async def test_another_method_gets_the_allowed_ones(
    bakery: httpx.AsyncClient, method: str, path: str, allow: str
) -> None:
    """C-14: without authentication."""
    answer = await bakery.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert (await bakery.head("/loaves")).status_code == 200


async def test_actor_and_origin_are_known_to_recorded_events(bakery: httpx.AsyncClient) -> None:
    answer = await bakery.get("/origin", headers={"user-agent": "x\x00" + "y" * 999})
    assert answer.json() == "None 127.0.0.1 x" + "y" * 255 + " en"
    sent = {"user-agent": "", "accept-language": "de-CH, en;q=0.5"}
    assert (await bakery.get("/origin", headers=sent)).json() == "None 127.0.0.1 None de"


async def test_a_literal_segment_precedes_a_parameter_in_any_order(settings: Settings, context: Context) -> None:
    """`/cakes/{id}/layers/top` is not a layer whose name is top."""

    async def find_layer(id: UUID, name: str) -> str:
        return name

    async def find_top(id: UUID) -> str:
        return "the top"

    async def find_layer_of_new(name: str) -> str:
        return f"new {name}"

    routes = [
        delete("/cakes/{id}/layers/{name}", find_layer, guard=anyone),
        get("/cakes/{id}/layers/top", find_top, guard=anyone),
        get("/cakes/new/layers/{name}", find_layer_of_new, guard=anyone),
    ]
    for ordered in (routes, routes[::-1]):
        app = app_of(settings, context, Feature(name="cakes", routes=ordered))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost/api") as client:
            for method, path, answer in (
                ("GET", f"/cakes/{uuid4()}/layers/top", "the top"),
                ("DELETE", f"/cakes/{uuid4()}/layers/low", "low"),
                ("GET", "/cakes/new/layers/low", "new low"),
            ):
                assert (await client.request(method, path)).json() == answer
