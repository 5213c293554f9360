"""A feature with a route for each kind of upload and stream, and a server for it."""

import asyncio
import contextlib
import hashlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import msgspec
import pytest
from starlette.types import Receive, Scope, Send

from api.app import create_app
from api.kernel.context import Context, open_context
from api.kernel.data import sql
from api.kernel.data.database import Database
from api.kernel.data.sql import query
from api.kernel.errors import conflict
from api.kernel.feature import Feature
from api.kernel.http.routing import Route, get, post, put
from api.kernel.http.streams import Stream, to_csv, to_ndjson
from api.kernel.identity.auth import Claims, Principal, anyone, signed_in
from api.kernel.input.media import media_type_of
from api.kernel.input.uploads import Upload
from api.kernel.settings import Settings
from tests.served import Served, serve

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
JPEG = b"\xff\xd8\xff\xe0" + bytes(100)
PDF = b"%PDF-1.7\n" + bytes(100)
KINDS = ("image/png", "image/jpeg", "application/pdf", "text/plain")
MOST = 200_000
"""The largest body of most of these routes."""
CLOSED = conflict("GALLERY_CLOSED", "It is closed.")
ADA = Principal(id=uuid4(), sid=uuid4(), is_superuser=False, is_verified=True, roles=())


class Article(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    text: Annotated[str, msgspec.Meta(max_length=100_000)]


class Caption(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    tag: list[str] = []


class Pages(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    most: int = 3


class Stored(msgspec.Struct, frozen=True):
    size: int
    sha256: str
    media_type: str | None
    filename: str | None = None
    declared_size: int | None = None
    caption: Caption | None = None


class Row(msgspec.Struct, frozen=True):
    number: int
    name: str | None


@contextlib.contextmanager
def bound_to(statement: str) -> Iterator[None]:
    """Queries of the feature `things` that are bound within the block have this statement."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sql, "FOLDER", Path(folder))
        (Path(folder) / "tests").mkdir()
        (Path(folder) / "tests" / "list_rows.sql").write_text(statement)
        yield


# In the select list the series is produced while it is read, in a from clause before.
LIST = "select n, case when n % 3 = 0 then null else repeat('x', 50) end from (select generate_series(1, $1) as n) as t"
with bound_to(LIST):

    @query
    def list_rows(db: Database, most: int) -> AsyncIterator[Row]: ...  # type: ignore[empty-body]


async def count_letters(body: Article) -> int:
    """Count an article's letters."""
    return len(body.text)


async def set_avatar(principal: Principal, body: bytes) -> Stored:
    """Set one's picture."""
    return Stored(len(body), hashlib.sha256(body).hexdigest(), media_type_of(body))


async def add_photo(body: Upload) -> Stored:
    """Add a photo."""
    return await stored(body)


async def add_to_album(body: Upload, form: Caption) -> Stored:
    """Add a photo with its caption."""
    return msgspec.structs.replace(await stored(body), caption=form)


async def stored(body: Upload) -> Stored:
    digest = hashlib.sha256()
    async for chunk in body:
        digest.update(chunk)
    return Stored(body.size, digest.hexdigest(), body.media_type, body.filename, body.declared_size)


async def decline(body: Upload) -> None:
    """Answer without reading the file."""
    raise CLOSED


class Gate:
    """Lets tests of a server in another thread pause a handler or a source."""

    def __init__(self) -> None:
        self.entered = 0
        self.made = 0
        """Number of chunks that a source produced."""
        self.ended = 0
        """Number of sources that were closed."""
        self.opened = asyncio.Event()


GATE = Gate()


async def wait_and_store(body: Upload) -> Stored:
    """Read the file once the gate opens."""
    GATE.entered += 1
    await GATE.opened.wait()
    return await stored(body)


async def export_rows(context: Context, query: Pages) -> Stream:
    """Export rows."""
    return Stream(to_csv(list_rows(context.db, query.most), Row), filename="rows — all.csv")


async def export_lines(context: Context, query: Pages) -> Stream:
    """Export rows as lines of JSON."""
    return Stream(to_ndjson(list_rows(context.db, query.most)))


async def export_endlessly() -> Stream:
    """Export zeros."""

    async def zeros() -> AsyncIterator[bytes]:
        try:
            while True:
                GATE.made += 1
                yield bytes(16 * 1024)
        finally:
            GATE.ended += 1

    return Stream(zeros())


async def export_held(query: Pages) -> Stream:
    """Export `most` chunks, and the next once the gate opens."""

    async def held() -> AsyncIterator[bytes]:
        try:
            for _ in range(query.most):
                yield b"first"
            GATE.entered += 1
            await GATE.opened.wait()
            yield b"second"
        finally:
            GATE.ended += 1

    return Stream(held())


async def export_badly(query: Pages) -> Stream:
    """Export `most` chunks, and fail."""

    async def bad() -> AsyncIterator[bytes]:
        for _ in range(query.most):
            yield b"first"
        raise CLOSED

    return Stream(bad())


ROUTES: list[Route] = [
    post("/articles", count_letters, guard=anyone, max_body="1 MB"),
    put("/avatar", set_avatar, guard=signed_in, max_body=MOST, accepts=("image/png", "image/jpeg")),
    post("/photos", add_photo, guard=anyone, max_body=MOST, accepts=KINDS, status=201),
    post("/held-photos", wait_and_store, guard=anyone, max_body="1 GB", accepts=KINDS),
    post("/albums", add_to_album, guard=anyone, max_body=MOST, accepts=KINDS, status=201),
    post("/closed", decline, guard=anyone, max_body="1 GB", accepts=KINDS, status=204, errors=(CLOSED,)),
    get("/rows.csv", export_rows, guard=anyone, media_type="text/csv"),
    get("/rows.ndjson", export_lines, guard=anyone, media_type="application/x-ndjson"),
    get("/endless", export_endlessly, guard=anyone, media_type="application/octet-stream"),
    get("/held", export_held, guard=anyone, media_type="text/plain"),
    get("/bad", export_badly, guard=anyone, media_type="text/plain", errors=(CLOSED,)),
]


async def authenticate(context: Context, claims: Claims) -> Principal:
    return ADA


GALLERY = Feature(name="kernel", routes=ROUTES, authenticate=authenticate)


class Application:
    """The feature as an ASGI application that opens its context in the server's event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._app = create_app(settings, (GALLERY,))

    @property
    def context(self) -> Context:
        context: Context = self._app.state.context
        return context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            return await self._app(scope, receive, send)
        await receive()
        GATE.__init__()  # type: ignore[misc]
        async with open_context(self._settings, {}) as self._app.state.context:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


@contextlib.contextmanager
def opened(settings: Settings, loop: str = "uvloop", **options: Any) -> Iterator[tuple[Served, Application]]:
    application = Application(settings)
    with serve(application, loop, lifespan="on", **options) as served:
        yield served, application
