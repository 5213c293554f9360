"""WebSockets. The handshake is a GET through the whole pipeline and is refused by an HTTP response. Afterwards the
socket sends a Feed's events, and answers each message of the client. frames.py has the frames and close codes."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from starlette.types import Scope, Send
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
from api.kernel.http.sse import client_of, join
from api.kernel.identity.auth import Principal
from api.kernel.input.forms import parse_urlencoded
from api.kernel.live.clients import HAND_OVER, Client
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


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """An admitted caller and what its socket does. `answer` is None if the socket receives nothing."""

    feed: Feed[Any] | None
    caller: Caller
    check: Callable[[], Awaitable[Principal | None]]
    answer: Answer | None


async def serve(
    context: Context,
    scope: Scope,
    send: Send,
    admission: Admission,
    *,
    handshake: Handshake,
    headers: list[tuple[bytes, bytes]],
) -> None:
    """Accept the handshake. The connection is served after the request, until either side ends it. Raises
    TOO_MANY_STREAMS and UNAVAILABLE before the handshake is accepted."""
    if context.draining.is_set():
        raise UNAVAILABLE
    socket = Socket(handshake.protocol)
    client, lost = await enter(context, scope, socket, admission)
    try:
        conversation = Conversation(scope["path"], socket, client, admission.answer)
        await accept(send, [*handshake.headers, *headers], socket, lambda: _converse(conversation, lost))
    finally:
        if socket.tunnel is None:
            client.lost()


async def accept(
    send: Send, headers: list[tuple[bytes, bytes]], socket: Socket, rest: Callable[[], Awaitable[None]]
) -> None:
    """Accept the handshake, unless the client has disconnected; the server runs `rest` after the request."""

    def take(tunnel: Any) -> Awaitable[None]:
        socket.tunnel = tunnel
        return rest()

    await send({"type": "http.response.start", "status": 101, "headers": headers})
    await send({"type": HAND_OVER, "take": take})


async def enter(context: Context, scope: Scope, socket: Socket, admission: Admission) -> tuple[Client, str | None]:
    """Register a client until `Client.lost`. Returns it, and the reason if it cannot resume. Raises TOO_MANY_STREAMS,
    UNAVAILABLE and the refusal of the caller."""
    last = next((value for name, value in parse_urlencoded(scope["query_string"]) if name == "after"), None)
    client = client_of(admission.caller, admission.feed, FORM, admission.check)
    await join(context, client, admission.caller)
    client.connection = socket
    try:
        return client, await context.live.resume(client, last)
    except BaseException:
        client.lost()
        raise


async def greet(socket: Socket, client: Client, lost: str | None) -> None:
    """Send `begin` and, in a task that ends with the client, missed events."""
    await socket.send(("text", encode({"id": client.id, "event": "begin", "data": None})))
    client.begin_soon(lost)


async def _converse(conversation: "Conversation", lost: str | None) -> None:
    socket, client = conversation.socket, conversation.client
    try:
        await greet(socket, client, lost)
        await socket.messages(conversation.silent, conversation.take)
    finally:
        client.lost()
        socket.tunnel.close()


class Conversation:
    """The client's messages and their replies."""

    def __init__(self, path: str, socket: Socket, client: Client, answer: Answer | None) -> None:
        self.socket, self.client = socket, client
        self._path, self._answer = path, answer
        self._refused = 0

    def silent(self) -> None:
        self.client.end("silent")

    async def take(self, message: bytes) -> None:
        if self._answer is None:
            return await self.socket.fail(CloseCode.UNSUPPORTED_DATA, "nothing is received here")
        with span("message"):
            reply = await self._reply(self._answer, message)
        await self.socket.send(("text", encode(reply)))
        if self._refused >= REFUSED_IN_A_ROW:
            self.client.end("too_fast")

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
