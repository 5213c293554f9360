"""A client of the application in the test's process that disconnects from an event stream after it starts. httpx's ASGI
transport waits for the end of an answer, and such an answer has none."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.kernel.http.sse import EVENT_STREAM


class Leaving:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        left = False

        async def received() -> Message:
            return {"type": "http.disconnect"} if left else await receive()

        async def sent(message: Message) -> None:
            nonlocal left
            if message["type"] == "http.response.start":
                left = (b"content-type", EVENT_STREAM.encode()) in message["headers"]
            await send(message)

        await self.app(scope, received, sent)
        if left:
            await send({"type": "http.response.body"})
