"""Task rows → arq → done, retried, or a dead letter; with outages of Redis."""

import asyncio

import msgspec
import pytest
from arq.connections import ArqRedis

import worker.main
import worker.relay
from api.kernel.config.connections import Smtp
from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.mail import MailRefused, MemoryMailer, SmtpMailer
from api.kernel.mime import Message
from api.kernel.outbox.tasks import HEARTBEAT_KEY, MAX_ATTEMPTS, QUEUE
from api.kernel.settings import Settings
from api.users import tasks as users
from tests.factories import make_user
from tests.worker.jobs import Gate, add_tasks, soon, until, working
from tests.worker.parts import RedisServer
from tests.worker.test_publishing import announce
from worker.main import open_queue, work
from worker.relay import TASKS_QUEUED, Relay

NO_TASK = "select count(*) = 0 from outbox_tasks"


async def everything_in(queue: ArqRedis) -> dict[bytes, bytes]:
    """Return every key of Redis with its value."""
    kept = {}
    for key in await queue.keys("*"):
        kind = await queue.type(key)
        kept[key] = repr(await queue.zrange(key, 0, -1)).encode() if kind == b"zset" else (await queue.get(key) or b"")
    return kept


async def test_redis_contains_ids_and_no_personal_data(live: Context, relay: Relay, queue: ArqRedis) -> None:
    user = await make_user(live, "canary@example.com", verified=False)
    await announce(live.db, user.id, "canary@example.com")
    assert await relay.queue_tasks() == 1
    [row] = await live.db.fetch("select id, attempts from outbox_tasks")
    kept = await everything_in(queue)
    job = msgspec.json.decode(kept[f"arq:job:{row['id']}:1".encode()])
    assert (job["f"], job["a"], job["k"]) == ("users.send_verification", [str(row["id"]), 1], {})
    assert b"canary" not in b"".join(kept.values())


async def test_a_leased_task_is_not_leased_again(live: Context, relay: Relay) -> None:
    await announce(live.db, uuid7())
    assert [await relay.queue_tasks(), await relay.queue_tasks()] == [1, 0]


async def test_flushing_redis_loses_nothing(live: Context, queue: ArqRedis) -> None:
    gate = Gate()
    gate.open.set()
    relay = Relay(live, None, queue, [gate.task.name])  # type: ignore[arg-type]  # it publishes nothing here
    await add_tasks(live.db)
    assert await relay.queue_tasks() == 1
    await queue.flushdb()
    await live.db.fetch("update outbox_tasks set locked_until = now() - interval '1 second'")
    async with working(live, queue, [gate.task]):
        await until(live.db, NO_TASK)
    assert gate.ended == 1


async def test_tasks_unknown_to_this_release_are_left(live: Context, relay: Relay) -> None:
    await add_tasks(live.db, "tomorrow.fly")
    assert await relay.queue_tasks() == 0
    [row] = await live.db.fetch("select attempts, locked_until from outbox_tasks")
    assert tuple(row) == (0, None)


async def test_only_tasks_that_can_start_soon_are_leased_and_an_end_makes_room(
    live: Context, queue: ArqRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.relay, "TASKS_QUEUED", 2)
    monkeypatch.setattr(worker.relay, "POLL_SECONDS", 600)
    gate = Gate()
    await add_tasks(live.db, count=7)
    async with working(live, queue, [gate.task]):
        await asyncio.wait_for(gate.begun.wait(), 60)
        assert (await live.db.fetch("select count(*) from outbox_tasks where locked_until is not null"))[0][0] == 2
        gate.open.set()
        await until(live.db, NO_TASK)
    assert gate.ended == 7


async def test_many_tasks_at_once_each_run_once(live: Context, queue: ArqRedis) -> None:
    gate = Gate()
    gate.open.set()
    await add_tasks(live.db, count=2 * TASKS_QUEUED)
    async with working(live, queue, [gate.task]):
        await until(live.db, NO_TASK)
    assert gate.ended == 2 * TASKS_QUEUED


