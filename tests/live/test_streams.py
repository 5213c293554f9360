"""C-290: server-sent events: committed, once, in order, to the clients that follow them."""

import asyncio
import contextlib
import json
import random
from contextlib import AsyncExitStack

import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.errors import NOT_FOUND
from api.kernel.live.hub import MISSED, PAGE
from api.kernel.outbox.events import record
from tests.live.conftest import client_of, comment, write
from tests.live.following import Follower
from tests.live.newsroom import Commented, Removed
from tests.transactions import Another
from tests.wire import Web


async def test_events_arrive_as_they_are_committed(newsroom: Web, archive: Context) -> None:
    id, other = uuid7(), uuid7()
    async with Follower(newsroom.port, f"/news/{id}/live") as follower:
        assert follower.status == 200
        told = follower.headers
        assert (told["content-type"], told["x-accel-buffering"]) == ("text/event-stream", "no")
        assert told["cache-control"] == "no-store, no-transform"
        await follower.opened()
        assert 1000 <= follower.retry <= 10_000
        await comment(archive, other, 1)
        async with archive.db.transaction() as db:
            await record(db, Commented(article_id=id, number=2, text="Ü\n\u2028"))
            another = msgspec.structs.replace(archive, db=Another(archive.db))
            await comment(another, id, 1)  # in another transaction, which commits first
            sent = [await follower.next()]
        await write(archive, Removed(article_id=id, number=1))
        sent += [await follower.next() for _ in range(2)]
    assert [each.name for each in sent if each] == ["news.commented", "news.commented", "news.removed"]
    first, second, third = (each.data for each in sent if each)
    assert (first["number"], second["number"], second["text"]) == (1, 2, "Ü\n\u2028")
    assert third == {"type": "gone", "number": 1}
    assert [each.position for each in sent if each] == sorted({each.position for each in sent if each})


async def test_rolled_back_events_are_not_sent(newsroom: Web, archive: Context) -> None:
    id = uuid7()
    async with Follower(newsroom.port, f"/news/{id}/live") as follower:
        await follower.opened()
        with contextlib.suppress(NOT_FOUND):
            async with archive.db.transaction() as db:
                await record(db, Commented(article_id=id, number=1))
                raise NOT_FOUND
        await comment(archive, id, 2)
        assert await follower.numbers(1) == [2]


async def test_events_without_a_view(newsroom: Web, archive: Context) -> None:
    """None and NOT_FOUND send nothing; if the view fails, clients must reload."""
    id = uuid7()
    async with Follower(newsroom.port, f"/news/{id}/live") as follower:
        await follower.opened()
        await comment(archive, id, 1, text="hidden")
        await comment(archive, id, 2, text="vanished")
        await comment(archive, id, 3)
        await comment(archive, id, 4, text="broken")
        await comment(archive, id, 5)
        assert await follower.numbers(1) == [3]
        lost = await follower.next()
        assert lost is not None
        assert (lost.name, lost.data) == ("resync", {"reason": "error"})
        assert await follower.numbers(1) == [5]


async def test_a_reconnecting_client_gets_the_missed_events(newsroom: Web, archive: Context) -> None:
    id = uuid7()
    path = f"/news/{id}/live"
    async with Follower(newsroom.port, path) as follower:
        await follower.opened()  # an id before the first event
    await comment(archive, id, 1, 2)
    async with Follower(newsroom.port, path, last_event_id=follower.last) as again:
        assert await again.numbers(2) == [1, 2]
        await comment(archive, id, 3)
        assert await again.numbers(1) == [3]
    async with Follower(newsroom.port, path, last_event_id=again.last) as nothing_missed:
        await nothing_missed.opened()
        await comment(archive, id, 4)
        assert await nothing_missed.numbers(1) == [4]


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        ("{epoch}.0", "too_old"),
        ("{epoch}.999999999", "unknown"),
        ("{epoch}.-1", "unknown"),
        ("{epoch}.1e9", "unknown"),
        ("{epoch}." + "9" * 30, "unknown"),
        ("00000000.{position}", "unknown"),
        ("{position}", "unknown"),
        ("{epoch}", "unknown"),
    ],
)
async def test_an_id_that_cannot_be_resumed_causes_a_reload(
    newsroom: Web, archive: Context, last: str, reason: str
) -> None:
    """C-291: before any event, so that the client loads its state again. A restored database has another epoch."""
    id = uuid7()
    async with Follower(newsroom.port, f"/news/{id}/live") as follower:
        epoch, _, position = (await follower.opened()).last.partition(".")
    last = last.format(epoch=epoch, position=position)
    async with Follower(newsroom.port, f"/news/{id}/live", last_event_id=last) as follower:
        resync = await follower.next()
        assert resync is not None
        assert (resync.name, resync.data) == ("resync", {"reason": reason})
        await comment(archive, id, 1)
        assert await follower.numbers(1) == [1]


