"""A handler as a unit of work: retries, deadlines, concurrency limits; and route lines refused at start."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from uuid import UUID

import httpx
import msgspec
import pytest

from api.app import create_app
from api.kernel.context import Context
from api.kernel.errors import VALIDATION_FAILED
from api.kernel.feature import Feature, authenticate_of, recognise_of
from api.kernel.http import pipeline, table
from api.kernel.http.routing import Route, get, inputs_of, post
from api.kernel.http.table import mount
from api.kernel.identity.auth import Claims, Principal, anyone, holder, signed_in
from api.kernel.input import bodies
from api.kernel.settings import Settings


class Note(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    text: str


class Loose(msgspec.Struct):
    text: str


@pytest.fixture
def serve(settings: Settings) -> Callable[[Context, Sequence[Route]], httpx.AsyncClient]:
    def made(context: Context, routes: Sequence[Route]) -> httpx.AsyncClient:
        app = create_app(settings, (Feature(name="work", routes=routes),))
        app.state.context = context
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://localhost/api")

    return made


Serve = Callable[[Context, Sequence[Route]], httpx.AsyncClient]


# Retries


async def test_two_conflicting_requests_both_take_effect_once(serve: Serve, live: Context) -> None:
    """C-35: a real 40001, from two transactions that read what the other writes."""
    await live.db.fetch("create table counted (n integer)")
    await live.db.fetch("insert into counted values (0)")
    both_have_read, tries = asyncio.Barrier(2), 0

    async def count() -> int:
        nonlocal tries
        tries += 1
        first = tries <= 2
        async with live.db.transaction() as db:
            await db.fetch("set transaction isolation level serializable")
            [row] = await db.fetch("select n from counted")
            if first:
                await both_have_read.wait()
            await db.fetch("update counted set n = $1", row["n"] + 1)
        return int(row["n"]) + 1

    async with serve(live, [post("/count", count, guard=anyone)]) as client:
        answers = await asyncio.gather(client.post("/count"), client.post("/count"))
    assert sorted(answer.json() for answer in answers) == [1, 2]
    assert tries == 3
    [row] = await live.db.fetch("select n from counted")
    assert row["n"] == 2


@pytest.mark.parametrize("state", ["40001", "40P01"])
async def test_three_conflicts_are_a_503_without_effect(serve: Serve, live: Context, state: str) -> None:
    """C-35."""
    await live.db.fetch("create table tried (n integer)")
    tries = 0

    async def collide() -> None:
        nonlocal tries
        tries += 1
        async with live.db.transaction() as db:
            await db.fetch("insert into tried values (1)")
            await db.fetch(f"do $$ begin raise exception using errcode = '{state}'; end $$")

    async with serve(live, [post("/collide", collide, guard=anyone)]) as client:
        answer = await client.post("/collide")
    assert (answer.status_code, answer.json()["code"], tries) == (503, "UNAVAILABLE", 3)
    assert answer.headers["retry-after"] == "1"
    assert await live.db.fetch("select 1 from tried") == []


async def test_a_value_that_only_postgresql_rejects_is_a_422(serve: Serve, live: Context) -> None:
    """C-36."""

    async def overflow() -> None:
        await live.db.fetch("select 2147483647 + $1::int4", 1)

    async with serve(live, [post("/overflow", overflow, guard=anyone)]) as client:
        answer = await client.post("/overflow")
    assert (answer.status_code, answer.json()["code"]) == (422, VALIDATION_FAILED.code)


# Deadlines


async def test_a_slow_handler_is_cancelled(serve: Serve, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "HANDLER_SECONDS", 0.02)
    cancelled = asyncio.Event()

    async def dawdle() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async with serve(context, [get("/dawdle", dawdle, guard=anyone)]) as client:
        answer = await client.get("/dawdle")
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
    assert cancelled.is_set()


async def test_one_slow_route_does_not_block_the_others(
    serve: Serve, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "MAX_ACTIVE", 3)
    gate, entered = asyncio.Event(), asyncio.Semaphore(0)

    async def hang() -> str:
        entered.release()
        await gate.wait()
        return "done"

    async def pass_by() -> str:
        return "fine"

    async with serve(context, [get("/hang", hang, guard=anyone), get("/pass", pass_by, guard=anyone)]) as client:
        hanging = [asyncio.create_task(client.get("/hang")) for _ in range(3)]
        for _ in hanging:
            await entered.acquire()
        refused = await client.get("/hang")
        assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (
            503,
            "UNAVAILABLE",
            "1",
        )
        assert (await client.get("/pass")).status_code == 200
        gate.set()
        assert [answer.status_code for answer in await asyncio.gather(*hanging)] == [200] * 3
        assert (await client.get("/hang")).status_code == 200


async def test_an_endless_body_is_a_408(serve: Serve, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-27."""
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.02)

    async def note(body: Note) -> Note:
        return body

    async def drip() -> AsyncIterator[bytes]:
        yield b'{"text":'
        await asyncio.Event().wait()

    async with serve(context, [post("/notes", note, guard=anyone)]) as client:
        answer = await client.post("/notes", content=drip(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (408, "REQUEST_TIMEOUT")
    assert answer.headers["connection"] == "close"


# Refused at start


async def wants_more(id: UUID, other: str) -> None: ...
async def wants_nothing() -> None: ...
async def wants_a_number(id: float) -> None: ...
async def wants_somebody(principal: Principal) -> None: ...
async def wants_loose(body: Loose) -> None: ...
async def wants_a_dict(query: dict[str, str]) -> None: ...
async def wants_a_choice(form: Note | None) -> None: ...
async def wants_one_of_two(body: Note | Loose | None) -> None: ...
async def wants_claims(claims: Claims) -> None: ...
async def wants_both(body: Note, form: Note) -> None: ...
async def wants_untyped(context, id: UUID) -> None: ...  # type: ignore[no-untyped-def]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (
            get("/{id}", wants_more, guard=anyone),
            r"path has the parameters \['id'\], the handler \['id', 'other'\]",
        ),
        (get("/{id}", wants_nothing, guard=anyone), r"the path has the parameters \['id'\], the handler \[\]"),
        (get("/{id:path}", wants_nothing, guard=anyone), r"a path parameter is a name, such as"),
        (get("/{id}", wants_a_number, guard=anyone), "a path parameter is a UUID, str, int, date, or an Enum"),
        (get("/", wants_somebody, guard=anyone), "a principal needs a guard"),
        (post("/", wants_loose, guard=anyone), "body must be a Struct with forbid_unknown_fields"),
        (get("/", wants_a_dict, guard=anyone), "query must be a Struct"),
        (post("/", wants_a_choice, guard=anyone), "form must be a Struct"),
        (post("/", wants_one_of_two, guard=anyone), "body must be a Struct"),
        (post("/", wants_claims, guard=anyone), "claims need a guard that requires a token"),
        (post("/", wants_somebody, guard=holder), "a principal needs a guard"),
        (post("/", wants_both, guard=anyone), "use either body or form"),
        (get("/{id}", wants_untyped, guard=anyone), r"\['context'\] need type annotations"),
        (get("/", wants_nothing, guard=anyone, limit="20/fortnight"), "limit must be off or like 20/minute"),
    ],
)
def test_a_handler_that_does_not_match_its_line_is_named(made: Route, said: str) -> None:
    with pytest.raises(TypeError, match=said) as refused:
        inputs_of(made)
    assert f"{made.handler.__module__}.{made.handler.__name__} ({made.method} {made.path})" in str(refused.value)


