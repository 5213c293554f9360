"""C-390: receivers verify deliveries with the library of Standard Webhooks."""

import base64
import json
import re
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from api.kernel.data.database import uuid7
from api.webhooks import queries, secrets
from api.webhooks.delivery import headers_of
from api.webhooks.types import Rotation
from tests.kernel.http_server import HttpServer, says
from tests.webhooks.conftest import Hooks

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SIGNED = ("webhook-id", "webhook-timestamp", "webhook-signature")


async def rotate(hooks: Hooks, id: UUID, hours: int = 24) -> str:
    secret = secrets.generate()
    async with hooks.context.db.transaction() as db:
        await queries.expire_secret(db, id, hours)
        await queries.insert_secret(db, uuid7(), id, secrets.seal(hooks.context.settings, id, secret))
    return secret


async def test_a_receiver_verifies_a_delivery(hooks: Hooks, receiver: HttpServer) -> None:
    _, secret = await hooks.add(f"{receiver.url}/hooks?source=app")
    await hooks.happen()
    await hooks.context.db.fetch("update audit_entries set traceparent = $1", TRACE)
    assert await hooks.deliver() == 1
    line, headers, body = receiver.last
    payload = Webhook(secret).verify(body, headers)
    assert (line, headers["content-type"]) == ("POST /hooks?source=app HTTP/1.1", "application/json")
    assert (payload["type"], payload["data"]) == (
        "users.verified",
        {"user_id": str(hooks.user_id), "email": "ada@example.com"},
    )
    [event] = await hooks.context.db.fetch("select id, created_at from audit_entries")
    assert headers["webhook-id"] == str(event["id"])
    assert payload["timestamp"] == event["created_at"].isoformat().replace("+00:00", "Z")
    assert headers["traceparent"] == TRACE
    assert [row["state"] for row in await hooks.rows()] == ["delivered"]


@pytest.mark.parametrize("changed", ["body", *SIGNED[:2]])
async def test_a_changed_delivery_is_refused(hooks: Hooks, receiver: HttpServer, changed: str) -> None:
    _, secret = await hooks.add(receiver.url)
    await hooks.happen()
    await hooks.deliver()
    _, headers, body = receiver.last
    other = {"webhook-id": str(uuid7()), "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}
    if changed == "body":
        body = body.replace(b"verified", b"promoted")
    else:
        headers = headers | {changed: other[changed]}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers)


async def test_the_id_and_the_body_are_the_same_in_each_attempt(hooks: Hooks, receiver: HttpServer) -> None:
    _, secret = await hooks.add(receiver.url)
    await hooks.happen()
    for status in ("500 Error", "200 OK"):
        receiver.answer = says(status)
        await hooks.make_due()
        await hooks.deliver()
    first, second = receiver.requests
    assert (first[1]["webhook-id"], first[2]) == (second[1]["webhook-id"], second[2])
    assert int(first[1]["webhook-timestamp"]) <= int(second[1]["webhook-timestamp"])
    for _, headers, body in receiver.requests:
        Webhook(secret).verify(body, headers)


async def test_both_secrets_sign_during_a_rotation(hooks: Hooks, receiver: HttpServer) -> None:
    id, old = await hooks.add(receiver.url)
    new = await rotate(hooks, id)
    await hooks.happen()
    await hooks.deliver()
    _, headers, body = receiver.last
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        Webhook(secret).verify(body, headers)
    await hooks.context.db.fetch("update webhook_secrets set expires_at = now() where expires_at is not null")
    await hooks.happen()
    await hooks.deliver()
    _, headers, body = receiver.last
    Webhook(new).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(body, headers)


def test_a_thousand_signatures_are_verified_and_changed_ones_refused() -> None:
    """C-423: with one secret, and with both during a rotation. web/e2e/webhooks.spec.ts does the same in JavaScript."""
    old, new = secrets.generate(), secrets.generate()
    moment, refused = int(time.time()), 0
    for number in range(1000):
        id, body = str(uuid7()), json.dumps({"type": "users.updated", "data": {"n": number, "s": "ä€😀"}}).encode()
        headers = headers_of(id, moment, secrets.sign([new, old], id, moment, body))
        for secret in (old, new):
            assert Webhook(secret).verify(body, headers)["data"]["n"] == number
        if number < 100:
            later = {"webhook-timestamp": str(moment + 1)}
            for changed in (headers | {"webhook-id": str(uuid7())}, headers | later):
                refused += is_refused(new, body, changed)
            refused += is_refused(new, body + b" ", headers)
    assert refused == 300


def is_refused(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return True
    return False


async def test_at_most_three_secrets_sign_the_newest_first(hooks: Hooks, receiver: HttpServer) -> None:
    id, first = await hooks.add(receiver.url)
    others = [await rotate(hooks, id) for _ in range(3)]
    await hooks.happen()
    await hooks.deliver()
    _, headers, body = receiver.last
    signatures = headers["webhook-signature"].split(" ")
    assert len(signatures) == 3
    for secret in others:
        Webhook(secret).verify(body, headers)
    Webhook(others[-1]).verify(body, headers | {"webhook-signature": signatures[0]})
    with pytest.raises(WebhookVerificationError):
        Webhook(first).verify(body, headers)


def test_the_signature_is_the_one_of_the_specification() -> None:
    """The example of the specification's libraries."""
    signature = secrets.sign(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        json.dumps({"test": 2432232314}).encode(),
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_the_documented_receiver(hooks: Hooks, receiver: HttpServer, root: Path) -> None:
    """It accepts a delivery, also twice, and refuses a forged one."""
    [code] = re.findall(r"```python\n(.+?)```", (root / "docs/webhooks.md").read_text(), re.DOTALL)
    names: dict[str, Any] = {"__name__": "receiver"}
    exec(code, names)
    _, secret = await hooks.add(receiver.url)
    await hooks.happen()
    await hooks.deliver()
    _, headers, body = receiver.last
    statuses = [names["receive"](each, headers, body) for each in (secret, secret, secrets.generate())]
    assert (statuses, names["seen"]) == ([204, 204, 401], {headers["webhook-id"]})


@pytest.mark.parametrize("size", range(20, 70))
def test_a_secret_has_24_to_64_bytes(size: int) -> None:
    given = msgspec.json.encode({"secret": "whsec_" + base64.b64encode(bytes(size)).decode()})
    if 24 <= size <= 64:
        assert msgspec.json.decode(given, type=Rotation).secret
    else:
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(given, type=Rotation)


@pytest.mark.parametrize("secret", ["", "c2hvcnQ=", 33 * "A", 34 * "A", 34 * "A" + "=", "%%%%" + 40 * "A"])
def test_a_secret_that_receivers_would_not_accept_is_refused(secret: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode({"secret": f"whsec_{secret}"}), type=Rotation)
