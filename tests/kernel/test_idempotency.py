"""Idempotency-Key: one effect and one answer for a POST that is repeated."""

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from api.kernel.context import Context
from tests.factories import PASSWORD, make_user
from tests.kernel.repeating import REPLAYED, count, keyed, operator, same
from tests.sessions.signing import bearer, login, sign_in
from tests.webhooks.conftest import URL

# One effect


async def test_a_repetition_gets_the_first_answer(client: httpx.AsyncClient, context: Context) -> None:
    """C-104, C-431: with its status, body and entity tag."""
    headers = keyed(headers=await operator(client, context))
    answers = [await client.post("/api/plans/tiers", json={"name": "pro"}, headers=headers) for _ in range(10)]
    assert answers[0].status_code == 201
    assert answers[0].headers["etag"]
    assert {same(answer) for answer in answers} == {same(answers[0])}
    assert [answer.headers.get(REPLAYED) for answer in answers] == [None, *["true"] * 9]
    assert await count(context, "plan_tiers") == 1


async def test_parallel_requests_with_one_key_have_one_effect(live_client: httpx.AsyncClient, live: Context) -> None:
    """C-431: the others get the answer, or 409 while the first is in progress."""
    headers = await operator(live_client, live)
    for number in range(5):
        sent: dict[str, Any] = {"json": {"name": f"tier {number}"}, "headers": keyed(headers=headers)}
        answers = await asyncio.gather(*(live_client.post("/api/plans/tiers", **sent) for _ in range(20)))
        made = [answer for answer in answers if answer.status_code == 201]
        assert sum(REPLAYED not in answer.headers for answer in made) == 1
        assert {answer.content for answer in made} == {made[0].content}
        for answer in answers:
            if answer.status_code != 201:
                assert (answer.status_code, answer.json()["code"]) == (409, "IDEMPOTENCY_IN_PROGRESS")
                assert answer.headers["retry-after"] == "1"
        assert (await live_client.post("/api/plans/tiers", **sent)).content == made[0].content
    assert await count(live, "plan_tiers") == 5


