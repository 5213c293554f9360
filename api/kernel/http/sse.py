"""Server-sent events (HTML Living Standard §9.2) of a handler's Feed. The request's task only waits for the client to
disconnect; api/kernel/live/hub.py writes."""

import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from starlette.types import Message, Receive, Scope

from api.kernel.context import Context, origin
from api.kernel.errors import Problem
from api.kernel.http.callers import Caller
from api.kernel.identity.auth import LEEWAY_SECONDS
from api.kernel.identity.limits import network_of
from api.kernel.live.clients import Client, Form, Send
from api.kernel.live.feeds import Feed, Item, encode
from api.kernel.live.hub import PER_CALLER, PER_NETWORK, Live

EVENT_STREAM = "text/event-stream"
RETRY_MILLISECONDS = 3000
RESTART_MILLISECONDS = 2000, 8000
"""Range over which clients of a stopping process spread their reconnections."""
_HEADERS = [
    (b"content-type", EVENT_STREAM.encode()),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),  # disables buffering in nginx
]


class Lines:
    """Events as lines of text. `end` and `resync` are events of the kernel. A heartbeat is a comment with the position
    in an event without data, which clients remember and do not dispatch."""

    def item(self, item: Item) -> Message:
        return _part(item.lines)

    def beat(self, at: int) -> Message:
        return _part(b":\nid: %d\n\n" % at)

    def resync(self, at: int, reason: str) -> Message:
        return _part(b"id: %d\nevent: resync\ndata: %s\n\n" % (at, encode({"reason": reason})))

    def end(self, reason: str) -> Message:
        wait = random.randint(*RESTART_MILLISECONDS) if reason == "restart" else RETRY_MILLISECONDS  # noqa: S311
        return _part(b"retry: %d\nevent: end\ndata: %s\n\n" % (wait, encode({"reason": reason})), more=False)


LINES = Lines()


async def stream(
    context: Context,
    feed: Feed[Any],
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    caller: Caller,
    check: Callable[[], Awaitable[object]],
    last: str | None,
    headers: Iterable[tuple[bytes, bytes]],
) -> None:
    """Send the feed's events until the client disconnects or is ended. Raises TOO_MANY_STREAMS and UNAVAILABLE before
    the response starts."""
    scope["lasts"] = True
    client = client_of(caller, feed, send, LINES, check)
    with place_of(context.live, caller):
        async with context.live.following(context, client):
            lost = await context.live.resume(client, last)
            await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS, *headers]})
            if scope["method"] == "HEAD":
                return await send(_part(b"", more=False))
            await send(_part(b"retry: %d\nid: %d\n\n" % (RETRY_MILLISECONDS, client.at)))
            if context.draining.is_set():
                client.end("restart")
            await begin(context, client, lost)
            while (await receive())["type"] != "http.disconnect":
                pass


async def begin(context: Context, client: Client, lost: str | None) -> None:
    """Send missed events; afterwards the hub writes events as they happen."""
    try:
        if lost is not None and not client.ends():
            await client.resync(client.at, lost)
        await context.live.catch_up(context, client)
    except Problem:
        client.end("unavailable")
    await client.finish()


def client_of(
    caller: Caller, feed: Feed[Any] | None, send: Send, form: Form, check: Callable[[], Awaitable[object]]
) -> Client:
    """A client of the hub; `check` raises a Problem if the caller may no longer follow."""
    if caller.principal is None or caller.claims is None:
        return Client(feed, send, form)
    ids, until = (caller.principal.id, caller.principal.sid), caller.claims.exp + LEEWAY_SECONDS
    return Client(feed, send, form, ids=ids, until=until, check=check)


def place_of(live: Live, caller: Caller) -> Any:
    """Count a client for the caller, or for the address if the caller is not known."""
    if caller.known is not None:
        return live.place(str(caller.known), PER_CALLER)
    return live.place(network_of(origin.get().address), PER_NETWORK)


def _part(body: bytes, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
