"""The routes of webhooks: ownership, limits, conditions, and repetitions."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import jsonschema_rs
import msgspec
import pytest

from api.features import FEATURES
from api.kernel.context import Context
from api.kernel.contract.asyncapi import messages_of, schema
from api.webhooks.catalog import catalog
from api.webhooks.secrets import SecretLost, unseal
from api.webhooks.settings import WebhookSettings
from api.webhooks.types import EventType
from api.webhooks.upkeep import reseal_secrets
from tests.factories import PASSWORD, make_user
from tests.webhooks.conftest import SECRET, URL

AT_ONCE = 6
"""Fewer than the connections of the pool: a busy machine must not make a call wait for one."""
NEW = {"url": URL, "events": ["users.*", "*", "users.*"]}


async def sign_in(client: httpx.AsyncClient, context: Context, **state: Any) -> dict[str, str]:
    user = await make_user(context, **state)
    pair = (await client.post("/api/auth/jwt/login", data={"username": user.email, "password": PASSWORD})).json()
    return {"authorization": f"Bearer {pair['access_token']}"}


async def create(client: httpx.AsyncClient, **changes: object) -> tuple[str, str]:
    answer = await client.post("/api/webhooks", json=NEW | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()["endpoint"]["id"], answer.json()["secret"]


def test_the_catalog_has_the_events_of_asyncapi() -> None:
    """C-399: one source for Kafka's consumers and receivers of webhooks."""
    sent = [message for message in messages_of(FEATURES) if message.action == "send"]
    assert [entry.type for entry in catalog()] == [message.tag for message in sent]
    for entry, message in zip(catalog(), sent, strict=True):
        fields = set(schema(message)["properties"]) - {"type"}
        assert set(entry.schema["properties"]) == fields


@pytest.mark.parametrize("entry", catalog(), ids=lambda entry: str(entry.type))
def test_an_example_of_the_catalog_is_valid(entry: EventType) -> None:
    """C-424: receivers can be written and tested by the catalog alone."""
    jsonschema_rs.validator_for(entry.schema, validate_formats=True).validate(entry.example)
    assert not {"type", "timestamp"} & set(entry.example)


async def test_a_webhook_says_what_waits_and_which_secrets_sign(signed_in: httpx.AsyncClient, context: Context) -> None:
    """C-425: also after the previous secret was revoked or has expired, and for a number beyond the bound."""
    id, _ = await create(signed_in)
    await signed_in.patch(f"/api/webhooks/{id}", json={"is_enabled": False})
    insert = (
        "insert into webhook_deliveries (endpoint_id, event_id, type) select $1, gen_random_uuid(), 'users.updated' "
    )
    await context.db.fetch(insert + "from generate_series(1, 1001)", UUID(id))
    await signed_in.post(f"/api/webhooks/{id}/secret", json={"grace_hours": 1})
    told = (await signed_in.get(f"/api/webhooks/{id}")).json()
    assert told["waiting"] == 1000
    left = datetime.fromisoformat(told["previous_secret_until"]) - datetime.now(UTC)
    assert timedelta(minutes=50) < left <= timedelta(hours=1)
    await signed_in.delete(f"/api/webhooks/{id}/secret/previous")
    [listed] = (await signed_in.get("/api/webhooks")).json()
    assert (listed["waiting"], listed["previous_secret_until"]) == (1000, None)
    await signed_in.post(f"/api/webhooks/{id}/secret", json={"grace_hours": 0})
    assert (await signed_in.get(f"/api/webhooks/{id}")).json()["previous_secret_until"] is None


