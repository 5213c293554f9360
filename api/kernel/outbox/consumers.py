"""`consume`: handlers for messages that other services publish. The handler's effect and the message's row in the inbox
are one transaction, so that a redelivered message has no further effect. Messages are CloudEvents 1.0 in the Kafka
binary binding."""

import contextlib
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from api.kernel.context import Context
from api.kernel.data.cache import Cache, CacheUnavailable
from api.kernel.data.database import Transaction
from api.kernel.data.sql import query
from api.kernel.errors import UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED, FieldError
from api.kernel.input.conversion import convert
from api.kernel.input.decoding import decode_json

logger = logging.getLogger(__name__)
Handler = Callable[[Context, Transaction, Any], Awaitable[None]]

_JSON = re.compile(r"application/([a-z0-9.-]+\+)?json\s*(;.*)?", re.IGNORECASE)
_LAG_KEY = "consumers:lag"
FRESH_SECONDS = 60.0
"""Workers count every ten seconds; an older count means that no worker reads the topic."""
KNOWN_SECONDS = 86_400
"""How long a topic that no worker reads is reported."""
_MOST_NAMES = 100
_MOST_COUNTS = 10_000


class Incoming(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Base of messages from other services: `class CloseOrder(Incoming, tag="orders.close")`. The tag is the
    CloudEvent's `type`. The first field is a UUID or text that identifies the subject, and is the producer's Kafka key.
    Unknown fields are ignored, so that an older release can read messages of a newer one."""


class Delivery(msgspec.Struct, frozen=True):
    """A received message. `source` and `id` together identify it (CloudEvents 1.0, 3.1); `type` and `content_type` are
    empty if they are missing."""

    source: str
    id: str
    type: str
    content_type: str
    data: bytes


@query
async def insert_inbox(db: Transaction, consumer: str, source: str, id: str) -> str | None: ...


class Consumer:
    """A topic, its message types, and the handler `(context, db, message)`, which runs inside the transaction `db`. The
    handler raises a Problem below 500 for errors that a retry cannot fix; the message then becomes a dead letter."""

    def __init__(self, topic: str, kinds: tuple[type[Incoming], ...], handler: Handler, group: str) -> None:
        self.topic = topic
        self.group = group
        self.kinds = {_tag(kind): kind for kind in kinds}
        self._handler = handler
        self._unknown: set[str] = set()

    async def handle(self, context: Context, delivery: Delivery) -> bool:
        """Process the message; returns False if it was processed before. Raises Problem: permanent if below 500,
        otherwise temporary."""
        message = self._decode(delivery)
        async with context.db.transaction() as db:
            if await insert_inbox(db, self.group, delivery.source, delivery.id) is None:
                return False
            await self._handler(context, db, message)
        return True

    def _decode(self, delivery: Delivery) -> Incoming:
        if delivery.content_type and not _JSON.fullmatch(delivery.content_type):
            raise UNSUPPORTED_MEDIA_TYPE("The content type must be application/json.")
        value = decode_json(delivery.data)
        if not isinstance(value, dict):
            raise VALIDATION_FAILED("The data must be a JSON object.")
        named = value.pop("type", delivery.type)  # CloudEvents have it in a header, our own events in both
        if delivery.type not in ("", named):
            raise VALIDATION_FAILED("ce_type and the type in the data must be equal.")
        kind = self.kinds.get(named) if isinstance(named, str) else None
        if kind is None:
            known = ", ".join(self.kinds)
            error = FieldError("/type", f"Unknown type; use one of: {known}.", "choice", {"choices": known})
            raise VALIDATION_FAILED(errors=[error])
        message: Incoming = convert(value, kind)
        self._warn_unknown({f"{named}.{name}" for name in value.keys() - {*kind.__struct_encode_fields__}})
        return message

    def _warn_unknown(self, names: set[str]) -> None:
        """Warn once for each field: it may belong to a newer release, or be a misspelled name."""
        if names - self._unknown and len(self._unknown) < _MOST_NAMES:
            fields = {"topic": self.topic, "names": " ".join(sorted(names - self._unknown))[:200]}
            logger.warning("a message has unknown fields", extra={"fields": fields})
            self._unknown |= names


def consume(topic: str, kind: Any, handler: Handler, *, group: str | None = None) -> Consumer:
    """Register a handler for the messages of a topic. `kind` is an Incoming or a union of several. `group` is the
    consumer group, which also identifies the consumer in the inbox: renaming it reads all messages again. Raises
    TypeError for a kind without a tag."""
    kinds = getattr(kind, "__args__", (kind,))
    return Consumer(topic, kinds, handler, group or f"rest-angular.{topic}")


class ConsumerLag(msgspec.Struct, frozen=True):
    """Number of unprocessed messages of a topic for a consumer group; null if not all partitions were counted within
    the last minute, so that probably no worker reads them."""

    topic: str
    group: str
    messages: int | None


class _Count(msgspec.Struct, frozen=True, array_like=True):
    """Count of one partition. One without `messages` only marks that a worker wants to read the topic."""

    topic: str
    group: str
    messages: int | None
    at: float


async def report_lag(cache: Cache, consumer: Consumer, counted: Mapping[int, int]) -> None:
    """Store the lag of each partition in Redis, for the web process, which has no Kafka client."""
    values: list[str | bytes] = []
    for partition, messages in ((None, None), *counted.items()):
        count = _Count(consumer.topic, consumer.group, messages, time.time())
        values += [f"{consumer.topic} {consumer.group} {partition}", msgspec.json.encode(count)]
    with contextlib.suppress(CacheUnavailable):
        await cache.execute("HSET", _LAG_KEY, *values)
        await cache.execute("EXPIRE", _LAG_KEY, KNOWN_SECONDS)


async def read_lag(cache: Cache) -> list[ConsumerLag]:
    """Return the lag stored by the workers, by topic and group. Raises CacheUnavailable."""
    now, found = time.time(), dict[tuple[str, str], list[int | None]]()
    for count in await cache.read_hash(_LAG_KEY, _Count, _MOST_COUNTS):
        if now - count.at < KNOWN_SECONDS:
            counts = found.setdefault((count.topic, count.group), [])
            if count.messages is not None:
                counts.append(count.messages if now - count.at < FRESH_SECONDS else None)
    return [ConsumerLag(*place, _sum(counts)) for place, counts in sorted(found.items())]


def _sum(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _tag(kind: type[Incoming]) -> str:
    tag = kind.__struct_config__.tag
    if not issubclass(kind, Incoming) or not isinstance(tag, str) or "." not in tag:
        raise TypeError(f'{kind.__name__}: define it as an Incoming with a tag such as "orders.close".')
    return tag