class Sequence(MemoryMailer):
    """Fails in several ways, one after the other."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__()
        self.failures = list(failures)

    async def send(self, message: Message) -> str:
        reply = await super().send(message)
        if self.failures:
            raise self.failures.pop(0)
        return reply


async def test_a_failing_task_waits_longer_each_time_and_becomes_a_dead_letter(
    live: Context, cloned: Settings, queue: ArqRedis
) -> None:
    nowhere = msgspec.structs.replace(cloned, smtp=Smtp("127.0.0.1", 1, None, None, "none"))
    context = msgspec.structs.replace(live, mail=SmtpMailer(nowhere))
    user = await make_user(live, verified=False)
    await announce(live.db, user.id)
    waits = []
    async with working(context, queue, users.tasks) as relay:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            await until(live.db, f"select attempts = {attempt} and locked_until is null from outbox_tasks")
            [row] = await live.db.fetch(
                "select last_error, dead_at, extract(epoch from available_at - now())::float8 as wait from outbox_tasks"
            )
            assert row["last_error"].startswith("MailDelayed: smtp: ConnectionRefusedError: ")
            assert (row["dead_at"] is not None) == (attempt == MAX_ATTEMPTS)
            waits.append(round(row["wait"]))
            await live.db.fetch("update outbox_tasks set available_at = now()")
            relay.want_tasks()
    assert waits[:-1] == sorted(waits[:-1])
    assert waits[0] <= 2 < waits[4] / 8
    assert await relay.queue_tasks() == 0, "a dead letter waits for an operator"


async def test_a_permanently_refused_mail_is_a_dead_letter_at_once(live: Context, queue: ArqRedis) -> None:
    context = msgspec.structs.replace(live, mail=Sequence(MailRefused("smtp 550")))
    user = await make_user(live, verified=False)
    await announce(live.db, user.id)
    async with working(context, queue, users.tasks):
        await until(live.db, "select dead_at is not null from outbox_tasks")


async def test_every_attempt_sends_the_same_message_id(live: Context, queue: ArqRedis) -> None:
    mail = Sequence(OSError("smtp 421"))
    user = await make_user(live, verified=False)
    await announce(live.db, user.id)
    async with working(msgspec.structs.replace(live, mail=mail), queue, users.tasks) as relay:
        await until(live.db, "select attempts = 1 and locked_until is null from outbox_tasks")
        await live.db.fetch("update outbox_tasks set available_at = now()")
        relay.want_tasks()
        await until(live.db, NO_TASK)
    first, second = mail.sent
    assert first.id == second.id
    assert first.text != second.text, "the link is new: no queue stores a token"


async def test_draining_waits_for_a_running_task(live: Context, queue: ArqRedis) -> None:
    gate = Gate()
    await add_tasks(live.db)
    async with working(live, queue, [gate.task]):
        await asyncio.wait_for(gate.begun.wait(), 60)
        live.draining.set()
        asyncio.get_running_loop().call_later(0.3, gate.open.set)
    assert gate.ended == 1
    assert (await live.db.fetch("select 1 from outbox_tasks")) == []


async def test_a_cancelled_task_is_released_at_once_and_runs_elsewhere(
    live: Context, queue: ArqRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.main, "FINISH_SECONDS", 0.1)
    monkeypatch.setattr(worker.relay, "POLL_SECONDS", 0.2)
    gate = Gate()
    await add_tasks(live.db)
    async with working(live, queue, [gate.task]):
        await asyncio.wait_for(gate.begun.wait(), 60)
    [row] = await live.db.fetch("select locked_until, dead_at, last_error from outbox_tasks")
    assert tuple(row) == (None, None, None)
    gate.open.set()
    again = msgspec.structs.replace(live, draining=asyncio.Event())
    async with working(again, queue, [gate.task]):
        await until(live.db, NO_TASK)
    assert gate.ended == 1


async def test_a_foreign_job_harms_no_task(live: Context, queue: ArqRedis) -> None:
    gate = Gate()
    gate.open.set()
    await queue.enqueue_job("no.such_function", _job_id="stranger")
    await queue.enqueue_job(gate.task.name, "no uuid", "no number", _job_id="garbled")
    await queue.zadd(QUEUE, {"expired": 1})
    await queue.set("arq:job:noise", b"\x80\x04not json")
    await queue.zadd(QUEUE, {"noise": 1})
    await add_tasks(live.db)
    async with working(live, queue, [gate.task]):
        await until(live.db, NO_TASK)
        await soon(lambda: gate.ended == 1)
    assert await queue.zcard(QUEUE) == 0


def times(caplog: pytest.LogCaptureFixture, message: str) -> int:
    return [record.message for record in caplog.records].count(message)


@pytest.mark.deadlines
async def test_outages_of_redis_stop_nothing_for_good(
    live: Context, cloned: Settings, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    redis_server.kill()
    context = msgspec.structs.replace(live, settings=msgspec.structs.replace(cloned, redis_url=redis_server.url))
    gate = Gate()
    gate.open.set()
    await add_tasks(live.db)
    async with open_queue(context.settings) as queue, working(context, queue, [gate.task]):
        await soon(lambda: times(caplog, "a step of the relay failed") > 0)
        assert gate.ended == 0
        redis_server.start()
        await until(live.db, NO_TASK)
        redis_server.kill()
        await add_tasks(live.db)
        redis_server.start()
        await until(live.db, NO_TASK)
        redis_server.freeze()
        await add_tasks(live.db)
        before = times(caplog, "a step of the relay failed")
        await soon(lambda: times(caplog, "a step of the relay failed") > before)
        redis_server.thaw()
        await until(live.db, NO_TASK)
        assert await queue.exists(HEARTBEAT_KEY) == 1
    assert gate.ended >= 3


async def test_a_running_task_is_not_cancelled_by_an_outage_of_redis(
    live: Context, cloned: Settings, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    context = msgspec.structs.replace(live, settings=msgspec.structs.replace(cloned, redis_url=redis_server.url))
    gate = Gate()
    await add_tasks(live.db)
    async with open_queue(context.settings) as queue, working(context, queue, [gate.task]):
        await asyncio.wait_for(gate.begun.wait(), 60)
        redis_server.kill()
        await soon(lambda: times(caplog, "arq restarts") > 0)
        gate.open.set()
        await until(live.db, NO_TASK)
    assert gate.ended == 1


async def test_a_task_that_could_not_be_queued_is_released(live: Context, cloned: Settings, queue: ArqRedis) -> None:
    class Half(ArqRedis):
        async def enqueue_job(self, *args: object, **kwargs: object) -> None:
            raise ConnectionError("reset by peer")

    await add_tasks(live.db, count=3)
    half = Half(pool_or_conn=queue.connection_pool)
    with pytest.raises(ConnectionError):
        await Relay(live, None, half, ["worker.wait_at_gate"]).queue_tasks()  # type: ignore[arg-type]
    rows = await live.db.fetch("select locked_until from outbox_tasks")
    assert [row["locked_until"] for row in rows] == [None, None, None]


async def test_an_unexpected_failure_of_arq_is_logged_and_arq_restarted(
    live: Context, queue: ArqRedis, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.main, "RESTART_SECONDS", 0.1)
    await queue.zadd(QUEUE, {b"\xff": 1})  # arq fails on an id of this form
    running = asyncio.create_task(work(live, [Gate().task], lambda: None))
    await soon(lambda: times(caplog, "arq restarts") > 0)
    await queue.delete(HEARTBEAT_KEY)
    async with asyncio.timeout(60):
        while not await queue.exists(HEARTBEAT_KEY):  # noqa: ASYNC110  # in Redis
            await asyncio.sleep(0.02)
    assert not running.done()
    live.draining.set()
    await asyncio.wait_for(running, 60)
    record = next(each for each in caplog.records if each.message == "arq restarts")
    assert record.fields["cause"] == "UnicodeDecodeError"  # type: ignore[attr-defined]
    assert record.exc_info is not None