async def test_a_client_that_missed_too_many_events_must_reload(newsroom: Web, archive: Context) -> None:
    """C-291."""
    id = uuid7()
    async with Follower(newsroom.port, f"/news/{id}/live") as follower:
        await follower.opened()
    many = MISSED + PAGE + 1
    async with Follower(newsroom.port, f"/news/{id}/live") as steady:
        await steady.opened()
        async with archive.db.transaction() as db:
            for number in range(many):
                await record(db, Commented(article_id=id, number=number))
        assert await steady.numbers(many) == list(range(many))
    async with Follower(newsroom.port, f"/news/{id}/live", last_event_id=follower.last) as again:
        names = []
        while (sent := await again.next()) and sent.name != "resync":
            names.append(sent.data["number"])
        assert names == list(range(len(names)))
        assert sent is not None
        assert sent.data == {"reason": "too_many"}
        await comment(archive, id, 10_000)
        assert (await again.numbers(1))[-1] == 10_000


async def test_no_event_is_lost_repeated_or_out_of_order(newsroom: Web, other_newsroom: Web, archive: Context) -> None:
    """C-292: writers commit in another order than they began, and clients reconnect all the time, to either of two
    processes, both of which assign positions."""
    id = uuid7()
    chance = random.Random(290)
    each, writers = 25, 5
    committed = asyncio.Event()

    async def write_some(writer: int) -> None:
        for number in range(each):
            async with archive.db.transaction() as db:
                await record(db, Commented(article_id=id, number=writer * each + number))
                await asyncio.sleep(chance.random() / 50)

    async def follow() -> list[str]:
        seen: list[str] = []
        last = await begin()
        while len(seen) < each * writers:
            web = chance.choice([newsroom, other_newsroom])
            async with Follower(web.port, f"/news/{id}/live", last_event_id=last) as follower:
                for _ in range(chance.randint(0, 9)):
                    if len(seen) < each * writers:
                        sent = await follower.next()
                        assert sent is not None
                        seen.append(f"{sent.id} {sent.data['number']}")
                        last = sent.id
        return seen

    async def begin() -> str:
        async with Follower(newsroom.port, f"/news/{id}/live") as follower:
            last = (await follower.opened()).last
        await committed.wait()
        return last

    followers = [asyncio.create_task(follow()) for _ in range(8)]
    async with Follower(newsroom.port, f"/news/{id}/live") as steady:
        await steady.opened()
        committed.set()
        await asyncio.gather(*(write_some(writer) for writer in range(writers)))
        numbers = await steady.numbers(each * writers)
    assert sorted(numbers) == list(range(each * writers))
    seen = await asyncio.gather(*followers)
    assert all(one == seen[0] for one in seen)
    assert [int(line.split()[1]) for line in seen[0]] == numbers


async def test_one_event_is_encoded_once_without_a_task_for_each_client(newsroom: Web, archive: Context) -> None:
    """C-293: nor a queue; there are only the tasks of the hub."""
    id, many = uuid7(), 150

    async def tasks() -> int:
        async with client_of(newsroom) as client:
            return int((await client.get("/news/tasks")).text)

    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(Follower(newsroom.port, f"/news/{id}/live"))
        before = await tasks()
        others = [Follower(newsroom.port, f"/news/{id}/live") for _ in range(many)]
        followers = [first, *await asyncio.gather(*(stack.enter_async_context(each) for each in others))]
        await asyncio.gather(*(each.opened() for each in followers))
        await comment(archive, id, 1)
        sent = await asyncio.gather(*(each.next() for each in followers))
        assert await tasks() <= before + 2
    shown = {json.dumps(each.data) for each in sent if each}
    assert len(shown) == 1  # `shown` counts
    assert len({each.id for each in sent if each}) == 1


async def test_two_processes_send_the_same(newsroom: Web, other_newsroom: Web, archive: Context) -> None:
    """C-292: a position is valid in each process, so a client may reconnect to another."""
    id = uuid7()
    path = f"/news/{id}/live"
    async with Follower(newsroom.port, path) as one, Follower(other_newsroom.port, path) as two:
        await one.opened()
        await two.opened()
        await comment(archive, id, 1, 2)
        seen = [[await each.next() for _ in range(2)] for each in (one, two)]
    ids = [[sent.id for sent in each if sent] for each in seen]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2
    async with Follower(other_newsroom.port, path, last_event_id=ids[0][0]) as moved:
        assert await moved.numbers(1) == [2]


async def test_heartbeats_are_sent_without_events(newsroom: Web) -> None:
    """C-294: routers close silent connections. Heartbeats carry the position from which a client without events
    resumes."""
    async with Follower(newsroom.port, f"/news/{uuid7()}/live") as follower:
        await follower.opened()
        await follower.beat()
        await follower.beat()
        assert follower.last


async def test_head_and_other_methods_do_not_stream(newsroom: Web) -> None:
    path = f"/news/{uuid7()}/live"
    async with client_of(newsroom) as client:
        head = await client.head(path)
        assert (head.status_code, head.headers["content-type"], head.content) == (200, "text/event-stream", b"")
        assert (await client.post(path)).status_code == 405
        assert (await client.get("/news/nothing/live")).status_code == 404


async def test_clients_stay_connected_when_the_database_drops_its_connections(newsroom: Web, archive: Context) -> None:
    id = uuid7()
    async with Follower(newsroom.port, f"/news/{id}/live") as follower:
        await follower.opened()
        await archive.db.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        async with asyncio.timeout(10):
            while True:
                try:
                    await comment(archive, id, 1)
                    break
                except Exception:  # noqa: BLE001  # a connection of our own pool was among them
                    await asyncio.sleep(0.1)
        assert await follower.numbers(1) == [1]
