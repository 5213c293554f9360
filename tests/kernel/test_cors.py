"""Cross-origin requests: the origins that may read an answer, for every kind of answer."""

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from api.app import create_app
from api.kernel.context import Context
from api.kernel.data.database import SERIALIZATION_FAILURE
from api.kernel.feature import Feature
from api.kernel.http.routing import get, post
from api.kernel.identity.auth import anyone, signed_in
from api.kernel.identity.limits import Limiter
from api.kernel.settings import Settings

OURS = "https://app.example.com"


class Note(msgspec.Struct, forbid_unknown_fields=True):
    text: str


async def note(body: Note) -> Note:
    return body


async def break_down() -> None:
    raise RuntimeError


async def collide() -> None:
    raise SERIALIZATION_FAILURE


async def list_notes() -> list[Note]:
    return []


async def show_mine() -> None:
    return None


async def show_limited() -> None:
    return None


NOTES = Feature(
    name="notes",
    routes=[
        get("/notes", list_notes, guard=anyone),
        post("/notes", note, guard=anyone),
        get("/mine", show_mine, guard=signed_in),
        get("/broken", break_down, guard=anyone),
        get("/collision", collide, guard=anyone),
        get("/limited", show_limited, guard=anyone, limit="1/hour"),
    ],
)


@pytest.fixture
async def notes(settings: Settings, context: Context) -> AsyncIterator[httpx.AsyncClient]:
    own = msgspec.structs.replace(settings, allowed_origins=(OURS, "http://localhost:4200"), rate_limit_credentials=1.0)
    app = create_app(own, (NOTES,))
    app.state.context = msgspec.structs.replace(context, limiter=Limiter(own, context.cache))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


async def every_answer(notes: httpx.AsyncClient, origin: str) -> dict[int, httpx.Response]:
    """Return one answer of each status."""
    headers = {"origin": origin}
    body = {"content-type": "application/json"} | headers
    answers = [
        await notes.get("/api/notes", headers=headers),
        await notes.get("/api/mine", headers=headers),
        await notes.get("/api/nowhere", headers=headers),
        await notes.put("/api/notes", headers=headers),
        await notes.post("/api/notes", content=b" " * 70_000, headers=body),
        await notes.post("/api/notes", content=b"{}", headers=headers),
        await notes.post("/api/notes", content=b"{", headers=body),
        await notes.post("/api/notes", content=b"{}", headers=body),
        await notes.get("/api/limited", headers=headers),
        await notes.get("/api/limited", headers=headers),
        await notes.get("/api/broken", headers=headers),
        await notes.get("/api/collision", headers=headers),
    ]
    return {answer.status_code: answer for answer in answers}


async def test_allowed_origins_may_read_every_answer_including_errors(notes: httpx.AsyncClient) -> None:
    """C-79."""
    answers = await every_answer(notes, OURS)
    assert answers.keys() == {200, 400, 401, 404, 405, 413, 415, 422, 429, 500, 503}
    for answer in answers.values():
        assert answer.headers["access-control-allow-origin"] == OURS
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["timing-allow-origin"] == OURS
        assert "Origin" in answer.headers["vary"]
        exposed = {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
        assert {"X-Trace-Id", "Retry-After", "X-RateLimit-Remaining", "ETag", "Link", "Idempotency-Replayed"} <= exposed


HOSTILE = [
    "null",
    "",
    "*",
    "https://evil.example",
    "https://app.example.com.evil.example",
    "https://evil-app.example.com",
    "https://evil.example/https://app.example.com",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://APP.example.com",
    "https://app.example.com ,https://evil.example",
    "http://localhost:4201",
]


@pytest.mark.parametrize("origin", HOSTILE)
async def test_no_other_origin_may_read(notes: httpx.AsyncClient, origin: str) -> None:
    """C-79."""
    for answer in (await every_answer(notes, origin)).values():
        assert "access-control-allow-origin" not in answer.headers
        assert "timing-allow-origin" not in answer.headers
        assert "Origin" in answer.headers["vary"], "a cache must not serve this answer to an allowed origin"


async def preflight(notes: httpx.AsyncClient, origin: str, method: str, headers: str = "") -> httpx.Response:
    asked = {"origin": origin, "access-control-request-method": method}
    return await notes.options(
        "/api/notes", headers=asked | ({"access-control-request-headers": headers} if headers else {})
    )


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_a_preflight_of_an_allowed_origin_is_granted(notes: httpx.AsyncClient, method: str) -> None:
    """C-194: for any header, because tracing and error reporting add their own."""
    wanted = "authorization,baggage,content-type,if-match,sentry-trace,tracestate,x-requested-with,x-xsrf-token"
    answer = await preflight(notes, OURS, method, wanted)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == OURS
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-max-age"] == "600"
    assert "Origin" in answer.headers["vary"]
    assert method in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == wanted


@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [*[(origin, "GET", "") for origin in HOSTILE], (HOSTILE[3], "GET", "baggage"), (OURS, "TRACE", "")],
)
async def test_other_preflights_are_refused_in_the_common_shape(
    notes: httpx.AsyncClient, origin: str, method: str, headers: str
) -> None:
    """C-79."""
    answer = await preflight(notes, origin, method, headers)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (403, "ORIGIN_NOT_ALLOWED")
    assert told["trace_id"] == answer.headers["x-trace-id"]
    assert told["path"] == told["instance"] == "/api/notes"
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert "Origin" in answer.headers["vary"]


async def test_options_without_a_preflight_is_an_ordinary_method(notes: httpx.AsyncClient) -> None:
    """C-14."""
    answer = await notes.options("/api/notes", headers={"origin": OURS})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST, HEAD")
