"""The Kafka producer, and what other clients share with it. Everything here has a timeout of its own, because
aiokafka's calls can wait for ever when the broker is gone; and after any error the producer is thrown away."""

import asyncio
import functools
import logging
import time
from collections.abc import Iterable, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    CorruptRecordException,
    InvalidTimestampError,
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
    UnknownError,
    UnknownTopicOrPartitionError,
    UnsupportedForMessageFormatError,
)
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder
from opentelemetry.trace import Span

from api.kernel.settings import Settings
from api.kernel.telemetry import mark_failed, relayed_events, traceparent
from api.kernel.telemetry.outages import Outage
from worker.internals import Internals
from worker.security import explained, security
from worker.spans import sending
from worker.types import OutboxEvent, Refusal, Unpublished

logger = logging.getLogger(__name__)
PUBLISH_SECONDS = 6.0
"""With STOP_SECONDS of internals.py twice and EXPLAIN_SECONDS of worker/security.py, less than the server lets a
transaction be idle: it holds locks."""
SEARCH_SECONDS = 2.0
LOOKS, LOOK_SECONDS = 5, 0.1
BATCH_BYTES = 65536
LARGEST = 1_000_000  # characters of an event's data; one that is larger than a batch is a batch of its own
# What is wrong with a record for ever, and what may be. The broker tells of some kinds that aiokafka does not know.
_FINAL = (MessageSizeTooLargeError, RecordTooLargeError, InvalidTimestampError, PolicyViolationError)
_PERHAPS = (CorruptRecordException, RecordListTooLargeError, UnsupportedForMessageFormatError, UnknownError)
_REFUSALS = (*_FINAL, *_PERHAPS, TopicAuthorizationFailedError)
_FAILURES = (KafkaError, OSError, RuntimeError)  # RuntimeError: uvloop's, for a connection that is closed
Place = tuple[str, int]  # a topic as Kafka calls it, and a partition of it


class KafkaUnavailable(Exception):
    """Nothing, or not everything, was acknowledged: publish the same again."""


