"""Point 19: a refusal costs the same for every kind of stored hash."""

import asyncio
import json
import time

import argon2
import bcrypt
from aiokafka import AIOKafkaProducer

from tests.attacks.attack import attack, held
from tests.attacks.client import Client, fresh_email, fresh_password
from tests.attacks.site import Site
from tests.attacks.world import World

KINDS = ("unknown", "ours", "bcrypt-12", "argon2-cffi", "argon2 heavy", "invited", "disabled")
ACCOUNTS, TRIES = 3, 4


async def publish(site: Site, messages: list[dict[str, object]]) -> None:
    """Send commands like another service."""
    producer = AIOKafkaProducer(bootstrap_servers=site.environment["KAFKA_BOOTSTRAP_SERVERS"])
    await producer.start()
    try:
        for message in messages:
            name = str(message["email"])
            headers = [
                ("ce_specversion", b"1.0"),
                ("ce_type", b"users.import"),
                ("ce_id", name.encode()),
                ("ce_source", b"https://hr.example"),
            ]
            topic = site.environment.get("KAFKA_PREFIX", "") + "users.commands"
            await producer.send_and_wait(topic, json.dumps(message).encode(), name.encode(), headers=headers)
    finally:
        await producer.stop()


def opened(site: Site) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return addresses of each kind of account, and the password of each."""
    people: dict[str, list[str]] = {kind: [fresh_email(kind.split()[0]) for _ in range(ACCOUNTS)] for kind in KINDS}
    passwords = {email: fresh_password() for each in people.values() for email in each}
    messages: list[dict[str, object]] = []
    hashers = {
        "bcrypt-12": lambda word: bcrypt.hashpw(word.encode(), bcrypt.gensalt(12)).decode(),
        "argon2-cffi": argon2.PasswordHasher().hash,
        "argon2 heavy": argon2.PasswordHasher(time_cost=6, memory_cost=65536, parallelism=1).hash,
        "invited": None,
    }
    for kind, hasher in hashers.items():
        for email in people[kind]:
            message: dict[str, object] = {"type": "users.import", "email": email, "is_verified": hasher is not None}
            messages.append(message | ({"password_hash": hasher(passwords[email])} if hasher else {}))
    asyncio.run(publish(site, messages))
    for kind in ("ours", "disabled"):
        for email in people[kind]:
            account = site.verified(email, passwords[email])
            if kind == "disabled":
                site.superuser().client.ask("PATCH", f"/users/{account.id}", {"is_active": False})
    deadline = time.monotonic() + 25
    emails = [str(message["email"]) for message in messages]
    while time.monotonic() < deadline:
        [(count,)] = site.rows("select count(*) from users where email = any(%s)", emails)
        if count == len(emails):
            return people, passwords
        time.sleep(0.2)
    raise AssertionError(f"{count} of {len(emails)} accounts were imported")


def spread(shortest: dict[str, float]) -> str:
    return ", ".join(f"{kind} {seconds * 1000:.0f} ms" for kind, seconds in shortest.items())


@attack(19, alone=True)
def a_refusal_takes_equal_time_for_every_hash(world: World) -> None:
    """Wrong passwords of imported, invited, disabled and unknown accounts are refused in equal time; imports work"""
    site = world.dev
    people, passwords = opened(site)

    def once(client: Client, email: str) -> float:
        client.ask("GET", "/health/live")
        began = time.perf_counter()
        answer = client.login(email, "wrong password")
        took = time.perf_counter() - began
        assert answer.status_code == 400, answer.text
        return took

    for _ in range(2):  # repeat on a busy machine
        times: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for turn in range(ACCOUNTS * TRIES // 2):
            for kind in KINDS:
                times[kind].append(once(site.client(), people[kind][turn % ACCOUNTS]))
        shortest = {kind: min(each) for kind, each in times.items()}
        if max(shortest.values()) / min(shortest.values()) < 1.7:
            break
    held(max(shortest.values()) / min(shortest.values()) < 1.7, spread(shortest))
    for kind in ("bcrypt-12", "argon2-cffi", "argon2 heavy"):
        email = people[kind][0]
        answer = site.client().login(email, passwords[email])
        held(answer.status_code == 200, f"{kind}: the right password is refused: {answer.text[:100]}")


@attack(19, alone=True)
def asking_for_links_takes_one_time(world: World) -> None:
    """forgot-password and request-verify-token take equal time for taken and free addresses"""
    site = world.dev
    known, pending = site.verified().email, site.unverified().email
    for path, emails in (("/auth/forgot-password", (known, "")), ("/auth/request-verify-token", (pending, ""))):
        for _ in range(2):
            times: dict[str, list[float]] = {"known": [], "unknown": []}
            for _ in range(10):
                for kind in times:
                    client = site.client()
                    client.ask("GET", "/health/live")
                    email = emails[0] if kind == "known" else fresh_email()
                    began = time.perf_counter()
                    client.ask("POST", path, {"email": email})
                    times[kind].append(time.perf_counter() - began)
            shortest = {kind: min(each) for kind, each in times.items()}
            if max(shortest.values()) / min(shortest.values()) < 1.8:
                break
        held(max(shortest.values()) / min(shortest.values()) < 1.8, f"{path}: {spread(shortest)}")
