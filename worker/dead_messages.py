"""Dead messages: published to `<topic>.dead`, listed in the table `inbox_dead`, and republished to their topic on
request."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from api.kernel.config.connections import Kafka
from api.kernel.context import Context
from api.kernel.errors import Problem
from api.kernel.live.feeds import SUPERUSERS
from api.kernel.outbox.consumers import Consumer
from worker import queries
from worker.internals import Internals
from worker.kafka import KafkaUnavailable, missing_topic
from worker.security import security
from worker.types import DeadMessage

logger = logging.getLogger(__name__)

LARGEST = 65_536
"""Maximum size of a message in bytes, including its key and headers."""
REQUEST_SECONDS = 6.0
"""Timeout for publishing a message. Together with READ_SECONDS, less than the server's idle-in-transaction timeout."""
READ_SECONDS = 3.0
RESEND_SECONDS = 2.0
_HEADER_PREFIX = "dead_"
_GONE = "the message is no longer in Kafka"


async def dead_letter(context: Context, consumer: Consumer, record: ConsumerRecord, reason: str, attempts: int) -> None:
    """Publish the message to `<topic>.dead`, wait for the acknowledgement, and record its position. Raises KafkaError
    (UnknownTopicOrPartitionError or TopicAuthorizationFailedError if that topic is unavailable), OSError, RuntimeError,
    Problem."""
    topic = dead_topic_of(record.topic)
    whole = size_of(record) <= LARGEST  # a larger one may not fit together with the added headers
    key, value, headers = (record.key, record.value or b"", record.headers) if whole else (None, b"", ())
    async with context.db.transaction() as db:  # opened first: nothing is published if PostgreSQL is down
        async with _producing(context.settings.kafka) as producer:
            # Checked separately: send() would wait for the topic until the timeout and report only that.
            if missing := await missing_topic(producer.client, topic):
                raise missing
            dead = await producer.send_and_wait(topic, value, key, headers=[*headers, *_dead_headers(record, reason)])
        await queries.insert_dead_message(
            db,
            consumer.topic,
            consumer.group,
            record.partition,
            record.offset,
            dead.topic,
            dead.partition,
            dead.offset,
            reason,
            attempts,
            record.timestamp,
        )
    context.hints.give("outbox.dead_letters", SUPERUSERS)


async def resend(context: Context) -> int:
    """Republish one message whose retry was requested. Returns the number of messages. Raises KafkaUnavailable,
    Problem."""
    kafka = context.settings.kafka
    try:
        async with context.db.transaction() as db:
            message = await queries.lock_retried_message(db)
            if message is None:
                return 0
            record = await _read(kafka, message)
            if record is None:
                logger.error(
                    "a dead message cannot be republished", extra={"fields": {"id": message.id, "cause": _GONE}}
                )
                await queries.mark_message_gone(db, message.id, _GONE)
                return 1
            headers = [(name, value) for name, value in record.headers if not name.startswith(_HEADER_PREFIX)]
            async with _producing(kafka) as producer:
                await producer.send_and_wait(kafka.prefix + message.topic, record.value, record.key, headers=headers)
            await queries.delete_dead_message(db, message.id)
    except (KafkaError, OSError, RuntimeError) as error:
        raise KafkaUnavailable(type(error).__name__) from None
    context.hints.give("outbox.dead_letters", SUPERUSERS)
    return 1


async def _read(kafka: Kafka, message: DeadMessage) -> ConsumerRecord | None:
    """Read the message from its topic of dead letters. Returns None if Kafka has deleted it."""
    client = AIOKafkaConsumer(
        bootstrap_servers=list(kafka.bootstrap_servers),
        client_id="rest-angular-resend",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        **security(kafka),
    )
    place = TopicPartition(message.dead_topic, message.dead_partition)
    try:
        async with asyncio.timeout(READ_SECONDS):
            await client.start()
            client.assign([place])
            client.seek(place, message.dead_offset)
            found = (await client.getmany(place, timeout_ms=int(READ_SECONDS * 500), max_records=1)).get(place, [])
    finally:
        await Internals.discard_consumer(client)
    return found[0] if found and found[0].offset == message.dead_offset else None


@contextlib.asynccontextmanager
async def _producing(kafka: Kafka) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        bootstrap_servers=list(kafka.bootstrap_servers),
        client_id="rest-angular-consumer",
        acks="all",
        request_timeout_ms=int(REQUEST_SECONDS * 1000),
        **security(kafka),
    )
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            await producer.start()
            yield producer
    finally:
        await Internals.discard_producer(producer)


def dead_topic_of(topic: str) -> str:
    return f"{topic}.dead"


def size_of(record: ConsumerRecord) -> int:
    """Return the bytes of its key, value and headers."""
    headers = sum(len(name) + len(value or b"") for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers


def reason_of(error: Exception) -> str:
    """Describe why a message is dead. Names the fields at fault and never their values."""
    if not isinstance(error, Problem):
        return type(error).__name__
    faults = " ".join(f"{each.pointer}: {each.detail}" for each in error.errors)
    return f"{error.code}: {faults or error.detail}"


def _dead_headers(record: ConsumerRecord, reason: str) -> list[tuple[str, bytes]]:
    headers = {
        "dead_reason": reason,
        "dead_topic": record.topic,
        "dead_partition": str(record.partition),
        "dead_offset": str(record.offset),
    }
    return [(name, text.encode(errors="replace")) for name, text in headers.items()]
