"""`consume`: what the worker does when another service writes to a topic of ours. The handler's effect and the
message's row in the inbox are one transaction, so that a message which comes again, as Kafka's may, does nothing.
Messages are CloudEvents 1.0 in the Kafka binary binding."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from api.kernel.context import Context
from api.kernel.database import Database
from api.kernel.decoding import convert, decode_json
from api.kernel.errors import UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED, FieldError
from api.kernel.sql import query

Handler = Callable[[Context, Database, Any], Awaitable[None]]

_JSON = re.compile(r"application/([a-z0-9.-]+\+)?json\s*(;.*)?", re.IGNORECASE)


class Incoming(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """What another service asks for: `class CloseOrder(Incoming, tag="orders.close")`. The tag is the CloudEvent's
    `type`, and the first field a UUID or text that names the thing: its producers' Kafka key."""


class Delivery(msgspec.Struct, frozen=True):
    """A message as it arrived. `source` and `id` together name it (CloudEvents 1.0, 3.1); `type` and `content_type` are
    empty where it does not say."""

    source: str
    id: str
    type: str
    content_type: str
    data: bytes


@query
async def insert_inbox(db: Database, consumer: str, source: str, id: str) -> str | None: ...


class Consumer:
    """A topic, the messages that may be in it, and `(context, db, message)`, which acts on one inside the transaction
    `db`. It raises a Problem below 500 for what no second attempt would change: that message becomes a dead letter."""

    def __init__(self, topic: str, kinds: tuple[type[Incoming], ...], handler: Handler, group: str) -> None:
        self.topic = topic
        self.group = group
        self.kinds = {_tag(kind): kind for kind in kinds}
        self._handler = handler

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
        return convert(value, kind)


def consume(topic: str, kind: Any, handler: Handler, *, group: str | None = None) -> Consumer:
    """Let the worker act on the messages of a topic. `kind` is an Incoming or a union of several. `group` is the
    consumer group and names it in the inbox: renamed, it reads everything anew. Raises TypeError for a kind without a
    tag."""
    kinds = getattr(kind, "__args__", (kind,))
    return Consumer(topic, kinds, handler, group or f"rest-angular.{topic}")


def _tag(kind: type[Incoming]) -> str:
    tag = kind.__struct_config__.tag
    if not issubclass(kind, Incoming) or not isinstance(tag, str) or "." not in tag:
        raise TypeError(f'{kind.__name__} must be an Incoming with a tag like "orders.close".')
    return tag
