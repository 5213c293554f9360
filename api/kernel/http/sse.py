"""Server-sent events (HTML Living Standard §9.2) of a handler's Feed. The request only begins the stream;
api/kernel/live/hub.py writes."""

import random
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from starlette.types import Scope, Send

from api.kernel.context import Context, origin
from api.kernel.errors import RIGHTS_CHANGED, UNAUTHORIZED
from api.kernel.http.callers import Caller
from api.kernel.identity.auth import LEEWAY_SECONDS, Principal
from api.kernel.identity.limits import network_of
from api.kernel.live.clients import HAND_OVER, Client, Form
from api.kernel.live.feeds import Feed, Item, chunk_of, encode

EVENT_STREAM = "text/event-stream"
RETRY_MILLISECONDS = 2000, 8000
"""Range over which clients spread their reconnections, for when all of them lose a process at once."""
TOO_MANY_MILLISECONDS = 300_000
"""When a client comes back that was ended in favour of newer ones of its caller, which it would end in turn."""
TOKEN = re.compile(rb"(?:^|&)(?:access_token|token|authorization|bearer|jwt)=", re.IGNORECASE)
_HEADERS = [
    (b"content-type", EVENT_STREAM.encode()),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),  # disables buffering in nginx
    (b"connection", b"close"),
]


class Lines:
    """Events as lines of text. `bye` and `resync` are events of the kernel. A heartbeat is a comment with the position
    in an event without data, which clients remember and do not dispatch."""

    def begin(self, id: str) -> bytes:
        return self._framed(b"retry: %d\nid: %s\n\n" % (_retry(), id.encode()))

    def item(self, item: Item) -> bytes:
        return item.lines

    def beat(self, id: str) -> bytes:
        return self._framed(b":\nid: %s\n\n" % id.encode())

    def resync(self, id: str, reason: str) -> bytes:
        return self._framed(b"id: %s\nevent: resync\ndata: %s\n\n" % (id.encode(), encode({"reason": reason})))

    def end(self, reason: str) -> bytes:
        wait = TOO_MANY_MILLISECONDS if reason == "too_many" else _retry()
        return self._framed(b"retry: %d\nevent: bye\ndata: %s\n\n" % (wait, encode({"reason": reason})))

    def _framed(self, lines: bytes) -> bytes:
        return lines


class Chunks(Lines):
    """The same as chunks of HTTP/1.1, whose last one shows that the stream is complete."""

    def item(self, item: Item) -> bytes:
        return item.chunk

    def end(self, reason: str) -> bytes:
        return super().end(reason) + b"0\r\n\r\n"

    def _framed(self, lines: bytes) -> bytes:
        return chunk_of(lines)


LINES, CHUNKS = Lines(), Chunks()


async def stream(
    context: Context,
    feed: Feed[Any],
    scope: Scope,
    send: Send,
    *,
    caller: Caller,
    check: Callable[[], Awaitable[Principal | None]],
    last: str | None,
    headers: Iterable[tuple[bytes, bytes]],
) -> None:
    """Begin to send the feed's events. Afterwards the request has ended: the client is the hub's, until it disconnects
    or is ended. Raises TOO_MANY_STREAMS, UNAVAILABLE and the refusal of the caller before the response starts."""
    form = LINES if scope["http_version"] == "1.0" else CHUNKS
    client = client_of(caller, feed, form, check)
    await join(context, client, caller)
    try:
        lost = await context.live.resume(client, last)
        await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS, *headers]})
        if scope["method"] == "HEAD":
            return await send({"type": "http.response.body"})

        def take(connection: Any) -> Awaitable[None]:
            connection.owner = client
            client.connection = connection
            connection.write(form.begin(client.id))
            if context.draining.is_set():
                client.end("restart")
            return client.begin(lost)

        await send({"type": HAND_OVER, "take": take})
    finally:
        if client.connection is None:
            client.lost()


def client_of(
    caller: Caller,
    feed: Feed[Any] | None,
    form: Form,
    check: Callable[[], Awaitable[Principal | None]],
) -> Client:
    """A client of the hub. `check` returns the caller's principal, and raises a Problem if the caller may no longer
    follow. A principal with fewer rights, or one that has become a superuser, raises RIGHTS_CHANGED: the handler then
    decides again what the caller follows."""
    before = caller.principal
    if before is None or caller.claims is None:
        return Client(feed, form)

    async def check_rights() -> None:
        now = await check()
        if now and (now.is_superuser != before.is_superuser or not set(now.roles).issuperset(before.roles)):
            raise RIGHTS_CHANGED

    ids, until = (before.id, before.sid), caller.claims.exp + LEEWAY_SECONDS
    return Client(feed, form, ids=ids, until=until, check=check_rights)


async def join(context: Context, client: Client, caller: Caller) -> None:
    """Add a client to the hub, counted for its caller, or for the address if the caller is not known."""
    await context.live.join(context, client, caller.known, network_of(origin.get().address))


def refuse_token(scope: Scope) -> None:
    """Raises UNAUTHORIZED if the query contains a token, even beside a valid one: addresses are logged by proxies and
    kept in histories (RFC 9700 §4.3.2)."""
    if TOKEN.search(scope["query_string"]):
        raise UNAUTHORIZED("A token in the query is refused; send it in the Authorization header.")


def _retry() -> int:
    return random.randint(*RETRY_MILLISECONDS)  # noqa: S311  # not a secret
