"""Messages of other services, consumers controlled by a test, and members of their groups."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import msgspec
from aiokafka import AIOKafkaProducer

from api.kernel.context import Context
from api.kernel.data.database import Database, uuid7
from api.kernel.outbox.consumers import Consumer, Incoming, consume
from api.kernel.settings import Settings
from tests.worker.parts import APACHE
from worker.consumer import Reader

SHORTEST_SESSION = 6.0 if APACHE else 4.0
"""Apache Kafka accepts no shorter one; with the embedded broker a group forms after 3 s, and a new member waits for
most of a session."""
SOURCE = "https://shop.example.com"


class Noted(Incoming, frozen=True, tag="tests.noted"):
    thing: str
    number: int


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A record; `id` None stands for one without a name."""

    data: bytes = b""
    key: str | None = None
    id: str | None = None
    type: str = "tests.noted"
    partition: int | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


def noted(thing: str, number: int, **more: object) -> Sent:
    """Return a message to be noted; those about one thing have one key."""
    data = msgspec.json.encode({"thing": thing, "number": number})
    return msgspec.structs.replace(Sent(data=data, key=thing, id=f"{thing}-{number}"), **more)


async def send(settings: Settings, topic: str, messages: Sequence[Sent], commits: bool | None = None) -> None:
    """Publish like another service, in this order; `commits`: in a transaction that is committed or aborted."""
    name = None if commits is None else uuid7().hex
    brokers = list(settings.kafka.bootstrap_servers)
    producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", transactional_id=name)
    await producer.start()
    try:
        if name:
            await producer.begin_transaction()
        for each in messages:
            headers = [("ce_specversion", b"1.0"), ("ce_type", each.type.encode()), *each.headers]
            if each.id is not None:
                headers += [("ce_id", each.id.encode()), ("ce_source", SOURCE.encode())]
            key = each.key.encode() if each.key else None
            await producer.send_and_wait(
                settings.kafka.prefix + topic, each.data, key, each.partition, headers=[*headers]
            )
        if name:
            await (producer.commit_transaction() if commits else producer.abort_transaction())
    finally:
        await producer.stop()


async def note(context: Context, db: Database, message: Noted) -> None:
    """A countable effect."""
    await db.fetch("insert into notes (thing, number) values ($1, $2)", message.thing, message.number)


async def notes(db: Database) -> list[tuple[str, int]]:
    rows = await db.fetch("select thing, number from notes order by seq")
    return [(row["thing"], row["number"]) for row in rows]


async def make_notes(db: Database) -> None:
    await db.fetch("create table notes (seq bigint generated always as identity, thing text, number integer)")


def noting(handler: Callable[[Context, Database, Noted], Awaitable[None]] = note) -> Consumer:
    return consume("tests.notes", Noted, handler)


@contextlib.asynccontextmanager
async def reading(
    context: Context, *consumers: Consumer, drain: bool = True
) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run members of the consumers' groups in this process until they have drained or are cancelled."""
    members = [asyncio.create_task(Reader(context, each).run()) for each in consumers]
    try:
        yield members
    finally:
        if drain:
            context.draining.set()
        else:
            for member in members:
                member.cancel()
        async with asyncio.timeout(60):
            await asyncio.gather(*members, return_exceptions=True)