async def nobody(context: Context, claims: Claims) -> Principal:
    raise NotImplementedError


def test_a_duplicate_route_is_refused() -> None:
    twice = [get("/x", wants_nothing, guard=anyone)] * 2
    with pytest.raises(TypeError, match="GET /x is defined twice"):
        mount(twice, nobody, recognise_of([]))


def test_a_literal_path_is_not_taken_for_an_id() -> None:
    async def by_id(id: UUID) -> None: ...

    routes = [get("/x/{id}", by_id, guard=anyone), get("/x/me", wants_nothing, guard=anyone)]
    table = mount(routes, nobody, recognise_of([]))
    assert [table.matches({"path": path})[1]["endpoint"].path for path in ("/api/x/me", "/api/x/7")] == [
        "/x/me",
        "/x/{id}",
    ]


def test_two_features_cannot_both_authenticate() -> None:
    one = Feature(name="one", authenticate=nobody)
    with pytest.raises(TypeError, match="Several features"):
        authenticate_of([one, one])
    assert authenticate_of([Feature(name="none"), one]) is nobody


async def test_without_an_authenticating_feature_every_token_is_refused(serve: Serve, context: Context) -> None:
    token = context.tokens.issue(sub=UUID(int=1), sid=UUID(int=2), jti=UUID(int=3), email="a@b.cd", name=None, roles=())
    async with serve(context, [get("/x", wants_nothing, guard=signed_in)]) as client:
        answer = await client.get("/x", headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "TOKEN_INVALID")
