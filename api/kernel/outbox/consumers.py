"""`consume`: what the worker does when another service writes to a topic of ours. The handler's effect and the
message's row in the inbox are one transaction, so that a message which comes again, as Kafka's may, does nothing.
Messages are CloudEvents 1.0 in the Kafka binary binding."""

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
"""The worker counts every ten; what is older says that nobody reads."""
KNOWN_SECONDS = 86_400
"""A topic that nobody reads is told of for so long."""
_MOST_NAMES = 100
_MOST_COUNTS = 10_000


class Incoming(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What another service asks for: `class CloseOrder(Incoming, tag="orders.close")`. The tag is the CloudEvent's
    `type`, and the first field a UUID or text that names the thing: its producers' Kafka key. Fields that it does not
    have are let be: releases overlap, and the older one must read what is meant for the newer."""


class Delivery(msgspec.Struct, frozen=True):
    """A message as it arrived. `source` and `id` together name it (CloudEvents 1.0, 3.1); `type` and `content_type` are
    empty where it does not say."""

    source: str
    id: str
    type: str
    content_type: str
    data: bytes


@query
async def insert_inbox(db: Transaction, consumer: str, source: str, id: str) -> str | None: ...


class Consumer:
    """A topic, the messages that may be in it, and `(context, db, message)`, which acts on one inside the transaction
    `db`. It raises a Problem below 500 for what no second attempt would change: that message becomes a dead letter."""

    def __init__(self, topic: str, kinds: tuple[type[Incoming], ...], handler: Handler, group: str) -> None:
        self.topic = topic
        self.group = group
        self.kinds = {_tag(kind): kind for kind in kinds}
        self._handler = handler
        self._unknown: set[str] = set()

    async def handle(self, context: Context, delivery: Delivery) -> bool:
        """Act on the message; False where that was done before. Raises Problem: below 500 for good, otherwise for
        now."""
        message = self._decode(delivery)
        async with context.db.transaction() as db:
            if await insert_inbox(db, self.group, delivery.source, delivery.id) is None:
                return False
            await self._handler(context, db, message)
        return True

    def _decode(self, delivery: Delivery) -> Incoming:
        if delivery.content_type and not _JSON.fullmatch(delivery.content_type):
            raise UNSUPPORTED_MEDIA_TYPE("The content-type must be application/json.")
        value = decode_json(delivery.data)
        if not isinstance(value, dict):
            raise VALIDATION_FAILED("The data must be a JSON object.")
        named = value.pop("type", delivery.type)  # a CloudEvent says it in a header; our own events in both
        if delivery.type not in ("", named):
            raise VALIDATION_FAILED("ce_type and the data's type are not the same.")
        kind = self.kinds.get(named) if isinstance(named, str) else None
        if kind is None:
            told = ", ".join(self.kinds)
            raise VALIDATION_FAILED(errors=[FieldError("/type", f"Nothing here understands it; known: {told}.")])
        message: Incoming = convert(value, kind)
        self._tell_unknown({f"{named}.{name}" for name in value.keys() - {*kind.__struct_encode_fields__}})
        return message

    def _tell_unknown(self, names: set[str]) -> None:
        """Once each: it may be a field to come, or a mistake in the name of one that may be missing."""
        if names - self._unknown and len(self._unknown) < _MOST_NAMES:
            fields = {"topic": self.topic, "names": " ".join(sorted(names - self._unknown))[:200]}
            logger.warning("a message has fields that nothing here knows", extra={"fields": fields})
            self._unknown |= names


def consume(topic: str, kind: Any, handler: Handler, *, group: str | None = None) -> Consumer:
    """Let the worker act on the messages of a topic. `kind` is an Incoming or a union of several. `group` is the
    consumer group and names it in the inbox: renamed, it reads everything anew. Raises TypeError for a kind without a
    tag."""
    kinds = getattr(kind, "__args__", (kind,))
    return Consumer(topic, kinds, handler, group or f"rest-angular.{topic}")


class ConsumerLag(msgspec.Struct, frozen=True):
    """How many messages of a topic wait for a consumer group. None says that nobody has counted them all within the
    last minute, which whoever reads them would have."""

    topic: str
    group: str
    messages: int | None


class _Count(msgspec.Struct, frozen=True, array_like=True):
    """Of one partition; one without `messages` only says that somebody wants to read the topic."""

    topic: str
    group: str
    messages: int | None
    at: float


async def tell_lag(cache: Cache, consumer: Consumer, counted: Mapping[int, int]) -> None:
    """Leave in Redis how many messages of each partition wait: a hint, for the process that has no Kafka client."""
    told: list[str | bytes] = []
    for partition, messages in ((None, None), *counted.items()):
        count = _Count(consumer.topic, consumer.group, messages, time.time())
        told += [f"{consumer.topic} {consumer.group} {partition}", msgspec.json.encode(count)]
    with contextlib.suppress(CacheUnavailable):
        await cache.execute("HSET", _LAG_KEY, *told)
        await cache.execute("EXPIRE", _LAG_KEY, KNOWN_SECONDS)


async def read_lag(cache: Cache) -> list[ConsumerLag]:
    """What the workers have left there, by topic and group. Raises CacheUnavailable."""
    now, found = time.time(), dict[tuple[str, str], list[int | None]]()
    for count in await _read_counts(cache):
        if now - count.at < KNOWN_SECONDS:
            counts = found.setdefault((count.topic, count.group), [])
            if count.messages is not None:
                counts.append(count.messages if now - count.at < FRESH_SECONDS else None)
    return [ConsumerLag(*place, _sum(counts)) for place, counts in sorted(found.items())]


async def _read_counts(cache: Cache) -> list[_Count]:
    """None where one of them cannot be read: the workers write all of them again within seconds."""
    if await cache.execute("HLEN", _LAG_KEY) > _MOST_COUNTS:
        await cache.discard(_LAG_KEY, "it has too many fields")
        return []
    try:
        return [msgspec.json.decode(kept, type=_Count) for kept in await cache.execute("HVALS", _LAG_KEY)]
    except (msgspec.DecodeError, RecursionError):
        await cache.discard(_LAG_KEY, "it cannot be decoded")
        return []


def _sum(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _tag(kind: type[Incoming]) -> str:
    tag = kind.__struct_config__.tag
    if not issubclass(kind, Incoming) or not isinstance(tag, str) or "." not in tag:
        raise TypeError(f'{kind.__name__} must be an Incoming with a tag like "orders.close".')
    return tag
