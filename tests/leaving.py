"""A client of the application in the test's process that disconnects from an event stream after it starts. httpx's ASGI
transport waits for the end of an answer, and such an answer has none. Streams are handed over, as by our server."""

from collections.abc import Awaitable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.kernel.live.clients import HAND_OVER, Owner


class Taken:
    """A connection whose client reads everything."""

    owner: Owner | None = None

    def __init__(self) -> None:
        self.written = b""

    def write(self, data: bytes) -> bool:
        self.written += data
        return True

    def finish(self, data: bytes) -> None:
        self.write(data)

    async def drained(self) -> None: ...


def unchunked(data: bytes) -> bytes:
    body = b""
    while data:
        size, _, rest = data.partition(b"\r\n")
        length = int(size, 16)
        body, data = body + rest[:length], rest[length + 2 :]
    return body


class Leaving:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken, rests = Taken(), list[Awaitable[None]]()

        async def sent(message: Message) -> None:
            if message["type"] == HAND_OVER:
                rests.append(message["take"](taken))
            else:
                await send(message)

        await self.app(scope, receive, sent)
        for rest in rests:
            await rest
            if taken.owner is not None:
                taken.owner.lost()
            await send({"type": "http.response.body", "body": unchunked(taken.written)})
