"""WebSockets. The handshake is a GET through the whole pipeline and is refused by an HTTP response. Afterwards the
socket sends a Feed's events, and answers each message of the client. frames.py has the frames and close codes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from starlette.types import Receive, Scope, Send
from websockets.datastructures import Headers
from websockets.frames import CloseCode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from api.kernel.context import Context
from api.kernel.errors import (
    INTERNAL_ERROR,
    MALFORMED_REQUEST,
    RATE_LIMITED,
    UNAVAILABLE,
    UPGRADE_REQUIRED,
    Problem,
    document_of,
    trace_id,
)
from api.kernel.http.callers import Caller
from api.kernel.http.cookies import ORIGIN_NOT_ALLOWED, refuse_foreign
from api.kernel.http.frames import FORM, Socket, new_protocol
from api.kernel.http.messages import Answer
from api.kernel.http.sse import begin, client_of, place_of
from api.kernel.input.forms import parse_urlencoded
from api.kernel.live.clients import Client
from api.kernel.live.feeds import Feed, encode
from api.kernel.settings import Settings
from api.kernel.telemetry import span

logger = logging.getLogger(__name__)
OFFER = "websocket.offer"
BEARER = "bearer"
REFUSED_IN_A_ROW = 10
"""Consecutive messages over the limit that end the connection."""


class Handshake(msgspec.Struct, frozen=True):
    """A valid handshake and the headers that accept it."""

    protocol: ServerProtocol
    headers: list[tuple[bytes, bytes]]


def offered(settings: Settings, scope: Scope, headers: dict[bytes, bytes]) -> Handshake:
    """Validate the handshake of a request. Browsers cannot set headers: a token in the subprotocol (`bearer, TOKEN`) is
    used as the Authorization header. Raises UPGRADE_REQUIRED, MALFORMED_REQUEST, ORIGIN_NOT_ALLOWED."""
    sent: list[tuple[bytes, bytes]] | None = scope.get("extensions", {}).get(OFFER)
    if sent is None:
        raise UPGRADE_REQUIRED(headers={"upgrade": "websocket"})
    fields = Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in sent])
    refuse_foreign(settings, headers)
    if b"origin" not in headers and b"cookie" in headers and b"authorization" not in headers:
        raise ORIGIN_NOT_ALLOWED  # browsers always send Origin; without it, cookies prove nothing
    named = [part.strip() for part in headers.get(b"sec-websocket-protocol", b"").decode("latin-1").split(",")]
    by_token = named[0] == BEARER and len(named) == 2
    if by_token and b"authorization" not in headers:
        headers[b"authorization"] = f"Bearer {named[1]}".encode("latin-1")
    subprotocols: Any = [BEARER] if by_token else None
    protocol = new_protocol(subprotocols)
    response = protocol.accept(Request(scope["path"], fields))
    if response.status_code != 101:
        raise MALFORMED_REQUEST("The WebSocket handshake is invalid; see RFC 6455 §4.1 and use version 13.")
    names = ("Upgrade", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol")
    return Handshake(
        protocol,
        [(name.lower().encode(), response.headers[name].encode()) for name in names if name in response.headers],
    )


async def serve(
    context: Context,
    feed: Feed[Any] | None,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    handshake: Handshake,
    caller: Caller,
    check: Callable[[], Awaitable[object]],
    headers: list[tuple[bytes, bytes]],
    answer: Answer | None,
) -> None:
    """Accept the handshake and serve the connection until either side ends it. `answer` is None if the socket receives
    nothing. Raises TOO_MANY_STREAMS and UNAVAILABLE before the handshake is accepted."""
    if context.draining.is_set():
        raise UNAVAILABLE
    scope["lasts"] = True
    last = next((value for name, value in parse_urlencoded(scope["query_string"]) if name == "after"), None)
    socket = Socket(handshake.protocol, receive, send)
    client = client_of(caller, feed, socket.send, FORM, check)
    conversation = Conversation(scope["path"], socket, client, answer)
    with place_of(context.live, caller):
        async with context.live.following(context, client):
            lost = await context.live.resume(client, last)
            await send({"type": "http.response.start", "status": 101, "headers": [*handshake.headers, *headers]})
            await socket.send(("text", encode({"id": str(client.at), "event": "begin", "data": None})))
            begun = asyncio.create_task(begin(context, client, lost))
            try:
                await socket.messages(lambda: client.end("silent"), conversation.take)
            finally:
                begun.cancel()
                await asyncio.gather(begun, return_exceptions=True)


class Conversation:
    """The client's messages and their replies."""

    def __init__(self, path: str, socket: Socket, client: Client, answer: Answer | None) -> None:
        self._path, self._socket, self._client, self._answer = path, socket, client, answer
        self._refused = 0

    async def take(self, message: bytes) -> None:
        if self._answer is None:
            return await self._socket.fail(CloseCode.UNSUPPORTED_DATA, "nothing is received here")
        with span("message"):
            reply = await self._reply(self._answer, message)
        await self._socket.send(("text", encode(reply)))
        if self._refused >= REFUSED_IN_A_ROW:
            self._client.end("too_fast")

    async def _reply(self, answer: Answer, message: bytes) -> Mapping[str, Any]:
        try:
            data = await answer(message)
        except Problem as problem:
            refusal = problem
        except Exception:
            logger.exception("unhandled exception")
            refusal = INTERNAL_ERROR()
        else:
            self._refused = 0
            return {"event": "reply", "data": data}
        self._refused = self._refused + 1 if isinstance(refusal, RATE_LIMITED) else 0
        return {"event": "problem", "data": document_of(refusal, self._path, trace_id())}