async def test_the_secret_is_shown_once(signed_in: httpx.AsyncClient, context: Context) -> None:
    """C-398: and is encrypted in the database, for its endpoint alone."""
    id, secret = await create(signed_in, secret=SECRET)
    assert secret == SECRET
    for path in ("", f"/{id}", f"/{id}/deliveries"):
        assert SECRET not in (await signed_in.get(f"/api/webhooks{path}")).text
    tables = [
        row[0] for row in await context.db.fetch("select tablename::text from pg_tables where schemaname = 'public'")
    ]
    for table in tables:
        rows = await context.db.fetch(f'select t::text from "{table}" t')
        assert not [row for row in rows if SECRET in row[0] or SECRET.removeprefix("whsec_") in row[0]], table
    [(sealed,)] = [tuple(row) for row in await context.db.fetch("select sealed from webhook_secrets")]
    assert unseal(context.settings, UUID(id), sealed) == SECRET


async def test_a_secret_is_decrypted_after_a_rotation_of_the_key(
    signed_in: httpx.AsyncClient, context: Context
) -> None:
    """C-398: see C-230."""
    id, secret = await create(signed_in)
    [(sealed,)] = [tuple(row) for row in await context.db.fetch("select sealed from webhook_secrets")]
    rotated = msgspec.structs.replace(
        context.settings,
        secret_key="another key of tests, long enough",
        secret_key_previous=context.settings.secret_key,
    )
    assert unseal(rotated, UUID(id), sealed) == secret
    await reseal_secrets(msgspec.structs.replace(context, settings=rotated))
    alone = msgspec.structs.replace(rotated, secret_key_previous=None)
    [(resealed,)] = [tuple(row) for row in await context.db.fetch("select sealed from webhook_secrets")]
    assert unseal(alone, UUID(id), resealed) == secret
    with pytest.raises(SecretLost):
        unseal(alone, UUID(id), sealed)


async def test_webhooks_belong_to_their_account(client: httpx.AsyncClient, context: Context) -> None:
    """C-399."""
    owner, other = await sign_in(client, context), await sign_in(client, context, superuser=True)
    answer = await client.post("/api/webhooks", json=NEW, headers=owner)
    id = answer.json()["endpoint"]["id"]
    test = await client.post(f"/api/webhooks/{id}/test", headers=owner)
    assert test.status_code == 202
    delivery = test.json()["id"]
    assert (await client.get("/api/webhooks", headers=other)).json() == []
    since = {"what": "missing", "since": datetime.now(UTC).isoformat()}
    for method, path, body in [
        ("GET", "", None),
        ("PATCH", "", {"description": "mine"}),
        ("DELETE", "", None),
        ("POST", "/secret", {}),
        ("DELETE", "/secret/previous", None),
        ("POST", "/test", None),
        ("POST", "/redeliver", since),
        ("GET", "/deliveries", None),
        ("GET", f"/deliveries/{delivery}", None),
        ("POST", f"/deliveries/{delivery}/redeliver", None),
    ]:
        refused = await client.request(method, f"/api/webhooks/{id}{path}", json=body, headers=other)
        assert refused.status_code == 404, (method, path)


async def test_who_may_create_which_webhooks(client: httpx.AsyncClient, context: Context) -> None:
    """C-48, C-399."""
    for state, scope, status, code in [
        ({"verified": False}, "own", 403, "WEBHOOK_UNVERIFIED"),
        ({}, "all", 403, "WEBHOOK_SCOPE_FORBIDDEN"),
        ({"superuser": True}, "all", 201, None),
        ({}, "own", 201, None),
    ]:
        headers = await sign_in(client, context, **state)
        answer = await client.post("/api/webhooks", json=NEW | {"scope": scope}, headers=headers)
        assert (answer.status_code, answer.json().get("code")) == (status, code)


async def test_one_of_many_concurrent_creations_takes_the_last_place(
    live_client: httpx.AsyncClient, live: Context
) -> None:
    """C-399."""
    headers = await sign_in(live_client, live)
    most = live.settings.of(WebhookSettings).most
    await live.db.fetch(
        "insert into webhook_endpoints (id, user_id, scope, url, events)"
        " select gen_random_uuid(), u.id, 'own', $1, '{*}' from users u, generate_series(1, $2::int)",
        URL,
        most - 1,
    )
    calls = [live_client.post("/api/webhooks", json=NEW, headers=headers) for _ in range(10)]
    statuses = sorted([answer.status_code for answer in await asyncio.gather(*calls)])
    assert statuses == [201, *9 * [409]]


