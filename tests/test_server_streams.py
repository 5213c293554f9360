"""Answers of unknown length over the wire: the client sets the pace, and a truncated answer is recognizable."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from api.kernel.http import pipeline, streams
from api.kernel.wire import server
from tests.kernel.gallery import GATE, Application
from tests.served import Served, ends, until
from tests.wire import Answer, read_answer, request

ROWS = 100_000


def get(path: str, **headers: str) -> bytes:
    return request("GET", f"/api{path}", **headers)


def read_chunks(stream: "socket.SocketIO") -> Iterator[bytes]:
    """Yield the chunks of an answer; the last one is empty. If the connection ends early, it is missing."""
    while line := stream.readline():
        chunk = stream.read(int(line, 16))
        assert stream.readline() == b"\r\n"
        yield chunk
        if not chunk:
            return


def answer_to(served: Served, raw: bytes) -> tuple[Answer, list[bytes]]:
    with served.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(raw)
        answer = read_answer(stream)
        assert answer is not None
        return answer, list(read_chunks(stream))  # type: ignore[arg-type]


def test_a_hundred_thousand_rows_as_csv(served: Served) -> None:
    """C-289."""
    answer, chunks = answer_to(served, get(f"/rows.csv?most={ROWS}"))
    assert (answer.status, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"rows _ all.csv\"; filename*=UTF-8''rows%20%E2%80%94%20all.csv"
    )
    assert chunks[0].count(b"\r\n") == 2, "the first row is sent at once"
    assert chunks.pop() == b""
    lines = b"".join(chunks).split(b"\r\n")
    assert (lines[0], lines[1], lines[3], lines[ROWS]) == (
        b"number,name",
        b"1," + b"x" * 50,
        b"3,",
        b"100000," + b"x" * 50,
    )
    assert len(lines) == ROWS + 2


def test_rows_as_lines_of_json(served: Served) -> None:
    answer, chunks = answer_to(served, get("/rows.ndjson?most=500"))
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert "content-disposition" not in answer.headers
    assert chunks.pop() == b""
    rows = [json.loads(line) for line in b"".join(chunks).splitlines()]
    assert [row["number"] for row in rows] == list(range(1, 501))


def test_head_has_the_same_headers_and_reads_no_row(gallery: tuple[Served, Application]) -> None:
    """C-14."""
    served, _ = gallery
    with served.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(request("HEAD", "/api/endless"))
        answer = read_answer(stream, "HEAD")
        assert answer is not None
        assert (answer.status, answer.headers["content-type"]) == (200, "application/octet-stream")
        assert stream.read() == b""
    assert GATE.made == 0


def test_each_chunk_is_sent_at_once(served: Served) -> None:
    with served.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(get("/held?most=2"))
        assert read_answer(stream) is not None
        chunks = read_chunks(stream)  # type: ignore[arg-type]
        assert [next(chunks), next(chunks)] == [b"first", b"first"]
        served.call(lambda _: GATE.opened.set())
        assert list(chunks) == [b"second", b""]


def test_a_client_that_does_not_read_pauses_the_source(served: Served) -> None:
    """C-289: the source produces no more than the kernel's buffers hold, and continues as the client reads."""
    with served.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(get("/endless"))
        until(lambda: served.connections() == 1 and served.connection().write_paused)
        until(lambda: still(served))
        before = GATE.made
        assert before * streams.CHUNK_BYTES < 16 * 2**20
        stream.read(before * streams.CHUNK_BYTES)
        until(lambda: GATE.made > before)
    until(lambda: GATE.ended == 1)


def still(served: Served) -> bool:
    """Return whether the client's receive buffer is full."""
    made, unsent = GATE.made, served.unsent()
    pause = threading.Event()
    pause.wait(0.2)
    return unsent > 0 and (made, unsent) == (GATE.made, served.unsent())


@pytest.mark.parametrize("path", ["/endless", "/held"], ids=["while it is sent to", "while it waits"])
def test_a_client_that_disconnects_ends_the_source(served: Served, path: str) -> None:
    """C-289."""
    with served.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(get(path))
        assert read_answer(stream) is not None
        until(lambda: GATE.made > 0 or GATE.entered > 0)
    until(lambda: GATE.ended == 1)
    until(lambda: served.connections() == 0)


def test_a_client_that_does_not_read_ends_the_source(monkeypatch: pytest.MonkeyPatch, served: Served) -> None:
    """C-289."""
    monkeypatch.setattr(server, "WRITE_SECONDS", 0.2)
    with served.connect() as sock:
        sock.sendall(get("/endless"))
        until(lambda: GATE.ended == 1)
        until(lambda: served.connections() == 0)


