"""Idempotency-Key: which answers are kept, how long, and how; and the work of handlers."""

from collections.abc import Callable, Sequence
from uuid import uuid4

import httpx
import msgspec
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.app import create_app
from api.features import FEATURES
from api.kernel.context import Context
from api.kernel.errors import conflict
from api.kernel.feature import Feature
from api.kernel.http import idempotency
from api.kernel.http.idempotency import MOST_KEYS, keeps_answers
from api.kernel.http.routing import Reply, Route, inputs_of, post
from api.kernel.identity.auth import anyone
from api.kernel.settings import Settings
from api.users import tasks
from tests.factories import PASSWORD, make_user
from tests.kernel.repeating import REPLAYED, count, keyed, operator
from tests.sessions.signing import bearer
from tests.webhooks.conftest import URL
from worker.main import sweep_answers

# What is kept


async def test_answers_are_kept_for_24_hours(client: httpx.AsyncClient, context: Context) -> None:
    """C-435: then the key is new, whether or not the row was swept."""
    headers = keyed(headers=await operator(client, context))
    for name, swept in (("one", False), ("two", True), ("three", False)):
        answer = await client.post("/api/plans/tiers", json={"name": name}, headers=headers)
        assert (answer.status_code, REPLAYED in answer.headers) == (201, False)
        await context.db.fetch("update answers set created_at = created_at - interval '24 hours 1 second'")
        if swept:
            assert await sweep_answers(context) == 1
    assert await count(context, "answers") == 1
    assert await sweep_answers(context) == 1


async def test_the_answers_of_a_caller_are_bounded(client: httpx.AsyncClient, context: Context) -> None:
    """C-435: the oldest is dropped, of this caller alone."""
    mine, others = await operator(client, context), await operator(client, context)
    for headers in (others, mine):
        await client.post("/api/plans/tiers", json={"name": str(uuid4())}, headers=keyed(headers=headers))
    [(owner,)] = await context.db.fetch("select owner from answers order by created_at desc, ctid desc limit 1")
    fill = """insert into answers select sha256(n::text::bytea), $1, '', now() - interval '1 hour' - n * interval '1 s'
                from generate_series(1, $2::int) n"""
    await context.db.fetch(fill, owner, MOST_KEYS + 5)
    await client.post("/api/plans/tiers", json={"name": "new"}, headers=keyed(headers=mine))
    rows = await context.db.fetch("select count(*), count(*) filter (where owner = $1) from answers", owner)
    assert tuple(rows[0]) == (MOST_KEYS + 1, MOST_KEYS)


async def test_an_answer_is_encrypted(signed_in: httpx.AsyncClient, context: Context) -> None:
    """C-436: a secret that is shown once is shown to the repetition, and no row holds it, the key or the body."""
    body = {"url": URL, "events": ["*"], "description": "canary of the body"}
    first = await signed_in.post("/api/webhooks", json=body, headers=keyed("canary-of-the-key"))
    [row] = await context.db.fetch("select id, owner, sealed from answers")
    stored = b"".join(row)
    for canary in (first.json()["secret"], "canary", URL):
        assert canary.encode() not in stored
    again = await signed_in.post("/api/webhooks", json=body, headers=keyed("canary-of-the-key"))
    assert again.json()["secret"] == first.json()["secret"]


async def test_keys_outlast_a_rotation_of_the_secret(
    signed_in: httpx.AsyncClient, context: Context, settings: Settings
) -> None:
    """C-436: with SECRET_KEY_PREVIOUS."""
    body, headers = {"url": URL, "events": ["*"]}, keyed(headers=dict(signed_in.headers))
    first = await signed_in.post("/api/webhooks", json=body, headers=headers)
    new, old = "another key of tests, long enough to be one", settings.secret_key
    rotated = msgspec.structs.replace(context.settings, secret_key=new, secret_key_previous=old)
    attempt_context = msgspec.structs.replace(context, settings=rotated)
    signed_in._transport.app.app.state.context = attempt_context  # type: ignore[attr-defined]
    again = await signed_in.post("/api/webhooks", json=body, headers=headers)
    assert (again.content, again.headers.get(REPLAYED)) == (first.content, "true")


async def test_a_refusal_is_not_kept(client: httpx.AsyncClient, context: Context) -> None:
    """C-435: it changed nothing, so that its repetition is a new request."""
    headers, key = await operator(client, context), keyed()
    await client.post("/api/plans/tiers", json={"name": "pro"}, headers=headers)
    assert (await client.post("/api/plans/tiers", json={"name": "pro"}, headers=headers | key)).status_code == 400
    await context.db.fetch("delete from plan_tiers")
    answer = await client.post("/api/plans/tiers", json={"name": "pro"}, headers=headers | key)
    assert (answer.status_code, REPLAYED in answer.headers) == (201, False)


async def test_tokens_are_never_kept(client: httpx.AsyncClient, context: Context) -> None:
    """C-436: routes that sign in, refresh and sign out ignore the key."""
    user = await make_user(context)
    form = {"username": user.email, "password": PASSWORD}
    pairs = [(await client.post("/api/auth/jwt/login", data=form, headers=keyed("k"))).json() for _ in range(2)]
    assert pairs[0]["refresh_token"] != pairs[1]["refresh_token"]
    change = {"current_password": PASSWORD, "new_password": f"{PASSWORD} again"}
    await client.post("/api/users/change-password", json=change, headers=keyed("k", bearer(pairs[0])))
    assert await count(context, "answers") == 0
    ignoring = {
        route.path
        for feature in FEATURES
        for route in feature.routes
        if route.method == "POST" and not keeps_answers(route, inputs_of(route))
    }
    assert ignoring == {
        "/auth/jwt/login",
        "/auth/jwt/logout",
        "/auth/refresh",
        "/auth/cookie/login",
        "/auth/cookie/logout",
        "/users/change-password",
    }


