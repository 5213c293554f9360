"""Uploads over the wire: memory, deadlines, and the time of refusals."""

import hashlib
import json
import threading
from typing import Any

import pytest

from api.kernel.http import pipeline
from api.kernel.input import bodies
from api.kernel.wire import exchange, server
from tests.kernel.gallery import GATE, JPEG, MOST, PNG, Application
from tests.served import Served, ends, trickle, until
from tests.wire import Answer, read_answer, request

LARGE = 20_000_000
JPEG_TYPE = {"content_type": "image/jpeg"}
CLOSED = b"POST /api/closed HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
CHUNKED = {"transfer_encoding": "chunked"}


def chunked(body: bytes, size: int = 5000) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def ask(served: Served, *raw: bytes) -> Answer:
    [answer] = served.answers(*raw)
    return answer


def told(answer: Answer) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(answer.body)
    return stored


def test_the_limit_is_that_of_the_route(served: Served) -> None:
    """C-280: at the limit and one byte over it, with a length and without."""
    body = JPEG.ljust(MOST, b".")
    for framed in (lambda body: request("POST", "/api/photos", body, **JPEG_TYPE), in_chunks):
        stored = ask(served, framed(body))
        assert (stored.status, told(stored)["sha256"]) == (201, hashlib.sha256(body).hexdigest())
        refused = ask(served, framed(body + b"."))
        assert (refused.status, refused.code) == (413, "PAYLOAD_TOO_LARGE")
        assert refused.headers["connection"] == "close"


def in_chunks(body: bytes) -> bytes:
    return request("POST", "/api/photos", **JPEG_TYPE, **CHUNKED) + chunked(body)


def test_another_route_keeps_the_usual_limit(served: Served) -> None:
    """C-280: `max_body` applies to its route only."""
    ask_for = {"content_type": "application/json", "content_length": "1000001"}
    refused = ask(served, request("POST", "/api/articles", **ask_for))
    assert (refused.status, json.loads(refused.body)["detail"]) == (413, "The body is larger than 1 MB.")


def test_a_body_that_will_be_refused_is_not_requested(served: Served) -> None:
    """C-285: 100 (Continue) is sent after the type, the length and the caller are accepted."""
    for path, headers, status in [
        ("/api/photos", {"content_type": "image/jpeg", "content_length": str(MOST + 1)}, 413),
        ("/api/photos", {"content_type": "text/html", "content_length": "5"}, 415),
        ("/api/avatar", {"content_type": "image/png", "content_length": "5"}, 401),
    ]:
        method = "PUT" if path == "/api/avatar" else "POST"
        refused = ask(served, request(method, path, expect="100-continue", **headers))
        assert (refused.status, refused.headers["connection"]) == (status, "close")
    with served.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(request("POST", "/api/photos", expect="100-continue", content_length=str(len(JPEG)), **JPEG_TYPE))
        assert stream.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert stream.readline() == b"\r\n"
        sock.sendall(JPEG)
        answer = read_answer(stream)
    assert answer is not None
    assert answer.status == 201


def test_a_file_is_read_only_as_fast_as_its_handler_reads(served: Served) -> None:
    """C-286: of twenty megabytes, two reads and the kernel's buffers. The client's deadline pauses while the handler
    works."""
    body = JPEG.ljust(LARGE, b".")
    with served.connect() as sock, sock.makefile("rb") as stream:
        sender = threading.Thread(target=sock.sendall, args=(request("POST", "/api/held-photos", body, **JPEG_TYPE),))
        sender.start()
        until(lambda: GATE.entered == 1 and not served.connection()._reads)
        connection = served.connection()
        assert connection.exchange is not None
        assert len(connection.exchange.body) <= 2 * exchange.UNREAD_BYTES
        assert connection._parser.left <= 2 * 16 * 1024
        assert connection._reading._state is None
        assert sender.is_alive(), "the client is paused as well"
        served.call(lambda _: GATE.opened.set())
        answer = read_answer(stream)
        sender.join()
    assert answer is not None
    assert told(answer)["size"] == LARGE
    assert told(answer)["sha256"] == hashlib.sha256(body).hexdigest()


def test_each_part_of_a_body_has_its_deadline(served: Served) -> None:
    """C-286: a single byte does not extend the deadline, BODY_BYTES do, so large files may take longer."""
    with served.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(request("POST", "/api/photos", content_length="100000", **JPEG_TYPE) + JPEG)
        until(lambda: served.connections() == 1 and taken(served) == len(JPEG))
        clock = served.connection()._reading
        due = clock._due
        assert clock._state == ("body", 1, 0)
        sock.sendall(b"x" * 1000)
        until(lambda: taken(served) == len(JPEG) + 1000)
        assert clock._due == due
        sock.sendall(b"x" * bodies.BODY_BYTES)
        until(lambda: taken(served) == len(JPEG) + 1000 + bodies.BODY_BYTES)
        until(lambda: clock._state == ("body", 1, 1))
        assert clock._due > due
        sock.sendall(b"x" * (100_000 - taken(served)))
        answer = read_answer(stream)
    assert answer is not None
    assert told(answer)["size"] == 100_000