def test_the_connection_returns_to_the_pool(gallery: tuple[Served, Application]) -> None:
    """C-289: after a client that read everything, one that disconnected, and one that disconnected before the
    answer."""
    served, application = gallery
    database = application.context.db
    answer_to(served, get("/rows.csv?most=1000"))
    until(lambda: database.connections()[0] == 0)
    for read in (0, 1000):
        with served.connect() as sock, sock.makefile("rb") as stream:
            sock.sendall(get("/rows.csv?most=100000000"))
            until(lambda: database.connections()[0] == 1)
            assert len(stream.read(read)) == read
        until(lambda: database.connections()[0] == 0)
    assert answer_to(served, get("/rows.csv?most=1"))[1][-1] == b""


def test_long_answers_leave_room_for_others(gallery: tuple[Served, Application]) -> None:
    """C-289: clients that do not read use at most half of the pool."""
    served, application = gallery
    database = application.context.db
    most = database.most_connections() // 2
    with contextlib.ExitStack() as stack:
        for count in range(1, most + 1):
            slow = stack.enter_context(served.connect())
            slow.sendall(get("/rows.csv?most=100000000"))
            until(lambda count=count: database.connections()[0] == count)  # type: ignore[misc]
        [refused] = served.answers(get("/rows.csv?most=1"))
        assert (refused.status, refused.code) == (503, "UNAVAILABLE")
        assert database.connections()[0] == most
    until(lambda: database.connections()[0] == 0)


# Failures


def test_a_failure_before_the_first_chunk_is_an_error_response(served: Served) -> None:
    [answer] = served.answers(get("/bad?most=0"))
    assert (answer.status, answer.code) == (409, "GALLERY_CLOSED")


def test_a_failure_after_it_cuts_the_connection(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """C-288: the last chunk is missing, so every client notices, and the failure is logged."""
    answer, chunks = answer_to(served, get("/bad?most=3"))
    assert (answer.status, answer.headers["transfer-encoding"]) == (200, "chunked")
    assert chunks == [b"first"] * 3
    until(lambda: "a stream broke off" in caplog.text)


def test_a_client_of_http_1_0_is_reset(served: Served) -> None:
    """C-288: for it the end of the connection is the end of the answer."""
    raw = get("/%s?most=3").replace(b"HTTP/1.1", b"HTTP/1.0")
    with served.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(raw % b"bad")
        with pytest.raises(ConnectionResetError):
            stream.read()
    served.call_soon(GATE.opened.set)
    with served.connect() as sock:
        sock.sendall(raw % b"held")
        assert ends(sock).endswith(b"\r\n\r\nfirstfirstfirstsecond")


def test_a_slow_source_is_cancelled(monkeypatch: pytest.MonkeyPatch, served: Served) -> None:
    monkeypatch.setattr(streams, "CHUNK_SECONDS", 0.2)
    [answer] = served.answers(get("/held?most=0"))
    assert (answer.status, answer.code) == (503, "UNAVAILABLE")
    _, chunks = answer_to(served, get("/held?most=1"))
    assert chunks == [b"first"]
    until(lambda: GATE.ended == 2)


def test_the_handlers_deadline_does_not_include_the_answer(monkeypatch: pytest.MonkeyPatch, served: Served) -> None:
    """C-289: an export may take longer than a handler."""
    monkeypatch.setattr(pipeline, "HANDLER_SECONDS", 1.5)
    with served.connect() as sock, sock.makefile("rb") as stream:
        sock.sendall(get("/held?most=1"))
        assert read_answer(stream) is not None
        threading.Event().wait(2.0)
        served.call(lambda _: GATE.opened.set())
        assert list(read_chunks(stream)) == [b"first", b"second", b""]  # type: ignore[arg-type]


def test_the_span_lasts_as_long_as_the_answer(served: Served, spans: InMemorySpanExporter) -> None:
    answer_to(served, get("/rows.csv?most=1000"))

    def names() -> set[str]:
        return {span.name for span in spans.get_finished_spans()}

    until(lambda: {"GET /api/rows.csv", "tests.list_rows"} <= names())
    found = {span.name: span for span in spans.get_finished_spans()}
    whole, query = found["GET /api/rows.csv"], found["tests.list_rows"]
    assert query.parent is not None
    assert query.parent.span_id == whole.context.span_id
    assert whole.end_time >= query.end_time > query.start_time >= whole.start_time  # type: ignore[operator]
