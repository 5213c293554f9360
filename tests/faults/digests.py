"""An experiment with digests: messages of another service that join one digest while workers are killed."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaProducer

from tests.faults.rig import Rig

MESSAGES = 200
TOPIC = "notifications.requested"
PERSON = "insert into users (id, email, password_hash, is_verified) values ($1, $2, '', true)"
SWITCH = "insert into notification_switches values ($1, 'product', 'mail', 'digest')"
JOINED = "select from notifications where user_id = $1 and digest_id is not null"
END = "update outbox_tasks set available_at = now() where task = 'notifications.close_digest'"
DIGESTS = "select state, items from notification_digests where user_id = $1"
WAIT_SECONDS = 120.0


async def kill_digests(rig: Rig) -> int:
    """Kill workers while 200 messages arrive, and when the window ends. Each message is one item, and each window one
    mail. The account is deleted at the end: it is not in the ledger."""
    id, email = uuid4(), f"{uuid4().hex}@example.com"
    await rig.rows(PERSON, id, email)
    await rig.rows(SWITCH, id)
    await _send(rig, [{"user_id": id, "subject": f"Item {n}", "text": "x"} for n in range(MESSAGES)])
    for point in ("task.leased:20", "task.done:20"):
        await rig.worker.die_at(point)

    async def all_joined() -> bool:
        return len(await rig.rows(JOINED, id)) == MESSAGES

    async def all_closed() -> bool:
        await rig.rows(END)  # another window may have opened
        digests = await rig.rows(DIGESTS, id)
        return {row["state"] for row in digests} == {"closed"} and bool(rig.mails.arrived.get(email))

    await _until(all_joined)
    await rig.rows(END)
    for point in ("task.leased:1", "task.done:1"):
        await rig.worker.die_at(point)
    await _until(all_closed)
    digests = await rig.rows(DIGESTS, id)

    async def all_mailed() -> bool:
        return len(set(rig.mails.arrived[email])) == len(digests)

    await _until(all_mailed)
    assert sum(row["items"] for row in digests) == MESSAGES
    await rig.rows("delete from users where id = $1", id)
    return 4


async def _send(rig: Rig, messages: list[dict[str, object]]) -> None:
    """Publish each message twice."""
    batch = uuid4().hex
    producer = AIOKafkaProducer(bootstrap_servers=rig.broker.address, acks="all")
    await producer.start()
    try:
        for number, message in enumerate(messages):
            headers = [
                ("ce_specversion", b"1.0"),
                ("ce_type", TOPIC.encode()),
                ("ce_source", b"https://faults.example"),
            ]
            headers.append(("ce_id", f"{batch}-{number}".encode()))
            for _ in range(2):
                await producer.send_and_wait(TOPIC, msgspec.json.encode(message), headers=headers)
    finally:
        await producer.stop()


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while not await condition():  # noqa: ASYNC110  # in PostgreSQL and in the mailbox
            await asyncio.sleep(0.2)
