"""C-317: calls of services that are slow, silent, endless, or have a wrong certificate, and of none."""

import asyncio
import gzip
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.kernel import HttpError
from api.kernel.client import HttpClient
from api.kernel.settings import Settings
from tests.authority import LOOPBACK, Authority, server_context
from tests.kernel.http_server import Answer, says, serving

CANARY = "canary-in-a-call"


@pytest.fixture
async def http(settings: Settings) -> AsyncIterator[HttpClient]:
    async with HttpClient(settings) as opened:
        yield opened


async def silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def trickling(writer: asyncio.StreamWriter) -> None:
    """Sends a little at a time, without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1\r\nx\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("answer", [silent, trickling])
async def test_a_call_ends_for_every_behaviour_of_the_server(http: HttpClient, answer: Answer) -> None:
    async with serving(says()) as ready:
        await http.get(ready.url)  # the transport is open
    async with serving(answer) as server:
        with pytest.raises(HttpError, match=r"localhost: no whole answer within 0\.3 s"):
            async with asyncio.timeout(20):
                await http.get(server.url, seconds=0.3)


async def closes(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
    await writer.drain()
    writer.close()


async def gibberish(writer: asyncio.StreamWriter) -> None:
    writer.write(f"{CANARY}\r\n\r\n".encode())


@pytest.mark.parametrize("answer", [closes, gibberish])
async def test_a_truncated_answer_is_an_error(http: HttpClient, answer: Answer) -> None:
    async with serving(answer) as server:
        with pytest.raises(HttpError, match="RemoteProtocolError"):
            await http.get(server.url)


async def flooding(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
        await writer.drain()


@pytest.mark.parametrize("answer", [flooding, says(body=bytes(100_001))])
async def test_an_answer_is_read_up_to_its_limit(http: HttpClient, answer: Answer) -> None:
    async with serving(answer) as server:
        with pytest.raises(HttpError, match="has more than 100000 bytes"):
            await http.get(server.url, most_bytes=100_000)
        async with asyncio.timeout(10):
            await server.left.wait()
    async with serving(says(body=bytes(100_000))) as server:
        assert len((await http.get(server.url, most_bytes=100_000)).body) == 100_000


async def test_a_compressed_answer_is_not_decompressed(http: HttpClient) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    async with serving(says("200 OK", bomb, "content-encoding: gzip")) as server:
        with pytest.raises(HttpError, match="compressed"):
            await http.get(server.url)


AUTHORITY = Authority()


async def test_certificates_are_verified(
    settings: Settings, http: HttpClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the machine's authorities, or those in SSL_CERT_FILE."""
    own = tmp_path / "ca.pem"
    own.write_text(AUTHORITY.pem)
    async with serving(says(), server_context(tmp_path, AUTHORITY.sign("service", LOOPBACK))) as server:
        with pytest.raises(HttpError, match="CERTIFICATE_VERIFY_FAILED"):
            await http.get(server.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(own))
        async with HttpClient(settings) as trusting:
            assert (await trusting.get(server.url)).status == 200


def test_a_process_without_calls_does_not_load_the_client() -> None:
    """C-317: the library is imported by the first call."""
    code = "import sys, api.app, worker.main; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


QUIET = """
import asyncio, os, sys
from api.kernel import telemetry
from api.kernel.client import HttpClient
from api.kernel.settings import load

async def main():
    settings = load()
    telemetry.set_up(settings, "worker")
    async with HttpClient(settings) as http:
        await http.get(sys.argv[1], headers={"authorization": "canary-in-a-call"})

asyncio.run(main())
"""


async def test_no_library_logs_requests_or_answers(environment: dict[str, str]) -> None:
    """At LOG_LEVEL=DEBUG httpcore logs the fields of each answer."""
    async with serving(says("200 OK", CANARY.encode(), f"set-cookie: {CANARY}")) as server:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            QUIET,
            f"{server.url}/{CANARY}",
            env={**os.environ, **environment, "LOG_LEVEL": "DEBUG"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    assert (process.returncode, len(server.requests)) == (0, 1), output
    assert CANARY.encode() not in output
