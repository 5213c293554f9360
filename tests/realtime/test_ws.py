"""WebSocket /ws: the same events, and a caller that is identified by its first message."""

import contextlib
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from api.kernel.live.places import PER_SESSION
from tests.live.test_sockets import ORIGIN, ask, begun, code, receive, refusal
from tests.realtime.conftest import Person
from tests.wire import Web


def opening(web: Web, path: str = "/ws", **options: Any) -> connect:
    return connect(f"ws://127.0.0.1:{web.port}/api{path}", proxy=None, **options)


async def authenticate(socket: ClientConnection, token: str) -> str:
    """Send the first message, and return the position."""
    await socket.send(json.dumps({"type": "auth", "token": token}))
    return await begun(socket)


async def test_the_first_message_is_the_token(newsroom: Web, ada: Person) -> None:
    """C-414: the socket has the events of the stream, and resumes like it."""
    async with opening(newsroom, origin=ORIGIN) as socket:
        await authenticate(socket, ada.token)
        await ada.ask("PATCH", "/users/me", json={"name": "Ada"})
        while (event := await receive(socket))["event"] != "users.updated":
            pass
        assert event["data"]["scope"] == "own"
        assert await ask(socket, {"type": "ping"}) == {"event": "reply", "data": {"type": "pong"}}
        assert (await ask(socket, {"type": "auth", "token": ada.token}))["event"] == "problem"
    await ada.ask("PATCH", "/users/me", json={"name": "Ada Lovelace"})
    async with opening(newsroom, f"/ws?after={event['id']}") as again:  # nothing before the position
        await authenticate(again, ada.token)
        assert (await receive(again))["event"] == "users.updated"
        await ada.ask("POST", "/auth/jwt/logout")
        assert await code(again) == 4401


async def test_cookies_and_headers_need_no_first_message(newsroom: Web, ada: Person) -> None:
    cookie = {"cookie": f"__Host-access={ada.token}"}
    async with opening(newsroom, additional_headers=cookie, origin=ORIGIN) as socket:
        await begun(socket)
    async with opening(newsroom, additional_headers={"authorization": f"Bearer {ada.token}"}) as socket:
        await begun(socket)
    for origin in ("https://evil.example", None):
        assert await refusal(newsroom, "/ws", additional_headers=cookie, origin=origin) == (403, "ORIGIN_NOT_ALLOWED")


@pytest.mark.parametrize(
    "first",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"type":"auth"}',
        '{"type":"auth","token":1}',
        '{"type":"auth","token":"nothing"}',
        '{"type":"auth","token":"\\ud800"}',
        '{"type":"auth","token":"\\u0000"}',
        '{"type":"auth","token":"ü€"}',
        '{"type":"ping"}',
        json.dumps({"type": "auth", "token": "x" * 60_000}),
    ],
)
async def test_another_first_message_ends_the_socket(newsroom: Web, ada: Person, first: str) -> None:
    """C-414: even if the token follows."""
    async with opening(newsroom) as socket:
        await socket.send(first)
        with contextlib.suppress(Exception):
            await socket.send(json.dumps({"type": "auth", "token": ada.token}))
        assert await code(socket) == 4401


async def test_a_socket_without_a_first_message_ends(newsroom: Web) -> None:
    """C-414: within five seconds, while the client answers pings."""
    async with opening(newsroom) as socket:
        assert await code(socket) == 4401
        assert socket.close_reason == "auth"


async def test_refused_tokens_end_the_socket(newsroom: Web, ada: Person) -> None:
    await ada.ask("POST", "/auth/jwt/logout")
    async with opening(newsroom) as socket:
        await socket.send(json.dumps({"type": "auth", "token": ada.token}))
        assert await code(socket) == 4401
    async with opening(newsroom, additional_headers={"cookie": f"__Host-access={ada.token}"}, origin=ORIGIN) as socket:
        assert await code(socket) == 4401
    assert await refusal(newsroom, f"/ws?token={ada.token}") == (401, "UNAUTHORIZED")


async def test_the_oldest_socket_makes_room(newsroom: Web, ada: Person) -> None:
    """C-296."""
    async with contextlib.AsyncExitStack() as stack:
        sockets = []
        for _ in range(PER_SESSION + 1):
            sockets.append(await stack.enter_async_context(opening(newsroom)))
            await authenticate(sockets[-1], ada.token)
        assert await code(sockets[0]) == 4429
        assert (await ask(sockets[1], {"type": "ping"}))["event"] == "reply"
