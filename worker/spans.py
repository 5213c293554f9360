"""Spans of messages, following OpenTelemetry's semantic conventions for Kafka. Message keys are omitted, because many
identify people."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from opentelemetry.trace import Span, SpanKind

from api.kernel.telemetry import parent_from, span, tracer
from worker.types import OutboxEvent

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord

ID_SHOWN = 100
"""Maximum length of a message id in a span, because the sender chooses it."""
_NO_SPAN = "-0000000000000000-"


def sending(event: OutboxEvent, topic: str) -> Span | None:
    """Start a span for a record; the caller ends it when Kafka has answered. Returns None if the trace is not sampled,
    because creating a span costs as much as the record."""
    if not int(event.traceparent[-2:], 16) & 1 and _NO_SPAN not in event.traceparent:
        return None
    attributes = {**_operation("send", topic), "messaging.message.id": str(event.id)}
    return tracer.start_span(f"send {event.topic}", parent_from(event.traceparent), SpanKind.PRODUCER, attributes)


def processing(
    record: "ConsumerRecord", name: str, group: str, headers: Mapping[str, str]
) -> AbstractContextManager[Span]:
    """Return a span around the processing of a message of the topic `name`."""
    attributes = {
        **_operation("process", record.topic),
        "messaging.destination.partition.id": str(record.partition),
        "messaging.consumer.group.name": group,
        "messaging.kafka.offset": record.offset,
    }
    if "ce_id" in headers:
        attributes["messaging.message.id"] = headers["ce_id"][:ID_SHOWN]
    return span(f"process {name}", SpanKind.CONSUMER, parent_from(headers.get("traceparent")), attributes)


def _operation(name: str, topic: str) -> dict[str, str | int]:
    return {
        "messaging.system": "kafka",
        "messaging.operation.type": name,
        "messaging.operation.name": name,
        "messaging.destination.name": topic,
    }