@pytest.mark.parametrize("events", [[], ["orders.placed"], ["users.renamed"], ["users"], ["*.*"], 51 * ["*"]])
async def test_an_unknown_event_is_refused(signed_in: httpx.AsyncClient, events: list[str]) -> None:
    """C-399."""
    answer = await signed_in.post("/api/webhooks", json=NEW | {"events": events})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/events")


async def test_a_webhook_is_changed_with_if_match(signed_in: httpx.AsyncClient) -> None:
    """C-399."""
    id, _ = await create(signed_in)
    first = await signed_in.get(f"/api/webhooks/{id}")
    assert first.json()["events"] == ["*", "users.*"]
    match = {"if-match": first.headers["etag"]}
    changed = await signed_in.patch(f"/api/webhooks/{id}", json={"description": "One"}, headers=match)
    assert (changed.status_code, changed.json()["description"]) == (200, "One")
    stale = await signed_in.patch(f"/api/webhooks/{id}", json={"description": "Two"}, headers=match)
    assert stale.status_code == 412
    for is_enabled, reason in ((False, "owner"), (True, None)):
        answer = await signed_in.patch(f"/api/webhooks/{id}", json={"is_enabled": is_enabled})
        assert (answer.json()["is_enabled"], answer.json()["disabled_reason"]) == (is_enabled, reason)
    assert (await signed_in.patch(f"/api/webhooks/{id}", json={"url": "https://127.0.0.1/"})).status_code == 422


async def test_a_disabled_webhook_takes_no_tests(signed_in: httpx.AsyncClient) -> None:
    id, _ = await create(signed_in)
    await signed_in.patch(f"/api/webhooks/{id}", json={"is_enabled": False})
    for path, body in (
        ("test", None),
        ("redeliver", {"what": "failed", "since": datetime.now(UTC).isoformat()}),
    ):
        answer = await signed_in.post(f"/api/webhooks/{id}/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "WEBHOOK_DISABLED")


async def test_calls_at_once_leave_a_webhook_whole(live_client: httpx.AsyncClient, live: Context) -> None:
    """C-426: one secret is current, the version counts each change, and a conditional change succeeds once."""
    live_client.headers.update(await sign_in(live_client, live))
    id, _ = await create(live_client)
    path = f"/api/webhooks/{id}"
    rotated = await asyncio.gather(*(live_client.post(f"{path}/secret", json={}) for _ in range(AT_ONCE)))
    secrets = {answer.json()["secret"] for answer in rotated}
    assert len(secrets) == AT_ONCE
    of_this = "select sealed, expires_at is null from webhook_secrets where endpoint_id = $1"
    kept = await live.db.fetch(of_this, UUID(id))
    assert sorted(row[1] for row in kept) == [False, False, True]
    assert {unseal(live.settings, UUID(id), row[0]) for row in kept} < secrets
    tag = {"if-match": (await live_client.get(path)).headers["etag"]}
    changes = [live_client.patch(path, json={"description": str(each)}, headers=tag) for each in range(AT_ONCE)]
    assert sorted(answer.status_code for answer in await asyncio.gather(*changes)) == [200, *((AT_ONCE - 1) * [412])]
    toggles = [live_client.patch(path, json={"is_enabled": bool(each % 2)}) for each in range(AT_ONCE // 2)]
    tests = [live_client.post(f"{path}/test") for _ in range(AT_ONCE // 2)]
    answers = await asyncio.gather(*toggles, *tests)
    assert {answer.status_code for answer in answers} <= {200, 202, 409}
    accepted = sum(answer.status_code == 202 for answer in answers)
    tests_of_this = "select from webhook_deliveries where type = 'webhook.test' and endpoint_id = $1"
    assert len(await live.db.fetch(tests_of_this, UUID(id))) == accepted
    assert sorted([(await live_client.delete(path)).status_code for _ in range(2)]) == [204, 404]
