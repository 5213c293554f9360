"""C-117: an offered protocol is ignored (RFC 9110 §7.8), and the following body is parsed as a body. It used to be
parsed as a second request, whose answer another client of the same proxy received."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from tests.served import Served, serve

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
OFFERS = {
    "websocket": b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
    "h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n",
    "keep-alive": b"connection: keep-alive, UPGRADE , HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: \r\n",
    "two lines": b"Connection: keep-alive\r\nUpgrade: x\r\nConnection:upgrade\r\nUpgrade: websocket, h2c\r\n",
    "unknown": b"Upgrade: a/1, b/2\r\nConnection: upgrade\r\n",
}


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the path and the body."""
    body = await Request(scope, receive).body()
    await PlainTextResponse(f"{scope['method']} {scope['path']} ".encode() + body)(scope, receive, send)


@pytest.fixture(scope="module", params=["uvloop", "asyncio"])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    with serve(echo, request.param) as running:
        yield running


def framed(offer: bytes, chunked: bool) -> tuple[bytes, bytes]:
    """Return the head of a POST, and its body, which contains a request."""
    head = b"POST /outer HTTP/1.1\r\nHost: localhost\r\n" + offer
    if chunked:
        return head + b"Transfer-Encoding: chunked\r\n\r\n", b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)
    return head + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED), SMUGGLED


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("offer", OFFERS.values(), ids=OFFERS)
@pytest.mark.parametrize("cut", ["nowhere", "after the head", "in the head", "in the body", "everywhere"])
def test_the_body_of_a_request_that_offers_an_upgrade_is_a_body(
    served: Served, cut: str, offer: bytes, chunked: bool
) -> None:
    head, body = framed(offer, chunked)
    whole = (head + body) * 2 + NEXT
    at = {"nowhere": 0, "after the head": len(head), "in the head": len(head) - 3, "in the body": len(head) + 9}
    segments = [whole[: at[cut]], whole[at[cut] :]] if cut in at else [bytes([byte]) for byte in whole]
    answers = [answer.body for answer in served.answers(*filter(None, segments))]
    assert answers == [b"POST /outer " + SMUGGLED, b"POST /outer " + SMUGGLED, b"GET /next "]


def test_an_upgrade_without_a_body(served: Served) -> None:
    get = b"GET /a HTTP/1.1\r\nHost: localhost\r\n" + OFFERS["websocket"] + b"\r\n"
    assert [answer.body for answer in served.answers(get + get + NEXT)] == [b"GET /a ", b"GET /a ", b"GET /next "]


def test_the_application_does_not_see_the_upgrade() -> None:
    """The other options of Connection remain."""
    seen: list[dict[bytes, bytes]] = []

    async def note(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(dict(scope["headers"]))
        await echo(scope, receive, send)

    with serve(note) as served:
        closing = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: y\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n"
        [answer] = served.answers(closing + NEXT)
    assert answer.headers["connection"] == "close"
    assert seen == [{b"host": b"localhost", b"x": b"y", b"connection": b"close"}]


async def answer_early(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


@pytest.mark.parametrize(("size", "answered"), [(1000, 2), (100_000, 1)])
def test_the_rest_of_a_chunked_body_is_discarded_or_ends_the_connection(size: int, answered: int) -> None:
    """C-117: a body that arrives after its answer is never parsed as a request."""
    head = b"GET /a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (size, (NEXT * (size // len(NEXT) + 1))[:size])
    with serve(answer_early) as served:
        assert len(served.answers(head, body + NEXT)) == answered


def test_a_tunnel_is_refused_and_nothing_after_it_is_read(served: Served) -> None:
    """CONNECT also makes llhttp stop parsing HTTP."""
    for target in (b"localhost:80", b"http://localhost/"):
        answers = served.answers(b"CONNECT " + target + b" HTTP/1.1\r\nHost: localhost\r\n\r\n" + NEXT)
        assert [answer.status for answer in answers] == [400]


def test_an_upgrade_does_not_relax_the_checks_of_a_head(served: Served) -> None:
    """C-11."""
    for field in (b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"Host: evil.example\r\n"):
        head = b"POST / HTTP/1.1\r\nHost: localhost\r\n" + OFFERS["websocket"] + field + b"\r\n"
        assert [answer.status for answer in served.answers(head + b"0\r\n\r\n" + NEXT)] == [400]


JAVA = """
import java.net.URI;
import java.net.http.*;

public class Offers {
    public static void main(String[] arguments) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        for (int round = 0; round < 3; round++) {
            HttpRequest post = HttpRequest.newBuilder(URI.create(arguments[0] + "/" + round))
                .POST(HttpRequest.BodyPublishers.ofString("x".repeat(20000))).build();
            HttpResponse<String> answer = client.send(post, HttpResponse.BodyHandlers.ofString());
            System.out.println(answer.statusCode() + " " + answer.version() + " " + answer.body().length());
        }
    }
}
"""


@pytest.mark.skipif(shutil.which("java") is None, reason="needs Java 17")
def test_javas_client_that_offers_h2c_with_each_post_is_served(tmp_path: Path) -> None:
    (tmp_path / "Offers.java").write_text(JAVA)
    with serve(echo) as served:
        command = ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", str(tmp_path / "Offers.java")]
        command.append(f"http://127.0.0.1:{served.port}")
        done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.stdout.splitlines() == [f"200 HTTP_1_1 {20000 + len('POST /0 ')}"] * 3, done.stderr
