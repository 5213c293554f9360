"""A user's first minutes, over https, and the resulting events in Kafka."""

import asyncio
import json
import secrets
from collections.abc import Collection

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from api.kernel.config.connections import Kafka
from tests.deploy.servers import Mails, trusting_context
from worker.security import security

ADDRESS = "203.0.113.9"
KAFKA_SECONDS = 20.0
CREDENTIALS = {"email": "ada@example.com", "password": f"battery {secrets.token_hex(6)} staple"}
FORM = {"username": CREDENTIALS["email"], "password": CREDENTIALS["password"]}


def browser(origin: str) -> httpx.Client:
    """A client that trusts only the private authority, through one more proxy, so that its address is a public one."""
    headers = {"x-forwarded-for": ADDRESS}
    return httpx.Client(base_url=origin, verify=trusting_context(), headers=headers, trust_env=False, timeout=15)


def said(answer: httpx.Response, status: int) -> httpx.Response:
    """Return the answer if it has that status. Raises AssertionError with the answer otherwise."""
    asked = f"{answer.request.method} {answer.request.url.path}"
    assert answer.status_code == status, f"{asked}: {answer.status_code} instead of {status}: {answer.text[:500]}"
    return answer


def register(client: httpx.Client) -> str:
    """Return the account's id."""
    id: str = said(client.post("/api/auth/register", json=CREDENTIALS), 201).json()["id"]
    return id


def verify(client: httpx.Client, mails: Mails) -> None:
    token = mails.token_to(CREDENTIALS["email"])
    assert said(client.post("/api/auth/verify", json={"token": token}), 200).json()["is_verified"]


def use_cookies(client: httpx.Client, origin: str) -> None:
    """Sign in, change the name and sign out, like a browser."""
    said(client.post("/api/auth/cookie/login", data=FORM), 204)
    proof = {"x-xsrf-token": client.cookies["XSRF-TOKEN"], "origin": origin}
    changed = said(client.patch("/api/users/me", json={"name": "Ada"}, headers=proof), 200).json()
    assert changed["name"] == "Ada"
    [session] = [each for each in said(client.get("/api/sessions"), 200).json() if each["current"]]
    assert session["address"] == ADDRESS, f"the address is {session['address']}: X-Forwarded-For is not trusted"
    said(client.post("/api/auth/cookie/logout", headers=proof), 204)
    said(client.get("/api/users/me"), 401)


def use_tokens(client: httpx.Client) -> None:
    """The same with tokens, without cookies."""
    pair = said(client.post("/api/auth/jwt/login", data=FORM), 200).json()
    bearer = {"authorization": f"Bearer {pair['access_token']}"}
    assert said(client.get("/api/users/me", headers=bearer), 200).json()["name"] == "Ada"
    said(client.patch("/api/users/me", json={"name": "Ada L."}, headers=bearer), 200)
    said(client.post("/api/auth/jwt/logout", headers=bearer), 204)
    said(client.get("/api/users/me", headers=bearer), 401)


async def events_of(kafka: Kafka, key: str, topic: str, expected: Collection[str]) -> None:
    """Wait until a consumer of the topic has received these types of events of that key, in order."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=list(kafka.bootstrap_servers), auto_offset_reset="earliest", **security(kafka)
    )
    await consumer.start()
    seen: list[str] = []
    try:
        async with asyncio.timeout(KAFKA_SECONDS):
            while seen != list(expected):
                record = await anext(consumer)
                data = json.loads(record.value)
                if key in (record.key.decode(), data.get("user_id")):
                    seen.append(dict(record.headers)["ce_type"].decode())
    except TimeoutError:
        raise AssertionError(f"{topic}: {seen} instead of {list(expected)} after {KAFKA_SECONDS:.0f} s") from None
    finally:
        await consumer.stop()


async def command(kafka: Kafka, email: str) -> None:
    """Request an account, like another service."""
    producer = AIOKafkaProducer(bootstrap_servers=list(kafka.bootstrap_servers), acks="all", **security(kafka))
    await producer.start()
    headers = {"ce_specversion": "1.0", "ce_id": "1", "ce_source": "https://hr.example.com", "ce_type": "users.import"}
    try:
        await producer.send_and_wait(
            "users.commands",
            json.dumps({"email": email}).encode(),
            email.encode(),
            headers=[(name, value.encode()) for name, value in headers.items()],
        )
    finally:
        await producer.stop()
