"""WebSockets whose caller may be identified after the handshake: by the first message, `{"type": "auth", "token": …}`.
In browsers, scripts can neither set headers of a handshake nor read the response to a refused one, so that refusals are
close codes here."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec
from starlette.types import Scope, Send
from websockets.frames import CloseCode

from api.kernel.context import Context
from api.kernel.errors import RATE_LIMITED, TOO_MANY_STREAMS, UNAVAILABLE, Problem
from api.kernel.http.cookies import ACCESS, Cookies
from api.kernel.http.frames import CODES, FORM, Socket
from api.kernel.http.sockets import Admission, Conversation, Handshake, accept, enter, greet
from api.kernel.identity.limits import network_of
from api.kernel.input.conversion import convert
from api.kernel.input.decoding import decode_json
from api.kernel.live.clients import Client
from api.kernel.telemetry import span

logger = logging.getLogger(__name__)
FIRST_SECONDS = 5.0
"""Time limit for the first message."""
SIGNED_OUT = CODES["signed_out"]


class Auth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first message of a client without a token in the handshake."""

    type: Literal["auth"]
    token: str


async def serve_admitting(
    context: Context,
    scope: Scope,
    send: Send,
    admit: Callable[[], Awaitable[Admission]],
    *,
    handshake: Handshake,
    headers: dict[bytes, bytes],
) -> None:
    """Accept the handshake. After the request, identify the caller and serve the connection until either side ends it.
    `admit` identifies the caller by `headers`, to which the token of the first message is added. Raises
    TOO_MANY_STREAMS and UNAVAILABLE before the handshake is accepted."""
    if context.draining.is_set():
        raise UNAVAILABLE
    socket, guest = Socket(handshake.protocol), Client(None, FORM)
    context.live.places.take(guest, None, network_of(scope["client"][0] if scope.get("client") else None))
    opening = Opening(context, scope, socket, guest, headers, admit)
    try:
        await accept(send, handshake.headers, socket, opening.run)
    finally:
        if socket.tunnel is None:
            opening.leave()


class Opening:
    """A connection until its caller is admitted, and its conversation afterwards."""

    def __init__(
        self,
        context: Context,
        scope: Scope,
        socket: Socket,
        guest: Client,
        headers: dict[bytes, bytes],
        admit: Callable[[], Awaitable[Admission]],
    ) -> None:
        self._context, self._scope, self._socket = context, scope, socket
        self._guest: Client | None = guest
        """Counts for its network until the caller is admitted."""
        self._headers, self._admit = headers, admit
        self._conversation: Conversation | None = None
        self._is_over = False

    async def run(self) -> None:
        timer = None
        try:
            if b"authorization" in self._headers or Cookies(self._headers).get(ACCESS):
                await self.open()
            else:
                timer = asyncio.create_task(self.expire())
            await self._socket.messages(self.silent, self.take)
        finally:
            if timer is not None:
                timer.cancel()
            self.leave()
            if self._conversation is not None:
                self._conversation.client.lost()
            self._socket.tunnel.close()

    def leave(self) -> None:
        """Count for the network no longer."""
        if self._guest is not None:
            self._context.live.places.give(self._guest)
            self._guest = None

    async def expire(self) -> None:
        """Close the connection if there is no first message in time."""
        await asyncio.sleep(FIRST_SECONDS)
        if self._conversation is None:
            await self._close(SIGNED_OUT, "auth")

    def silent(self) -> None:
        if self._conversation is not None:
            self._conversation.silent()

    async def take(self, message: bytes) -> None:
        """Take the first message, or one of the conversation."""
        if self._conversation is not None:
            return await self._conversation.take(message)
        if self._is_over:
            return
        try:
            token = convert(decode_json(message), Auth).token
            self._headers[b"authorization"] = f"Bearer {token}".encode("latin-1")
        except (Problem, UnicodeEncodeError):
            return await self._close(SIGNED_OUT, "auth")
        await self.open()

    async def open(self) -> None:
        """Admit the caller and start the feed, or close the connection with the code of the refusal."""
        try:
            with span("admit"):
                admission = await self._admit()
                self.leave()
                client, lost = await enter(self._context, self._scope, self._socket, admission)
        except Problem as refusal:
            return await self._close(*_code_of(refusal))
        except Exception:
            logger.exception("unhandled exception")
            return await self._close(CloseCode.INTERNAL_ERROR, "error")
        self._conversation = Conversation(self._scope["path"], self._socket, client, admission.answer)
        # What is left of the request would stay in memory as long as the connection.
        del self._admit, self._headers, self._scope
        await greet(self._socket, client, lost)

    async def _close(self, code: int, reason: str) -> None:
        self._is_over = True
        await self._socket.send(("close", code, reason))


def _code_of(refusal: Problem) -> tuple[int, str]:
    match refusal:
        case RATE_LIMITED() | TOO_MANY_STREAMS():
            return CODES["too_many"], "too_many"
        case UNAVAILABLE():
            return CODES["unavailable"], "unavailable"
        case Problem(status=401 | 403):
            return SIGNED_OUT, "signed_out"
        case _:
            return CloseCode.INTERNAL_ERROR, "error"
