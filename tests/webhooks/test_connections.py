"""C-421: connections are kept between deliveries, for one URL, and never in a state in which the next response could be
another's."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence

import pytest

from api.webhooks import connections
from api.webhooks.addresses import networks
from api.webhooks.sending import MOST_BYTES, Sender
from tests.kernel.http_server import Answer, HttpServer, says
from tests.patient import SECONDS
from tests.webhooks.conftest import LOOPBACK


class Counted:
    """Resolves each name to loopback, and counts."""

    def __init__(self) -> None:
        self.times = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.times += 1
        return ["127.0.0.1"]


@pytest.fixture
def resolve() -> Counted:
    return Counted()


@pytest.fixture
def sender(resolve: Counted) -> Iterator[Sender]:
    with contextlib.closing(Sender(networks(LOOPBACK), "tests", resolve)) as opened:
        yield opened


async def test_a_connection_serves_the_deliveries_of_one_url(
    sender: Sender, receiver: HttpServer, resolve: Counted
) -> None:
    made = [(await sender.post(f"{receiver.url}/a", {}, b"{}")).made for _ in range(3)]
    assert (receiver.connections, len(receiver.requests), resolve.times) == (1, 3, 1)
    assert [each.connect_ms is None for each in made] == [False, True, True]
    assert None not in [each.first_byte_ms for each in made]
    await sender.post(f"{receiver.url}/b", {}, b"{}")
    assert receiver.connections == 2


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"
LONG = 2 * MOST_BYTES * b"a"
ENDS = {
    "more than the response": (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 500 No\r\n\r\n", 2),
    "a body that was cut": (
        b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (2 * MOST_BYTES) + 2 * MOST_BYTES * b"a",
        2,
    ),
    "an announced end": (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nConnection: Close\r\n\r\n", 2),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", 2),
    "trailers": (CHUNKED + b"x: y\r\n\r\n", 2),
    "chunks": (CHUNKED + b"\r\n", 1),
    "no body": (b"HTTP/1.1 204 No Content\r\n\r\n", 1),
}


@pytest.mark.parametrize("end", ENDS)
async def test_a_response_with_an_unclear_end_ends_its_connection(
    sender: Sender, receiver: HttpServer, end: str
) -> None:
    text, expected = ENDS[end]

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(text)

    receiver.answer = answer
    first = await sender.post(receiver.url, {}, b"{}")
    receiver.answer = says()
    second = await sender.post(receiver.url, {}, b"{}")
    assert (first.made.error, second.made.status, receiver.connections) == (None, 200, expected)


async def test_a_body_without_an_end_does_not_occupy_a_place(
    sender: Sender, receiver: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.webhooks.sending.BODY_SECONDS", 0.2)

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nthanks")

    receiver.answer = answer
    async with asyncio.timeout(10):  # TOTAL_SECONDS is 15
        found = await sender.post(receiver.url, {}, b"{}")
    assert (found.delivered, found.made.response) == (True, "thanks")


def closing_after(answer: Answer) -> Answer:
    """Answer the first request of a connection, and close it instead of answering the next."""
    seen: set[asyncio.StreamWriter] = set()

    async def closing(writer: asyncio.StreamWriter) -> None:
        if writer in seen:
            writer.close()
            return
        seen.add(writer)
        await answer(writer)

    return closing


async def test_a_connection_that_ends_costs_no_attempt(sender: Sender, receiver: HttpServer) -> None:
    receiver.answer = closing_after(says("200 OK", b"thanks"))
    found = [await sender.post(receiver.url, {"webhook-id": "1"}, b"{}") for _ in range(3)]
    assert [(each.made.status, each.made.response) for each in found] == 3 * [(200, "thanks")]
    assert receiver.connections == 3
    assert len(receiver.requests) == 5, "the request is repeated over a new connection, with the same id"


async def test_an_idle_connection_is_closed(
    sender: Sender, receiver: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "KEPT_SECONDS", 0.05)
    await sender.post(receiver.url, {}, b"{}")
    async with asyncio.timeout(SECONDS):
        await receiver.left.wait()
    assert (await sender.post(receiver.url, {}, b"{}")).delivered
    assert receiver.connections == 2


async def test_an_old_connection_is_replaced_and_the_name_resolved_again(
    sender: Sender, receiver: HttpServer, resolve: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "OLDEST_SECONDS", 0.0)
    for _ in range(2):
        await sender.post(receiver.url, {}, b"{}")
    assert (receiver.connections, resolve.times) == (2, 2)


async def test_only_a_number_of_connections_is_kept(
    sender: Sender, receiver: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_KEPT", 1)
    for path in "aabb":
        await sender.post(f"{receiver.url}/{path}", {}, b"{}")
    assert receiver.connections == 3
