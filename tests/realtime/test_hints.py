"""Hints: what has changed without an event, sent to those who may read it."""

import asyncio
import re
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from websockets.asyncio.client import ClientConnection

from api.kernel import SUPERUSERS
from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.live.hints import IN_NOTIFICATION, PAUSE_SECONDS
from tests.live.conftest import MODULE
from tests.live.following import Follower, Sent
from tests.live.test_sockets import receive
from tests.realtime.conftest import Person
from tests.realtime.test_events import until
from tests.realtime.test_ws import authenticate, opening
from tests.wire import Web, serving

ROOT = Path(__file__).parents[2]
FIRST = "test.first"


async def hint(context: Context, name: str, *audiences: UUID) -> None:
    """Send hints as a worker does."""
    for audience in audiences:
        context.hints.give(name, audience)
    await context.hints.send(context.db)


async def hinted(follower: Follower, *names: str) -> list[str]:
    """Return the names of the next hints, until each of these has arrived."""
    found: list[str] = []
    while not set(names) <= set(found):
        sent = await follower.next()
        assert sent is not None, f"the stream ended before {names}"
        if sent.name == "changed" and sent.data["name"] not in (FIRST, *found):
            assert sent.data.keys() == {"name"}
            found.append(sent.data["name"])
    return found


async def listening(context: Context, follower: Follower, audience: UUID) -> None:
    """Wait until the process of a stream listens: it begins to with its first client."""

    async def repeat() -> None:
        while True:
            await hint(context, FIRST, audience)
            await asyncio.sleep(0.1)

    await follower.opened()
    repeating = asyncio.create_task(repeat())
    while (sent := await follower.next()) and sent.name != "changed":
        pass
    repeating.cancel()
    await asyncio.gather(repeating, return_exceptions=True)
    assert sent


async def test_hints_reach_only_those_who_may_read(
    newsroom: Web, ada: Person, grace: Person, admin: Person, archive: Context
) -> None:
    """C-386: the account, or all superusers. They have no content, and no id."""
    async with ada.follow() as ours, grace.follow() as other, admin.follow() as all, opening(newsroom) as socket:
        for follower, audience in ((ours, ada.user.id), (other, grace.user.id), (all, SUPERUSERS)):
            await listening(archive, follower, audience)
        await authenticate(socket, ada.token)
        await hint(archive, "outbox.tasks", SUPERUSERS)
        await hint(archive, "test.deliveries", ada.user.id)
        await hint(archive, "test.end", ada.user.id, grace.user.id, SUPERUSERS)
        assert await hinted(ours, "test.end") == ["test.deliveries", "test.end"]
        assert await hinted(other, "test.end") == ["test.end"]
        assert await hinted(all, "test.end") == ["outbox.tasks", "test.end"]
        said = await changed(socket, "test.end")
        assert said == [{"event": "changed", "data": {"name": name}} for name in ("test.deliveries", "test.end")]


async def changed(socket: ClientConnection, last: str) -> list[dict[str, Any]]:
    """Return the messages of hints, until one of this name."""
    found: list[dict[str, Any]] = []
    while not found or found[-1]["data"]["name"] != last:
        message = await receive(socket)
        found += [message] if message["event"] == "changed" and message["data"]["name"] != FIRST else []
    return found


async def test_a_superuser_who_was_demoted_gets_no_more_hints(ada: Person, admin: Person, archive: Context) -> None:
    """C-386: the stream ends, and the next one is that of an account like others."""
    await admin.ask("PATCH", f"/users/{ada.user.id}", json={"is_superuser": True})
    async with ada.follow() as wide:
        await listening(archive, wide, SUPERUSERS)
        await admin.ask("PATCH", f"/users/{ada.user.id}", json={"is_superuser": False})
        assert (await wide.rest())[-1].data == {"reason": "changed"}
    async with ada.follow() as narrow:
        await listening(archive, narrow, ada.user.id)
        await hint(archive, "outbox.tasks", SUPERUSERS)
        await hint(archive, "test.end", ada.user.id)
        assert await hinted(narrow, "test.end") == ["test.end"]