class Publisher:
    def __init__(self, settings: Settings) -> None:
        self._kafka = settings.kafka
        self._source = settings.public_url.encode()
        # Its hash is written in Python and a fourth of all the work; a thing's events come several at a time.
        self._partition = functools.lru_cache(10_000)(DefaultPartitioner())
        self._producer: AIOKafkaProducer | None = None
        self._missed: dict[str, str] = {}  # topics that Kafka does not have, or not for us, and why
        self.outage = Outage("kafka", logger)

    async def publish(self, events: Sequence[OutboxEvent]) -> dict[OutboxEvent, Refusal | None]:
        """Publish in order and wait until Kafka has acknowledged. The answer names what is not published: why Kafka
        did not take it, or None for what only waits, such as behind such a one of its key. Raises KafkaUnavailable."""
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                unpublished = await self._publish(events)
        except Exception as error:
            await self.stop()
            if isinstance(error, _FAILURES):
                cause, remedy = await explained(self._kafka, error)
                self.outage.tell(cause, remedy)
                raise KafkaUnavailable(cause) from None
            raise
        self.outage.note(None)
        return unpublished

    async def stop(self) -> None:
        """Let go of the producer at once, whatever it is doing."""
        if (producer := self._producer) is None:
            return
        await Internals.discard_producer(producer)
        self._producer = None  # not before: where this was cut off, somebody does it again

    async def _started(self, *, idempotence: bool = True) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                bootstrap_servers=list(self._kafka.bootstrap_servers),
                client_id="rest-angular-relay",
                enable_idempotence=idempotence,
                acks="all",
                max_batch_size=BATCH_BYTES,
                request_timeout_ms=5000,
                retry_backoff_ms=500,  # aiokafka logs every try
                **security(self._kafka),
            )
            await self._producer.start()
            logger.info("kafka is connected")
        return self._producer

    async def _publish(self, events: Sequence[OutboxEvent]) -> dict[OutboxEvent, Refusal | None]:
        missing = await self._missing({event.topic for event in events})
        unpublished = Unpublished()
        fresh: list[OutboxEvent] = []
        tried: dict[tuple[str, str], list[OutboxEvent]] = {}
        for event in events:
            if event.topic in missing:
                unpublished.add(event, Refusal(missing[event.topic], topic=True))
            elif len(event.data) > LARGEST:
                unpublished.add(event, Refusal(MessageSizeTooLargeError.__name__, final=True))
            elif unpublished.holds(event):
                continue
            elif event.attempts or (event.topic, event.key) in tried:
                tried.setdefault((event.topic, event.key), []).append(event)
            else:
                fresh.append(event)
        # What was refused before, and what is behind it, in batches of its own: it is likely to be refused again.
        await self._search(await self._in_batches(fresh), unpublished)
        again = [event for waiting in tried.values() for event in waiting if not unpublished.holds(event)]
        await self._search(await self._in_batches(again), unpublished)
        return unpublished.events

    async def _in_batches(self, events: Sequence[OutboxEvent]) -> dict[Place, list[OutboxEvent]]:
        """Publish these; the answer is what a partition refused a batch of, and all that comes after it there: which
        record of a batch it was, Kafka does not say."""
        producer = await self._started()
        places = await self._by_partition(producer, events)
        sending = (self._send(producer, place, waiting) for place, waiting in places.items())
        outcomes = await asyncio.gather(*sending, return_exceptions=True)
        refused: dict[Place, list[OutboxEvent]] = {}
        for place, outcome in zip(places, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                raise outcome
            if outcome:
                refused[place] = outcome
        return refused

    async def _send(self, producer: AIOKafkaProducer, place: Place, events: list[OutboxEvent]) -> list[OutboxEvent]:
        while events:
            try:
                events = events[await self._send_batch(producer, place, events) :]
            except Exception as error:
                if not _tells_of_records(error):
                    raise
                break
        return events

    async def _send_batch(self, producer: AIOKafkaProducer, place: Place, events: Sequence[OutboxEvent]) -> int:
        """As many as one batch has room for, acknowledged; how many. Not producer.send(), which costs as much as all
        the rest. The producer numbers these batches as it does its own."""
        batch, spans = producer.create_batch(), list[Span]()
        filled = self._fill(batch, events, spans)
        topic, partition = place
        try:
            await (await producer.send_batch(batch, topic, partition=partition))
        except BaseException as error:
            for each in spans:
                mark_failed(each, type(error).__name__)
            raise
        finally:
            for each in spans:
                each.end()
        relayed_events.add(filled, {"topic": events[0].topic})
        return filled

    async def _search(self, refused: dict[Place, list[OutboxEvent]], unpublished: Unpublished) -> None:
        """Publish these in halves of halves, until those are alone that are refused alone; and after such a one none of
        its key. What takes too long waits for the next time."""
        if not refused:
            return
        await self.stop()  # it has numbered what was refused: the broker would miss those numbers
        producer = await self._started(idempotence=False)
        ends, parts = time.monotonic() + SEARCH_SECONDS, list(refused.items())
        while parts:
            place, events = parts.pop()
            events = [event for event in events if not unpublished.holds(event)]
            if time.monotonic() > ends:
                for event in events:
                    unpublished.add(event, None)
            elif events:
                parts += await self._search_in(producer, place, events, unpublished)
        await self.stop()

    async def _search_in(
        self, producer: AIOKafkaProducer, place: Place, events: list[OutboxEvent], unpublished: Unpublished
    ) -> list[tuple[Place, list[OutboxEvent]]]:
        """Send a batch of these; the answer is what to send of them yet, the last one first."""
        try:
            sent = await self._send_batch(producer, place, events)
        except Exception as error:
            if not _tells_of_records(error):
                raise
            forbidden = isinstance(error, TopicAuthorizationFailedError)  # which tells of them all
            if len(events) > 1 and not forbidden:
                half = len(events) // 2
                return [(place, events[half:]), (place, events[:half])]
            for event in events:
                unpublished.add(event, Refusal(type(error).__name__, isinstance(error, _FINAL), forbidden))
            return []
        return [(place, events[sent:])]

    async def _missing(self, topics: Iterable[str]) -> dict[str, str]:
        """The topics that Kafka does not have, or not for us, with the name of its error: nothing of them is published,
        and the others are. One may be on its way, where its first use makes it. Raises KafkaUnavailable."""
        producer = await self._started()
        for topic in topics:
            looks = 1 if topic in self._missed else LOOKS
            missing = await missing_topic(producer.client, self._kafka.prefix + topic, looks)
            if missing:
                self._missed[topic] = type(missing).__name__
            else:
                self._missed.pop(topic, None)
        return self._missed

    async def _by_partition(
        self, producer: AIOKafkaProducer, events: Sequence[OutboxEvent]
    ) -> dict[Place, list[OutboxEvent]]:
        """The events by topic and partition, each in their order; one key's are together, as by any Kafka client."""
        places: dict[Place, list[OutboxEvent]] = {}
        topics = {topic: self._kafka.prefix + topic for topic in {event.topic for event in events}}
        partitions = {topic: tuple(sorted(await producer.partitions_for(name))) for topic, name in topics.items()}
        for event in events:
            numbers = partitions[event.topic]
            place = topics[event.topic], self._partition(event.key.encode(), numbers, numbers)
            places.setdefault(place, []).append(event)
        return places

    def _fill(self, batch: BatchBuilder, events: Sequence[OutboxEvent], spans: list[Span]) -> int:
        """Append as many as there is room for; how many. The first one always has room, whatever its size. `spans` gets
        those of sampled traces, which end when Kafka has answered."""
        topic = self._kafka.prefix + events[0].topic
        for number, event in enumerate(events):
            key, value, current = event.key.encode(), event.data.encode(), sending(event, topic)
            headers = self._headers(event, traceparent(current) if current else event.traceparent)
            if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                return number  # the span of one that is not sent is never ended, and so never exported
            if current:
                spans.append(current)
        return len(events)

    def _headers(self, event: OutboxEvent, trace: str) -> list[tuple[str, bytes]]:
        """CloudEvents 1.0, Kafka protocol binding, binary mode."""
        return [
            ("ce_specversion", b"1.0"),
            ("ce_id", str(event.id).encode()),
            ("ce_type", event.type.encode()),
            ("ce_source", self._source),
            ("ce_subject", event.key.encode()),
            ("ce_time", event.time.encode()),
            ("content-type", b"application/json"),
            ("traceparent", trace.encode()),
        ]


async def missing_topic(client: AIOKafkaClient, name: str, looks: int = LOOKS) -> KafkaError | None:
    """Why Kafka does not take records for the topic; None where it does. Asking for it makes it, where its first use
    does: hence several looks, some LOOK_SECONDS apart. Raises KafkaConnectionError."""
    if client.cluster.partitions_for_topic(name):
        return None
    client.add_topic(name)
    for look in range(looks):
        await asyncio.sleep(LOOK_SECONDS if look else 0)
        if not await client.force_metadata_update():
            raise KafkaConnectionError("no metadata")
        if client.cluster.partitions_for_topic(name):
            return None
    if name in client.cluster.unauthorized_topics:
        return TopicAuthorizationFailedError(name)
    return UnknownTopicOrPartitionError(name)


def _tells_of_records(error: Exception) -> bool:
    """Whether it is about what was sent, a mistake of ours in making it included, and not about the broker."""
    return isinstance(error, _REFUSALS) or not isinstance(error, _FAILURES)
