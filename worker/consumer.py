"""Kafka → consumers. A message's effect and its inbox row commit in one transaction, and the offset is committed
afterwards. A message that can never be processed is published to `<topic>.dead` before the offset advances; one that
cannot be processed now blocks only its partition. The client is replaced after any error, and when it stalls with
messages to read."""

import asyncio
import contextlib
import logging
import random
import time

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError, UnknownTopicOrPartitionError
from opentelemetry.trace import Span

from api.kernel.context import Context
from api.kernel.errors import PAYLOAD_TOO_LARGE, Problem
from api.kernel.live.feeds import SUPERUSERS
from api.kernel.outbox.consumers import Consumer, Delivery, report_lag
from api.kernel.process.waiting import wait_until_set
from api.kernel.telemetry import mark_failed, meter
from api.kernel.telemetry.outages import Outage
from worker.dead_messages import LARGEST, dead_letter, dead_topic_of, reason_of, size_of
from worker.internals import Internals
from worker.security import explained, security
from worker.spans import processing
from worker.watch import Stalled, Watch

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
TURN_SECONDS = 2.0
"""Maximum time for consecutive messages of one partition, before the next partition is served."""
MOST_AT_ONCE = 100
HANDLE_SECONDS = 10.0
"""Timeout of the first attempt at a message. Each timeout raises the next one by the same amount, up to
LONGEST_HANDLE_SECONDS. The other partitions of this member wait meanwhile."""
LONGEST_HANDLE_SECONDS = 30.0
ATTEMPTS = 5
"""Unexpected failures of a message's handler before it becomes a dead letter. If a dependency is unavailable or slow,
the message is retried without limit."""
LONGEST_PAUSE = 30.0
SESSION_SECONDS = 10.0
"""Time without a heartbeat after which the group reassigns a member's partitions."""
JOIN_SECONDS = 2 * SESSION_SECONDS
"""Request timeout of the client. Joining a group takes as long as its slowest member, or until that member's session
times out."""
START_SECONDS = 30.0
STEADY_SECONDS = 15.0
"""Lifetime after which a client counts as healthy and the back-off is reset. Without it, members that restart quickly
would keep the group rebalancing."""
REQUEST_SECONDS = 10.0

consumed = meter.create_counter("messaging.client.consumed.messages", "{message}", "By topic and outcome")


class TooSlow(Exception):
    """The handler exceeded its timeout and was cancelled."""


class Failing(msgspec.Struct):
    """The failed message at which a partition waits, and the time of its next attempt (time.monotonic). `attempts`
    counts all attempts, `failures` those that may make it a dead letter, `slow` those that timed out."""

    offset: int
    attempts: int = 0
    failures: int = 0
    slow: int = 0
    until: float = 0.0


