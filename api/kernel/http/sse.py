"""Server-sent events (HTML Living Standard §9.2) of a handler's Feed. The request's task only waits for the client to
disconnect; api/kernel/live/hub.py writes."""

import random
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from starlette.types import Message, Receive, Scope

from api.kernel.context import Context, origin
from api.kernel.errors import RIGHTS_CHANGED, UNAUTHORIZED, Problem
from api.kernel.http.callers import Caller
from api.kernel.identity.auth import LEEWAY_SECONDS, Principal
from api.kernel.identity.limits import network_of
from api.kernel.live.clients import Client, Form, Send
from api.kernel.live.feeds import Feed, Item, encode
from api.kernel.live.hub import Live

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
]


class Lines:
    """Events as lines of text. `bye`, `changed` and `resync` are events of the kernel. A heartbeat is a comment
    with the position in an event without data, which clients remember and do not dispatch."""

    def item(self, item: Item) -> Message:
        return _part(item.lines)

    def beat(self, id: str) -> Message:
        return _part(b":\nid: %s\n\n" % id.encode())

    def resync(self, id: str, reason: str) -> Message:
        return _part(b"id: %s\nevent: resync\ndata: %s\n\n" % (id.encode(), encode({"reason": reason})))

    def hint(self, name: str) -> Message:
        return _part(b"event: changed\ndata: %s\n\n" % encode({"name": name}))

    def end(self, reason: str) -> Message:
        wait = TOO_MANY_MILLISECONDS if reason == "too_many" else _retry()
        return _part(b"retry: %d\nevent: bye\ndata: %s\n\n" % (wait, encode({"reason": reason})), more=False)


LINES = Lines()


async def stream(
    context: Context,
    feed: Feed[Any],
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    caller: Caller,
    check: Callable[[], Awaitable[Principal | None]],
    last: str | None,
    headers: Iterable[tuple[bytes, bytes]],
) -> None:
    """Send the feed's events until the client disconnects or is ended. Raises TOO_MANY_STREAMS and UNAVAILABLE before
    the response starts."""
    scope["lasts"] = True
    client = client_of(caller, feed, send, LINES, check)
    with place_of(context.live, client, caller):
        async with context.live.following(context, client):
            lost = await context.live.resume(client, last)
            await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS, *headers]})
            if scope["method"] == "HEAD":
                return await send(_part(b"", more=False))
            await send(_part(b"retry: %d\nid: %s\n\n" % (_retry(), client.id.encode())))
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
    caller: Caller,
    feed: Feed[Any] | None,
    send: Send,
    form: Form,
    check: Callable[[], Awaitable[Principal | None]],
) -> Client:
    """A client of the hub. `check` returns the caller's principal, and raises a Problem if the caller may no longer
    follow. A principal with fewer rights, or one that has become a superuser, raises RIGHTS_CHANGED: the handler then
    decides again what the caller follows."""
    before = caller.principal
    if before is None or caller.claims is None:
        return Client(feed, send, form)

    async def check_rights() -> None:
        now = await check()
        if now and (now.is_superuser != before.is_superuser or not set(now.roles).issuperset(before.roles)):
            raise RIGHTS_CHANGED

    ids, until = (before.id, before.sid), caller.claims.exp + LEEWAY_SECONDS
    return Client(feed, send, form, ids=ids, until=until, check=check_rights)


def place_of(live: Live, client: Client, caller: Caller) -> Any:
    """Count a client for the caller, or for the address if the caller is not known."""
    return live.places.of(client, caller.known, network_of(origin.get().address))


def refuse_token(scope: Scope) -> None:
    """Raises UNAUTHORIZED if the query contains a token, even beside a valid one: addresses are logged by proxies and
    kept in histories (RFC 9700 §4.3.2)."""
    if TOKEN.search(scope["query_string"]):
        raise UNAUTHORIZED("A token in the query is refused; send it in the Authorization header.")


def _retry() -> int:
    return random.randint(*RETRY_MILLISECONDS)  # noqa: S311  # not a secret


def _part(body: bytes, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
