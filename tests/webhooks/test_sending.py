"""C-395: an endpoint cannot hold or fill a worker: the time and the size of its response are limited."""

import asyncio
import contextlib
import functools
import gzip
import socket
import ssl
from pathlib import Path

import pytest

from api.webhooks import sending
from api.webhooks.addresses import networks
from api.webhooks.sending import MOST_BYTES, MOST_FIELDS, Answer, Sender
from tests.authority import Authority, server_context
from tests.kernel.http_server import HttpServer, says, serving
from tests.webhooks.conftest import LOOPBACK


def fixed(writer: asyncio.StreamWriter) -> None:
    """Fix the size of the connection's send buffer, which the kernel otherwise enlarges up to the tests' limits."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)


def sender() -> Sender:
    return Sender(networks(LOOPBACK), "tests")


async def post(server: HttpServer) -> Answer:
    with contextlib.closing(sender()) as opened:
        return await opened.post(f"{server.url}/hooks", {}, b"{}")


async def test_an_endless_response_is_read_up_to_the_limit(receiver: HttpServer) -> None:
    written = 0

    async def answer(writer: asyncio.StreamWriter) -> None:
        nonlocal written
        fixed(writer)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(16_384 * b"a")
            await writer.drain()
            written += 16_384

    receiver.answer = answer
    found = await post(receiver)
    assert (found.delivered, found.made.response) == (True, 1024 * "a")
    async with asyncio.timeout(60):
        await receiver.left.wait()
    assert written < 64 * MOST_BYTES, "what the sockets' buffers hold"


NUMBERS = [b"-5", b"+5", b"0x5", b"5_0", b"", 200 * b"f"]


@pytest.mark.parametrize("size", NUMBERS, ids=repr)
async def test_the_size_of_a_chunk_cannot_lift_the_limit(receiver: HttpServer, size: bytes) -> None:
    """C-465: a negative size once meant: read until the end."""
    written = 0

    async def answer(writer: asyncio.StreamWriter) -> None:
        nonlocal written
        fixed(writer)
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + size + b"\r\n")
        for _ in range(4096):
            writer.write(16_384 * b"a")
            await writer.drain()
            written += 16_384

    receiver.answer = answer
    found = await post(receiver)
    assert (found.delivered, found.made.response) == (True, "")
    async with asyncio.timeout(60):
        await receiver.left.wait()
    assert written < 64 * MOST_BYTES, "what the sockets' buffers hold"


@pytest.mark.parametrize("part", ["nothing", "head", "body"])
async def test_a_response_that_does_not_end_is_given_up(
    receiver: HttpServer, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(sending, "TOTAL_SECONDS", 3.0)
    parts = {"nothing": b"", "head": b"HTTP/1.1 200 OK\r\nx: ", "body": b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"}

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(parts[part])
        while True:
            writer.write(b"a" if part != "nothing" else b"")
            await writer.drain()
            await asyncio.sleep(0.5)  # slower than any limit of a single read

    receiver.answer = answer
    found = await post(receiver)
    if part == "body":
        assert (found.delivered, found.made.error) == (True, None), "the status decides"
    else:
        assert (found.made.status, found.made.error) == (None, "no response within 3 s")


HEADS = {
    "many fields": (b"HTTP/1.1 200 OK\r\n" + (MOST_FIELDS + 1) * b"a: b\r\n" + b"\r\n", "header fields"),
    "a long head": (b"HTTP/1.1 200 OK\r\na: " + 3 * MOST_BYTES * b"b" + b"\r\n\r\n", "too long"),
    "another protocol": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not HTTP"),
    "no status": (b"HTTP/1.1 OK\r\n\r\n", "not HTTP"),
    "a status of four digits": (b"HTTP/1.1 2000 OK\r\n\r\n", "not HTTP"),
    "a status below 100": (b"HTTP/1.1 099 OK\r\n\r\n", "not HTTP"),
    "only interim responses": (50 * b"HTTP/1.1 103 Early Hints\r\n\r\n", "final status"),
}


@pytest.mark.parametrize("head", HEADS)
async def test_a_malformed_response_is_a_failure(receiver: HttpServer, head: str) -> None:
    text, said = HEADS[head]

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(text)

    receiver.answer = answer
    found = await post(receiver)
    assert not found.delivered
    assert said in str(found.made.error)


async def test_a_redirect_is_a_failure_and_is_not_followed(receiver: HttpServer) -> None:
    async with serving(says()) as inside:
        receiver.answer = says("302 Found", b"", f"location: {inside.url}/")
        found = await post(receiver)
        assert (found.delivered, found.made.status, found.made.error) == (False, 302, "redirects are not followed")
        assert inside.connections == 0


async def test_a_compressed_response_is_not_expanded(receiver: HttpServer) -> None:
    receiver.answer = says("200 OK", gzip.compress(10_000_000 * b"a"), "content-encoding: gzip")
    found = await post(receiver)
    assert found.delivered
    assert len(found.made.response) <= 1024
    assert "\x00" not in found.made.response


async def test_chunks_and_interim_responses_are_read(receiver: HttpServer) -> None:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        writer.write(b"5\r\nthank\r\n4;a=b\r\n you\r\n0\r\n\r\n")

    receiver.answer = answer
    found = await post(receiver)
    assert (found.made.status, found.made.response) == (200, "thank you")


async def test_nothing_listens(receiver: HttpServer) -> None:
    found = await sender().post("http://127.0.0.1:1/", {}, b"{}")
    assert (found.made.status, found.made.error) == (None, "the connection failed or was closed")


async def test_the_times_of_an_attempt(receiver: HttpServer) -> None:
    made = (await post(receiver)).made
    assert made.tls_ms is None
    assert None not in (made.resolve_ms, made.connect_ms, made.first_byte_ms)
    assert made.total_ms > 0


AUTHORITY = Authority()


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The authority of these tests is one of the machine's."""
    own = tmp_path / "authority.pem"
    own.write_text(AUTHORITY.pem)
    monkeypatch.setattr(sending, "_tls", functools.partial(ssl.create_default_context, cafile=str(own)))


@pytest.mark.parametrize(("name", "delivered"), [("localhost", True), ("other.example.com", False)])
@pytest.mark.usefixtures("trusted")
async def test_the_certificate_is_that_of_the_name(tmp_path: Path, name: str, delivered: bool) -> None:
    async with serving(
        says("200 OK", b"thanks"), server_context(tmp_path, AUTHORITY.sign("endpoint", [name]))
    ) as server:
        found = await post(server)
    assert found.delivered is delivered
    if delivered:
        assert (found.made.response, found.made.tls_ms is None) == ("thanks", False)
    else:
        assert "certificate is not valid" in str(found.made.error)
        assert server.requests == []


async def test_a_certificate_of_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    tls = server_context(tmp_path, AUTHORITY.sign("endpoint", ["localhost"]))
    async with serving(says(), tls) as server:
        found = await post(server)
    assert (found.delivered, server.requests) == (False, [])
    assert "certificate is not valid" in str(found.made.error)