class Reader:
    """One member of one consumer group."""

    def __init__(self, context: Context, consumer: Consumer) -> None:
        self._context = context
        self._consumer = consumer
        self._kafka = context.settings.kafka
        self.topic = self._kafka.prefix + consumer.topic
        self._failing: dict[TopicPartition, Failing] = {}
        self._failures = 0
        self._lag: dict[int, int] = {}
        self.outage = Outage("kafka", logger)

    async def run(self) -> None:
        """Consume until the process drains. Messages in progress are finished first."""
        while not self._context.draining.is_set():
            try:
                await self._read()
            except Exception as error:  # a new client resumes at the last commit
                self._failures += 1
                pause = back_off(self._failures)
                cause, remedy = await explained(self._kafka, error, self.topic)
                self.outage.note(remedy)
                fields = {"topic": self.topic, "cause": cause, "seconds": round(pause, 1)}
                fields |= {"remedy": remedy} if remedy else {}
                foreseen = isinstance(error, KafkaError | OSError | RuntimeError | Stalled)
                missing = isinstance(error, UnknownTopicOrPartitionError)
                message = "the topic does not exist in kafka: create it" if missing else "the consumer restarts"
                logger.warning(message, exc_info=None if foreseen else error, extra={"fields": fields})
                await wait_until_set(self._context.draining, pause)

    async def _read(self) -> None:
        await report_lag(self._context.cache, self._consumer, {})
        client = AIOKafkaConsumer(
            self.topic,
            bootstrap_servers=list(self._kafka.bootstrap_servers),
            client_id="rest-angular-consumer",
            group_id=self._kafka.prefix + self._consumer.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=250,
            session_timeout_ms=int(SESSION_SECONDS * 1000),
            heartbeat_interval_ms=int(SESSION_SECONDS * 250),
            request_timeout_ms=int(JOIN_SECONDS * 1000),
            retry_backoff_ms=500,  # aiokafka logs every attempt
            **security(self._kafka),
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                await client.start()
            logger.info(
                "consumer runs", extra={"fields": {"topic": self.topic, "partitions": len(client.assignment())}}
            )
            watch, steady, reads = Watch(self.topic), time.monotonic() + STEADY_SECONDS, False
            while not self._context.draining.is_set():
                self._resume(client)
                async with asyncio.timeout(REQUEST_SECONDS):
                    found = await client.getmany(timeout_ms=int(POLL_SECONDS * 1000), max_records=MOST_AT_ONCE)
                if not reads and client.assignment():  # joined the group
                    reads = True
                    self.outage.note(None)
                for place, records in found.items():
                    await self._take_turn(client, place, records)
                with contextlib.suppress(IllegalStateError):  # a partition was reassigned
                    if counted := await watch.measure(client):
                        await report_lag(self._context.cache, self._consumer, counted)
                        if counted != self._lag:
                            self._lag = counted
                            self._context.hints.give("outbox.messages", SUPERUSERS)
                if time.monotonic() > steady:
                    self._failures = 0
        finally:
            await Internals.discard_consumer(client)

    async def _take_turn(self, client: AIOKafkaConsumer, place: TopicPartition, records: list[ConsumerRecord]) -> None:
        end, next_one = time.monotonic() + TURN_SECONDS, records[0].offset
        for record in records:
            if time.monotonic() > end or self._context.draining.is_set() or not await self._settle(place, record):
                _seek(client, place, record.offset)
                break
            next_one = record.offset + 1
        if next_one > records[0].offset:
            await _commit(client, place, next_one)
        if place in self._failing:
            _pause(client, place)

    async def _settle(self, place: TopicPartition, record: ConsumerRecord) -> bool:
        """Process a message or make it a dead letter. Returns False if it must be retried later."""
        headers = {name: value.decode(errors="backslashreplace") for name, value in record.headers if value is not None}
        group = self._kafka.prefix + self._consumer.group
        with processing(record, self._consumer.topic, group, headers) as current:
            return await self._settle_traced(place, record, headers, current)

    async def _settle_traced(
        self, place: TopicPartition, record: ConsumerRecord, headers: dict[str, str], current: Span
    ) -> bool:
        before = self._failing.get(place)
        failing = before if before and before.offset == record.offset else Failing(record.offset)
        outcome, error = await self._attempt(record, headers, failing.slow)
        if error is not None:
            mark_failed(current, type(error).__name__)
            failing.attempts += 1
            failing.slow += isinstance(error, TooSlow)
            failing.failures += not _is_unavailable(error)
            if _is_unavailable(error) or not (isinstance(error, Problem) or failing.failures >= ATTEMPTS):
                self._postpone(place, record, failing, error)
                return False
            try:
                await self._dead_letter(record, failing.attempts, error)
            except (KafkaError, OSError, RuntimeError, Problem) as failure:  # the message is retried later
                _, remedy = await explained(self._kafka, failure, dead_topic_of(record.topic))
                self.outage.note(remedy)
                self._postpone(place, record, failing, failure, remedy)
                return False
            self.outage.note(None)
            outcome = "dead"
        self._failing.pop(place, None)
        consumed.add(1, {"topic": self._consumer.topic, "outcome": outcome})
        return True

    async def _attempt(
        self, record: ConsumerRecord, headers: dict[str, str], slow: int
    ) -> tuple[str, Exception | None]:
        limit = asyncio.timeout(min(HANDLE_SECONDS * (1 + slow), LONGEST_HANDLE_SECONDS))
        try:
            if size_of(record) > LARGEST:
                raise PAYLOAD_TOO_LARGE(f"The message is larger than {LARGEST} bytes.")
            async with limit:
                fresh = await self._consumer.handle(self._context, delivery_of(record, headers))
        except Exception as error:  # noqa: BLE001  # the caller decides between retry and dead letter
            return "failed", TooSlow() if limit.expired() else error
        return "done" if fresh else "duplicate", None

    def _postpone(
        self,
        place: TopicPartition,
        record: ConsumerRecord,
        failing: Failing,
        error: Exception,
        remedy: str | None = None,
    ) -> None:
        pause = back_off(failing.attempts)
        failing.until = time.monotonic() + pause
        self._failing[place] = failing
        consumed.add(1, {"topic": self._consumer.topic, "outcome": "failed"})
        fields = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        fields |= {"attempt": failing.attempts, "cause": type(error).__name__, "seconds": round(pause, 1)}
        fields |= {"remedy": remedy} if remedy else {}
        foreseen = isinstance(error, Problem | OSError | KafkaError | TooSlow)
        logger.warning("a message will be retried", exc_info=None if foreseen else error, extra={"fields": fields})

    async def _dead_letter(self, record: ConsumerRecord, attempts: int, error: Exception) -> None:
        reason = reason_of(error)
        fields = {"topic": record.topic, "partition": record.partition, "offset": record.offset, "reason": reason}
        foreseen = isinstance(error, Problem)
        logger.error("a message became a dead letter", exc_info=None if foreseen else error, extra={"fields": fields})
        await dead_letter(self._context, self._consumer, record, reason, attempts)

    def _resume(self, client: AIOKafkaConsumer) -> None:
        for place in client.paused():
            failing = self._failing.get(place)
            if failing is None or failing.until <= time.monotonic():
                client.resume(place)


def back_off(attempt: int) -> float:
    """Return the seconds before the next attempt, with jitter: about 0.5, 1, 2 … up to LONGEST_PAUSE."""
    return min(LONGEST_PAUSE, 0.25 * 2.0 ** min(attempt, 10)) * random.uniform(0.5, 1.0)  # noqa: S311  # jitter


def delivery_of(record: ConsumerRecord, headers: dict[str, str]) -> Delivery:
    """Convert a record. A message without an id is identified by topic, partition and offset, and by its timestamp in
    case the topic is recreated."""
    place = f"{record.topic}/{record.partition}/{record.offset}/{record.timestamp}"
    id = headers.get("ce_id")
    return Delivery(
        source=headers.get("ce_source", "") if id else "",
        id=id or place,
        type=headers.get("ce_type", ""),
        content_type=headers.get("content-type", ""),
        data=record.value or b"",
    )


def _is_unavailable(error: Exception) -> bool:
    """Return whether the error reports an unavailable dependency, not a fault of the message."""
    if isinstance(error, Problem):
        return error.status >= 500
    return isinstance(error, TooSlow | TimeoutError | ConnectionError)


async def _commit(client: AIOKafkaConsumer, place: TopicPartition, offset: int) -> None:
    try:
        async with asyncio.timeout(REQUEST_SECONDS):
            await client.commit({place: offset})
    except (
        CommitFailedError,
        IllegalStateError,
    ):  # reassigned; the inbox detects duplicates
        logger.info("partition reassigned", extra={"fields": {"topic": place.topic, "partition": place.partition}})


def _seek(client: AIOKafkaConsumer, place: TopicPartition, offset: int) -> None:
    if place in client.assignment():
        client.seek(place, offset)


def _pause(client: AIOKafkaConsumer, place: TopicPartition) -> None:
    if place in client.assignment():
        client.pause(place)
