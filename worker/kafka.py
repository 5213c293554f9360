"""The Kafka producer: the only file that imports aiokafka. Everything here has a timeout of its own, because
aiokafka's calls can wait for ever when the broker is gone; and after any error the producer is thrown away, because
one that failed may stay broken."""

import asyncio
import logging
import ssl
import tempfile
from collections.abc import Sequence
from datetime import UTC

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordTooLargeError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder
from opentelemetry.trace import SpanKind

from api.kernel.settings import Kafka, Settings
from api.kernel.telemetry import parent_from, relayed_events, span, traceparent
from worker.types import OutboxEvent

logger = logging.getLogger(__name__)

PUBLISH_SECONDS = 6.0
"""With STOP_SECONDS twice, less than the server lets a transaction be idle: the outbox rows are locked meanwhile."""
STOP_SECONDS = 0.5
BATCH_BYTES = 65536
"""A topic's max.message.bytes must not be less (1 MiB by default): Kafka refuses a batch as a whole."""
LARGEST = 1_000_000
"""Characters of an event's data; one that is larger than a batch is a batch of its own."""
# What is wrong with the record itself. A topic that is missing or forbidden is for an operator to mend, and waits.
_FINAL = (MessageSizeTooLargeError, RecordTooLargeError)
_NO_SPAN = "-0000000000000000-"
_FAILURES = (KafkaError, OSError, RuntimeError)  # RuntimeError: uvloop's, for a connection that is closed


class KafkaUnavailable(Exception):
    """Nothing, or not everything, was acknowledged: publish the same again."""


class Publisher:
    def __init__(self, settings: Settings) -> None:
        self._kafka = settings.kafka
        self._source = settings.public_url.encode()
        self._partition = DefaultPartitioner()
        self._producer: AIOKafkaProducer | None = None

    async def publish(self, events: Sequence[OutboxEvent]) -> dict[OutboxEvent, str]:
        """Publish in order and wait until Kafka has acknowledged all; the answer names those it will never take, and
        why. Raises KafkaUnavailable."""
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                return await self._publish(await self._started(), events)
        except Exception as error:
            await self.stop()
            if isinstance(error, _FAILURES):
                raise KafkaUnavailable(type(error).__name__) from None
            raise

    async def stop(self) -> None:
        """Let go of the producer at once, whatever it is doing."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        # producer.stop() waits until every batch is delivered, and an idempotent producer tries that for ever: let be,
        # it would publish whenever the broker is back, behind its successor. aiokafka has no public way to give up.
        producer._closed = True
        for part in (producer._sender, producer.client):
            closing = asyncio.create_task(part.close())
            await asyncio.wait((closing,), timeout=STOP_SECONDS)
            closing.cancel()
            # Whatever it says of its end, a cancellation included: it is thrown away as it is.
            await asyncio.gather(closing, return_exceptions=True)

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                bootstrap_servers=list(self._kafka.bootstrap_servers),
                client_id="rest-angular-relay",
                enable_idempotence=True,
                acks="all",
                max_batch_size=BATCH_BYTES,
                request_timeout_ms=5000,
                retry_backoff_ms=500,  # aiokafka logs every try
                **_security(self._kafka),
            )
            await self._producer.start()
            logger.info("kafka is connected")
        return self._producer

    async def _publish(self, producer: AIOKafkaProducer, events: Sequence[OutboxEvent]) -> dict[OutboxEvent, str]:
        refused = {event: MessageSizeTooLargeError.__name__ for event in events if len(event.data) > LARGEST}
        sent: list[tuple[list[OutboxEvent], asyncio.Future[object]]] = []
        places = await self._by_partition(producer, [event for event in events if event not in refused])
        for (topic, partition), waiting in places.items():
            while waiting:
                # Not producer.send(), which costs as much as all the rest. The producer numbers these batches as it
                # does its own, and sends those of one partition one after the other.
                batch = producer.create_batch()
                filled = self._fill(batch, waiting)
                sent.append((waiting[:filled], await producer.send_batch(batch, topic, partition=partition)))
                waiting = waiting[filled:]
        outcomes = await asyncio.gather(*(acknowledged for _, acknowledged in sent), return_exceptions=True)
        for (together, _), outcome in zip(sent, outcomes, strict=True):
            if isinstance(outcome, _FINAL):
                refused |= dict.fromkeys(together, type(outcome).__name__)
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                relayed_events.add(len(together), {"topic": together[0].topic})
        return refused

    async def _by_partition(
        self, producer: AIOKafkaProducer, events: Sequence[OutboxEvent]
    ) -> dict[tuple[str, int], list[OutboxEvent]]:
        """The events by topic and partition, each in their order; one key's are together, as by any Kafka client."""
        places: dict[tuple[str, int], list[OutboxEvent]] = {}
        topics = {topic: self._kafka.prefix + topic for topic in {event.topic for event in events}}
        partitions = {topic: sorted(await producer.partitions_for(name)) for topic, name in topics.items()}
        for event in events:
            numbers = partitions[event.topic]
            place = topics[event.topic], self._partition(_key(event), numbers, numbers)
            places.setdefault(place, []).append(event)
        return places

    def _fill(self, batch: BatchBuilder, events: Sequence[OutboxEvent]) -> int:
        """Append as many as there is room for; how many. The first one always has room, whatever its size."""
        for number, event in enumerate(events):
            key, value = _key(event), event.data.encode()
            if batch.append(timestamp=None, key=key, value=value, headers=self._headers(event)) is None:
                return number
        return len(events)

    def _headers(self, event: OutboxEvent) -> list[tuple[str, bytes]]:
        """CloudEvents 1.0, Kafka protocol binding, binary mode."""
        return [
            ("ce_specversion", b"1.0"),
            ("ce_id", str(event.id).encode()),
            ("ce_type", event.type.encode()),
            ("ce_source", self._source),
            ("ce_subject", _key(event)),
            ("ce_time", event.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()),
            ("content-type", b"application/json"),
            ("traceparent", _trace(event).encode()),
        ]


def _key(event: OutboxEvent) -> bytes:
    return str(event.key).encode()


def _trace(event: OutboxEvent) -> str:
    """The traceparent of a span for the record. A trace that is not sampled goes on as it came: most are not, and a
    span that nobody sees costs as much as the record."""
    if event.traceparent.endswith("-00") and _NO_SPAN not in event.traceparent:
        return event.traceparent
    with span(f"publish {event.topic}", SpanKind.PRODUCER, parent_from(event.traceparent)):
        return traceparent()


def _security(kafka: Kafka) -> dict[str, object]:
    """TLS as a PaaS gives it: its own authority, a client certificate, and brokers whose names are in no
    certificate. Raises ssl.SSLError for a certificate that is none."""
    if not kafka.tls:
        return {}
    context = ssl.create_default_context(cadata=kafka.trusted_cert)
    if kafka.trusted_cert:  # such an authority's certificate often lacks what Python asks of one since 3.13
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    # With a public authority, the name is all that tells the brokers from everybody else.
    context.check_hostname = kafka.trusted_cert is None
    if kafka.client_cert and kafka.client_cert_key:
        # The ssl module reads a chain from files alone; these are private to this user and gone after the block.
        with tempfile.NamedTemporaryFile("w") as certificate, tempfile.NamedTemporaryFile("w") as key:
            certificate.write(kafka.client_cert)
            key.write(kafka.client_cert_key)
            certificate.flush()
            key.flush()
            context.load_cert_chain(certificate.name, key.name)
    return {"security_protocol": "SSL", "ssl_context": context}