async def test_parallel_registrations_with_one_key(live_client: httpx.AsyncClient, live: Context) -> None:
    """C-431: a handler that hashes a password before it begins its transaction."""
    sent: dict[str, Any] = {"json": {"email": "ada@example.com", "password": PASSWORD}, "headers": keyed()}
    answers = await asyncio.gather(*(live_client.post("/api/auth/register", **sent) for _ in range(8)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert (await count(live, "users"), await count(live, "outbox_events")) == (1, 1)


SENT = st.tuples(st.sampled_from("ab"), st.sampled_from(["one", "two"]), st.sampled_from([0, 1]))


@given(st.lists(SENT, max_size=8))
@examples(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_each_key_of_each_account_is_one_request(
    client: httpx.AsyncClient, context: Context, sent: list[tuple[str, str, int]]
) -> None:
    """C-431, C-432: whatever the order of requests is."""
    await context.db.fetch("delete from answers")
    known: dict[tuple[str, int], tuple[str, bytes]] = {}
    accounts = [bearer(await sign_in(client, context)) for _ in range(2)]
    for key, description, account in sent:
        body = {"url": URL, "events": ["users.*"], "description": description}
        answer = await client.post("/api/webhooks", json=body, headers=keyed(key, accounts[account]))
        first = known.setdefault((key, account), (description, answer.content))
        if first[0] == description:
            assert (answer.status_code, answer.content) == (201, first[1])
        else:
            assert (answer.status_code, answer.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    listed = [(await client.get("/api/webhooks", headers=headers)).json() for headers in accounts]
    assert sum(map(len, listed)) == len(known)


# Other requests with the key


async def test_a_key_belongs_to_one_request(client: httpx.AsyncClient, context: Context) -> None:
    """C-432: another body, path or query is another request."""
    headers = keyed(headers=await operator(client, context))
    tier = (await client.post("/api/plans/tiers", json={"name": "pro"}, headers=headers)).json()["id"]
    target = {"target_type": "G", "target_id": "*"}
    for path, body in (
        ("/plans/tiers", {"name": "free"}),
        ("/plans/tiers?x=1", {"name": "pro"}),
        (f"/plans/tier-targets?tier_id={tier}", target),
        ("/users", {"email": "ada@example.com"}),
    ):
        answer = await client.post(f"/api{path}", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "IDEMPOTENCY_KEY_REUSED"), path
    assert (await count(context, "plan_tiers"), await count(context, "plan_targets")) == (1, 0)


@pytest.mark.parametrize("key", ["", " ", "a b", "a,b", '"a', '"a"b"', "é", "x" * 256, '""', "\x7f", "a\tb"])
async def test_a_malformed_key_is_refused(signed_in: httpx.AsyncClient, context: Context, key: str) -> None:
    """C-433."""
    body = {"url": URL, "events": ["*"]}
    headers = httpx.Headers([(b"idempotency-key", key.encode("latin-1"))])
    answer = await signed_in.post("/api/webhooks", json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "IDEMPOTENCY_KEY_INVALID")
    assert await count(context, "webhook_endpoints") == 0


async def test_a_key_may_be_a_structured_string(signed_in: httpx.AsyncClient) -> None:
    """C-433: as the draft writes it; both forms are the same key."""
    body = {"url": URL, "events": ["*"]}
    answers = [await signed_in.post("/api/webhooks", json=body, headers=keyed(key)) for key in ('"a-1"', "a-1")]
    assert answers[0].content == answers[1].content
    assert answers[1].headers[REPLAYED] == "true"


async def test_two_keys_in_a_request_are_refused(signed_in: httpx.AsyncClient) -> None:
    """C-433."""
    headers = [("idempotency-key", "a"), ("idempotency-key", "b")]
    answer = await signed_in.post("/api/webhooks", json={"url": URL, "events": ["*"]}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED_REQUEST")


# Callers


async def test_accounts_have_keys_of_their_own(client: httpx.AsyncClient, context: Context) -> None:
    """C-434: also a second session of one account has the same keys."""
    user, body = await make_user(context), {"url": URL, "events": ["*"]}
    first, second = [bearer((await login(client, user.email)).json()) for _ in range(2)]
    stranger = bearer(await sign_in(client, context))
    answers = [await client.post("/api/webhooks", json=body, headers=keyed("k", who)) for who in (first, second)]
    assert answers[0].content == answers[1].content
    foreign = await client.post("/api/webhooks", json=body, headers=keyed("k", stranger))
    assert (foreign.status_code, REPLAYED in foreign.headers) == (201, False)
    assert foreign.json()["secret"] != answers[0].json()["secret"]


async def test_a_guest_repeats_only_the_same_request(client: httpx.AsyncClient, context: Context) -> None:
    """C-434: a key that another guest has used or guessed reveals nothing, not even that it was used."""
    body = {"email": "ada@example.com", "password": PASSWORD}
    first = await client.post("/api/auth/register", json=body, headers=keyed("1"))
    again = await client.post("/api/auth/register", json=body, headers=keyed("1"))
    assert (same(again), again.headers[REPLAYED]) == (same(first), "true")
    other = await client.post("/api/auth/register", json=body | {"email": "bob@example.com"}, headers=keyed("1"))
    assert (other.status_code, REPLAYED in other.headers) == (201, False)
    guess = await client.post("/api/auth/register", json=body | {"password": f"{PASSWORD}!"}, headers=keyed("1"))
    assert (guess.status_code, guess.json()["code"]) == (400, "REGISTER_USER_ALREADY_EXISTS")


async def test_a_caller_who_may_no_longer_call_gets_no_answer(client: httpx.AsyncClient, context: Context) -> None:
    """C-434: the guard and the limits apply to repetitions."""
    user = await make_user(context, superuser=True)
    headers = keyed(headers=bearer((await login(client, user.email)).json()))
    assert (await client.post("/api/plans/tiers", json={"name": "pro"}, headers=headers)).status_code == 201
    await context.db.fetch("update users set is_superuser = false where id = $1", user.id)
    assert (await client.post("/api/plans/tiers", json={"name": "pro"}, headers=headers)).status_code == 403
