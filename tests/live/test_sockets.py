"""C-299: WebSockets: authorization, messages, and the end of a socket."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.identity.auth import ACCESS_SECONDS, LEEWAY_SECONDS, Tokens
from tests.live.conftest import MODULE, client_of, comment, left, sign_in, sign_out
from tests.wire import Web, serving

SECONDS = 20.0
ORIGIN = "http://localhost:8000"


def opening(web: Web, path: str, token: str | None = None, **options: Any) -> connect:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    options.setdefault("additional_headers", headers)
    return connect(f"ws://127.0.0.1:{web.port}/api{path}", proxy=None, **options)


async def receive(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(SECONDS):
        message: dict[str, Any] = json.loads(await socket.recv())
        return message


async def begun(socket: ClientConnection) -> str:
    """Return the position at which it starts."""
    message = await receive(socket)
    assert message["event"] == "begin"
    return str(message["id"])


async def ask(socket: ClientConnection, message: Any) -> dict[str, Any]:
    """Return the reply to a message, skipping events before it."""
    await socket.send(message if isinstance(message, str | bytes) else json.dumps(message))
    while (reply := await receive(socket))["event"] not in ("reply", "problem"):
        pass
    return reply


async def code(socket: ClientConnection) -> int:
    """Return the code of the close frame."""
    async with asyncio.timeout(SECONDS):
        await socket.wait_closed()
    assert socket.close_code is not None
    return socket.close_code


async def refusal(web: Web, path: str, token: str | None = None, **options: Any) -> tuple[int, str]:
    """Return the HTTP answer to a refused handshake."""
    with pytest.raises(InvalidStatus) as refused:
        async with opening(web, path, token, **options):
            pass
    response = refused.value.response
    return response.status_code, json.loads(response.body or b"{}")["code"]


@pytest.fixture
async def token(newsroom: Web, archive: Context) -> str:
    return await sign_in(newsroom, archive)


async def test_events_are_sent_and_messages_answered(newsroom: Web, archive: Context, token: str) -> None:
    id = uuid7()
    async with opening(newsroom, f"/news/{id}/socket", token) as socket:
        await begun(socket)
        await comment(archive, id, 1)
        event = await receive(socket)
        assert (event["event"], event["data"]["number"]) == ("news.commented", 1)
        await socket.send(json.dumps({"number": 2, "text": "Ü"}))
        both = [await receive(socket), await receive(socket)]
        reply, mine = sorted(both, key=lambda message: message["event"] != "reply")
        assert reply["data"] == {"number": 2, "text": "Ü"}
        assert (mine["event"], mine["data"]["number"]) == ("news.commented", 2)
        await socket.close()
        assert socket.close_code == 1000
    async with opening(newsroom, f"/news/{id}/socket?after={event['id']}", token) as again:
        await begun(again)
        assert (await receive(again))["data"]["number"] == 2


async def test_a_message_is_validated_like_a_body(newsroom: Web, token: str) -> None:
    async with opening(newsroom, f"/news/{uuid7()}/socket", token) as socket:
        await begun(socket)
        for sent, expected in (
            ("{", "MALFORMED_JSON"),
            ('{"number":1,"number":2}', "MALFORMED_JSON"),
            ("[]", "VALIDATION_FAILED"),
            ({"number": "1"}, "VALIDATION_FAILED"),
            ({"number": 1, "more": 1}, "VALIDATION_FAILED"),
            ({"number": 1, "text": "\x00"}, "VALIDATION_FAILED"),
            ({"number": 1, "text": "ink"}, "OUT_OF_INK"),
            ({"number": 1, "text": "bug"}, "INTERNAL_ERROR"),
        ):
            reply = await ask(socket, sent)
            assert (reply["event"], reply["data"]["code"]) == ("problem", expected), sent
        assert (await ask(socket, {"number": 1}))["event"] == "reply"


async def test_a_handshake_needs_a_valid_token(newsroom: Web, token: str) -> None:
    """With an HTTP answer, before the connection becomes a socket."""
    path = f"/news/{uuid7()}/socket"
    assert await refusal(newsroom, path) == (401, "UNAUTHORIZED")
    assert await refusal(newsroom, path, "nothing") == (401, "TOKEN_INVALID")
    assert await refusal(newsroom, f"{path}?access_token={token}") == (401, "UNAUTHORIZED")
    assert await refusal(newsroom, "/news/nothing/socket", token) == (404, "NOT_FOUND")
    async with client_of(newsroom) as client:
        answer = await client.get(path, headers={"authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
    async with opening(newsroom, path, token) as socket:
        await begun(socket)
    # The only way for a browser to send a token.
    async with opening(newsroom, path, subprotocols=["bearer", token], origin=ORIGIN) as socket:
        assert socket.subprotocol == "bearer"
        await begun(socket)
    assert await refusal(newsroom, path, subprotocols=["bearer", "nothing"]) == (401, "TOKEN_INVALID")
    assert token not in newsroom.logged()


async def test_a_page_of_another_site_cannot_connect(newsroom: Web, token: str) -> None:
    """Cross-site WebSocket hijacking: browsers send cookies with a handshake, and no preflight."""
    path = f"/news/{uuid7()}/socket"
    cookie = {"cookie": f"__Host-access={token}"}
    for origin in ("https://evil.example", "null", "http://localhost:8000.evil.example", None):
        assert await refusal(newsroom, path, additional_headers=cookie, origin=origin) == (403, "ORIGIN_NOT_ALLOWED")
    assert await refusal(newsroom, path, token, origin="https://evil.example") == (403, "ORIGIN_NOT_ALLOWED")
    for origin in (ORIGIN, "http://localhost:4200"):
        async with opening(newsroom, path, additional_headers=cookie, origin=origin) as socket:
            await begun(socket)


@pytest.mark.parametrize(
    ("message", "expected"),
    [(b"binary", 1003), ("x" * 70_000, 1009), (["x" * 40_000, "x" * 40_000], 1009)],
    ids=["binary", "large", "large in parts"],
)
async def test_frames_that_end_a_socket(newsroom: Web, token: str, message: Any, expected: int) -> None:
    async with opening(newsroom, f"/news/{uuid7()}/socket", token) as socket:
        await begun(socket)
        await socket.send(message)
        assert await code(socket) == expected


async def test_a_socket_without_messages(newsroom: Web) -> None:
    async with opening(newsroom, "/news/knock") as socket:
        await begun(socket)
        await socket.send("x")
        assert await code(socket) == 1003


async def test_messages_are_limited(newsroom_environment: dict[str, str], archive: Context, tmp_path: Path) -> None:
    """C-296: each message over the limit is refused; ten consecutive refusals close the socket."""
    limits = {"RATE_LIMIT_CREDENTIALS": "1", "RATE_LIMIT_ANONYMOUS": "off"}
    with serving(newsroom_environment | limits, tmp_path, MODULE) as web:
        token = await sign_in(web, archive)
        async with opening(web, f"/news/{uuid7()}/limited", token) as socket:
            await begun(socket)
            replies = [await ask(socket, {"number": number}) for number in range(5)]
            assert [reply["event"] for reply in replies] == ["reply"] * 3 + ["problem"] * 2
            assert replies[-1]["data"]["code"] == "RATE_LIMITED"
            for _ in range(8):
                await socket.send('{"number":9}')
            assert await code(socket) == 1008


async def test_a_socket_ends_with_its_session_and_its_token(newsroom: Web, archive: Context, token: str) -> None:
    """C-295."""
    claims = archive.tokens.verify(token)
    late = Tokens(archive.settings, lambda: time.time() - ACCESS_SECONDS - LEEWAY_SECONDS + 5)
    old = late.issue(sub=claims.sub, sid=claims.sid, jti=claims.sid, email=claims.email, name=None, roles=())
    async with opening(newsroom, f"/news/{uuid7()}/socket", old) as socket:
        assert await code(socket) == 4401
    async with opening(newsroom, f"/news/{uuid7()}/socket", token) as socket:
        await begun(socket)
        await sign_out(newsroom, token)
        assert await code(socket) == 4401


async def test_a_stopping_process_closes_its_sockets(
    newsroom_environment: dict[str, str], archive: Context, tmp_path: Path
) -> None:
    """C-297."""
    with serving(newsroom_environment, tmp_path, MODULE) as web:
        token = await sign_in(web, archive)
        async with opening(web, f"/news/{uuid7()}/socket", token) as one, opening(web, "/news/knock") as two:
            await begun(one)
            await begun(two)
            ending = asyncio.create_task(asyncio.to_thread(web.stop))
            assert [await code(each) for each in (one, two)] == [1012, 1012]
            assert await ending == 0
        assert "Traceback" not in web.logged()


async def test_a_client_that_does_not_answer_pings_is_closed(newsroom: Web) -> None:
    """C-294."""
    reader, writer = await asyncio.open_connection("127.0.0.1", newsroom.port)
    writer.write(handshake("/news/knock"))
    async with asyncio.timeout(SECONDS):
        assert b" 101 " in await reader.readline()
        rest = await reader.read()
    assert b"\x88" in rest
    assert (4408).to_bytes(2) + b"silent" in rest
    writer.close()


def handshake(path: str) -> bytes:
    return (
        f"GET /api{path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


async def test_a_socket_that_does_not_read_delays_no_other(
    newsroom_environment: dict[str, str], archive: Context, tmp_path: Path
) -> None:
    """C-298: F-28."""
    id: UUID = uuid7()
    short = newsroom_environment | {"SLOW_SECONDS": "5", "WRITE_SECONDS": "5"}
    with serving(short, tmp_path, MODULE) as web:
        token = await sign_in(web, archive)
        path = f"/news/{id}/socket"
        async with opening(web, path, token) as reader, opening(web, path, token, max_queue=1) as deaf:
            await begun(reader)
            many = 200
            writing = asyncio.create_task(comment(archive, id, *range(many), text="x" * 50_000))
            assert [(await receive(reader))["data"]["number"] for _ in range(many)] == list(range(many))
            await writing
            await left(web, 1)
            numbers = []
            try:
                await begun(deaf)
                while True:
                    numbers.append((await receive(deaf))["data"]["number"])
            except ConnectionClosed:
                pass
            assert numbers == list(range(len(numbers)))
            assert len(numbers) < many
        assert web.stop() == 0