def test_the_handlers_deadline_does_not_include_waiting_for_the_client(
    monkeypatch: pytest.MonkeyPatch, served: Served
) -> None:
    """C-286: the handler's deadline starts again with each part of the file."""
    monkeypatch.setattr(pipeline, "HANDLER_SECONDS", 1.5)
    with served.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(request("POST", "/api/photos", content_length=str(2 * len(JPEG)), **JPEG_TYPE) + JPEG)
        until(lambda: served.connections() == 1 and taken(served) == len(JPEG))
        threading.Event().wait(2.0)
        sock.sendall(JPEG)
        answer = read_answer(stream)
    assert answer is not None
    assert told(answer)["size"] == 2 * len(JPEG)


def test_a_handler_that_stops_reading_is_cancelled(monkeypatch: pytest.MonkeyPatch, served: Served) -> None:
    """C-286."""
    monkeypatch.setattr(pipeline, "HANDLER_SECONDS", 0.5)
    with served.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(request("POST", "/api/held-photos", content_length=str(2 * len(JPEG)), **JPEG_TYPE) + JPEG)
        answer = read_answer(stream)
    assert answer is not None
    assert (answer.status, answer.code) == (503, "UNAVAILABLE")


def taken(served: Served) -> int:
    current = served.connection().exchange
    return current.taken if current else 0


def test_a_trickling_file_is_answered_408(monkeypatch: pytest.MonkeyPatch, served: Served) -> None:
    """C-286: independent of the route's limit."""
    monkeypatch.setattr(server, "BODY_SECONDS", 0.2)
    with served.connect() as sock:
        said = trickle(sock, request("POST", "/api/photos", content_length="100000", **JPEG_TYPE) + JPEG)
    assert said.startswith(b"HTTP/1.1 408 ")
    assert said.count(b"HTTP/1.1") == 1


def test_a_client_that_disconnects_within_a_file_leaves_nothing(
    gallery: tuple[Served, Application], caplog: pytest.LogCaptureFixture
) -> None:
    """C-286: the handler ends, and no failure is logged."""
    served, _ = gallery
    with served.connect() as sock:
        sock.sendall(request("POST", "/api/photos", content_length="100000", **JPEG_TYPE) + JPEG)
        until(lambda: served.connections() == 1 and taken(served) == len(JPEG))
    until(lambda: served.connections() == 0)
    assert ask(served, request("POST", "/api/photos", JPEG, **JPEG_TYPE)).status == 201
    assert [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []


def test_the_unread_rest_of_a_file_is_bounded(served: Served) -> None:
    """C-285: a short rest is discarded, and the connection is reused; with a long one it is closed."""
    with served.connect() as sock, sock.makefile("rb") as stream:
        for _ in range(2):
            sock.sendall(CLOSED % 50_000 + JPEG)
            answer = read_answer(stream)
            assert answer is not None
            assert (answer.code, answer.headers.get("connection")) == ("GALLERY_CLOSED", None)
            sock.sendall(b"GET /smuggled HTTP/1.1\r\n\r\n".ljust(50_000 - len(JPEG), b"\n"))
        sock.sendall(CLOSED % LARGE + JPEG)
        answer = read_answer(stream)
        assert answer is not None
        assert (answer.code, answer.headers["connection"]) == ("GALLERY_CLOSED", "close")
        assert ends(sock) == b""


def test_multipart_in_small_segments_and_chunks(served: Served) -> None:
    """C-282, C-283."""
    body = (
        b'--b\r\nContent-Disposition: form-data; name="title"\r\n\r\nA day\r\n--b\r\nContent-Disposition: form-data; '
        b'name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n' + PNG + b"\r\n--b--\r\n"
    )
    head = request("POST", "/api/albums", content_type="multipart/form-data; boundary=b", **CHUNKED)
    raw = head + chunked(body, 7)
    stored = ask(served, *[raw[at : at + 11] for at in range(0, len(raw), 11)])
    assert (stored.status, told(stored)["caption"]["title"], told(stored)["size"]) == (201, "A day", len(PNG))
    broken = ask(served, head + chunked(body[:-8], 7))
    assert (broken.status, broken.code) == (400, "MALFORMED_MULTIPART")