async def test_hints_are_at_most_one_a_second(ada: Person, archive: Context) -> None:
    """C-387: whatever changes meanwhile; the first comes at once, and the last is not lost."""
    async with ada.follow() as follower, archive.hints.sending(archive.db):
        await listening(archive, follower, ada.user.id)
        arrived: list[float] = []
        receiving = asyncio.create_task(receive_three(follower, arrived))
        while not receiving.done():
            archive.hints.give("test.deliveries", ada.user.id)
            await asyncio.sleep(0.002)
        await receiving
        archive.hints.give("test.end", ada.user.id)
        await hinted(follower, "test.end")
    # Both sides pause, so that the distance of two arrivals may be a little shorter than that of two sends.
    assert arrived[-1] - arrived[0] >= 1.5 * PAUSE_SECONDS


async def receive_three(follower: Follower, arrived: list[float]) -> None:
    while len(arrived) < 3:
        await hinted(follower, "test.deliveries")
        arrived.append(time.monotonic())


async def test_many_audiences_fit_into_a_few_notifications(ada: Person, grace: Person, archive: Context) -> None:
    """C-387: PostgreSQL limits a notification to 8,000 bytes. Other payloads are ignored."""
    strangers = [uuid7() for _ in range(5 * IN_NOTIFICATION)]
    async with ada.follow() as ours, grace.follow() as other:
        await listening(archive, ours, ada.user.id)
        await listening(archive, other, grace.user.id)
        for payload in ("nonsense", "test.a nonsense", " ", "x" * 7000, f"test.b {ada.user.id}x", "\N{SNOWMAN} 1"):
            await archive.db.fetch("select pg_notify('live', $1)", payload)
        await hint(archive, "test.many", ada.user.id, *strangers, grace.user.id)
        assert await hinted(ours, "test.many") == ["test.many"]
        assert await hinted(other, "test.many") == ["test.many"]


async def test_a_client_that_catches_up_gets_its_hints_afterwards(ada: Person, archive: Context) -> None:
    """C-388: also while it does not read what it missed. It resumes, reads the events, and then the hint."""
    async with ada.follow() as follower:
        await follower.opened()
    for number in range(30):
        await ada.ask("PATCH", "/users/me", json={"name": f"Ada {number}"})
    async with ada.follow() as current, ada.follow(follower.last) as again:
        await listening(archive, current, ada.user.id)
        await hint(archive, "test.deliveries", ada.user.id)
        names: list[str] = []
        while "changed" not in names or names.count("users.updated") < 30:
            sent: Sent | None = await again.next()
            assert sent is not None
            names.append(sent.name)


async def test_without_redis_kafka_and_listening_events_still_arrive(
    newsroom_environment: dict[str, str], ada: Person, archive: Context, tmp_path: Path
) -> None:
    """C-388: hints need PostgreSQL alone. With a pool too small for a listening connection there are none, which is why
    pages also load once a minute."""
    away = {"REDIS_URL": "redis://127.0.0.1:1", "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    for size, hears in (("4", True), ("2", False)):
        with serving(newsroom_environment | away | {"DATABASE_POOL_SIZE": size}, tmp_path, MODULE) as web:
            async with Follower(web.port, "/events", authorization=f"Bearer {ada.token}") as follower:
                await follower.opened()
                if hears:
                    await listening(archive, follower, ada.user.id)
                await ada.ask("PATCH", "/users/me", json={"name": f"Ada {size}"})
                await until(follower, "users.updated")


def given() -> set[str]:
    """The names of hints in the code."""
    found: set[str] = set()
    for path in [*ROOT.glob("api/**/*.py"), *ROOT.glob("worker/**/*.py")]:
        text = path.read_text()
        if "hints" in text:
            found |= set(re.findall(r'(?:hints\.give\(|_hints\.add\(|^DELIVERIES = )"([a-z_.]+)"', text, re.MULTILINE))
    return found


def test_hints_are_documented() -> None:
    """C-389: each name, in the table of docs/realtime.md."""
    table = set(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|", (ROOT / "docs/realtime.md").read_text(), re.MULTILINE))
    assert given() == table


def test_pages_follow_hints_that_are_given() -> None:
    """C-389: a page would wait in vain for a name that is misspelt."""
    names = r"'((?:outbox|webhooks|mails|personal)\.[a-z_]+)'"
    followed: set[str] = set()
    for page in ROOT.glob("web/src/app/**/*.ts"):
        for call in re.findall(r"refresh(?:On|Hinted)\(\s*\[([^\]]*)\]", page.read_text()):
            followed |= set(re.findall(names, call))
    assert followed - given() <= {"webhooks.deleted"}
    assert given() <= followed