async def test_without_the_header_nothing_is_asked(
    client: httpx.AsyncClient, context: Context, spans: InMemorySpanExporter
) -> None:
    """C-435: the usual request costs no query."""
    headers = await operator(client, context)
    spans.clear()
    await client.post("/api/plans/tiers", json={"name": "pro"}, headers=headers)
    assert not [span.name for span in spans.get_finished_spans() if "answer" in span.name]
    assert await count(context, "answers") == 0


# The handler's work


Serve = Callable[[Sequence[Route]], httpx.AsyncClient]
SPENT = conflict("SPENT", "Nothing is left.")


@pytest.fixture
def serve(settings: Settings, context: Context) -> Serve:
    def made(routes: Sequence[Route]) -> httpx.AsyncClient:
        app = create_app(settings, (Feature(name="work", routes=routes),))
        app.state.context = context
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://localhost/api")

    return made


INSERT = "insert into inbox (consumer, source, id) values ('test', 'test', $1)"


async def test_all_parts_of_a_handler_commit_together(serve: Serve, context: Context) -> None:
    """C-437: the answer is kept if and only if the work is; a failure after a part leaves nothing."""
    failing = True

    async def work(context: Context) -> str:
        before = await context.db.fetch("select count(*) from inbox where consumer = 'test'")
        async with context.db.transaction() as db:
            await db.fetch(INSERT, str(uuid4()))
        await context.db.fetch(INSERT, str(uuid4()))
        await tasks.send_reset.defer_alone(context.db, tasks.ResetWanted(email="ada@example.com", network=""))
        after = await context.db.fetch("select count(*) from inbox where consumer = 'test'")
        if failing:
            raise RuntimeError
        return f"{before[0][0]} {after[0][0]}"

    async with serve([post("/work", work, guard=anyone)]) as client:
        assert (await client.post("/work", headers=keyed("k"))).status_code == 500
        for table in ("answers", "inbox", "outbox_tasks"):
            assert await count(context, table) == 0, table
        failing = False
        answers = [await client.post("/work", headers=keyed("k")) for _ in range(3)]
    assert {answer.json() for answer in answers} == {"0 2"}
    assert (await count(context, "inbox"), await count(context, "outbox_tasks")) == (2, 1)


async def test_what_a_handler_commits_before_it_refuses_stays(serve: Serve, context: Context) -> None:
    """C-437: otherwise a key would undo the count of failed attempts."""

    async def guess(context: Context) -> None:
        async with context.db.transaction() as db:
            await db.fetch(INSERT, str(uuid4()))
        raise SPENT

    async with serve([post("/guess", guess, guard=anyone, errors=(SPENT,))]) as client:
        for _ in range(3):
            answer = await client.post("/guess", headers=keyed("k"))
            assert (answer.status_code, REPLAYED in answer.headers) == (409, False)
    assert (await count(context, "inbox"), await count(context, "answers")) == (3, 0)


async def test_a_refused_part_leaves_nothing(serve: Serve, context: Context) -> None:
    """C-437."""

    async def refuse(context: Context) -> None:
        async with context.db.transaction() as db:
            await db.fetch(INSERT, str(uuid4()))
            raise SPENT

    async with serve([post("/refuse", refuse, guard=anyone, errors=(SPENT,))]) as client:
        assert (await client.post("/refuse", headers=keyed())).status_code == 409
    assert (await count(context, "inbox"), await count(context, "answers")) == (0, 0)


async def test_a_large_answer_is_not_kept_but_its_key_is(serve: Serve, context: Context) -> None:
    """C-435: the repetition learns that the work is done."""

    async def export(context: Context) -> Reply:
        await context.db.fetch(INSERT, str(uuid4()))
        return Reply(content=b"x" * (idempotency.KEPT_BYTES + 1))

    async with serve([post("/export", export, guard=anyone)]) as client:
        first, again = [await client.post("/export", headers=keyed("k")) for _ in range(2)]
    assert (first.status_code, len(first.content)) == (200, idempotency.KEPT_BYTES + 1)
    assert (again.status_code, again.json()["code"]) == (409, "IDEMPOTENCY_ANSWER_LOST")
    assert await count(context, "inbox") == 1


async def test_a_reply_is_repeated_with_its_headers(serve: Serve, context: Context) -> None:
    """C-431."""

    async def make(context: Context) -> Reply:
        await context.db.fetch(INSERT, str(uuid4()))
        return Reply(content=b"", status=303, media_type="text/plain", headers={"location": "/there"})

    async with serve([post("/make", make, guard=anyone)]) as client:
        answers = [await client.post("/make", headers=keyed("k")) for _ in range(2)]
    for answer in answers:
        assert (answer.status_code, answer.headers["location"]) == (303, "/there")


async def test_a_handler_that_writes_nothing_keeps_nothing(serve: Serve, context: Context) -> None:
    """C-435."""

    async def look(context: Context) -> int:
        return int((await context.db.fetch("select 1"))[0][0])

    async with serve([post("/look", look, guard=anyone)]) as client:
        assert (await client.post("/look", headers=keyed("k"))).json() == 1
    assert await count(context, "answers") == 0
