"""Bodies with files: sizes, types and forms, and refusals before the handler runs."""

import hashlib
import re
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.features import FEATURES
from api.kernel.context import Context
from api.kernel.data.database import SERIALIZATION_FAILURE
from api.kernel.feature import Feature
from api.kernel.http.routing import Route, get, inputs_of, post
from api.kernel.http.streams import Stream
from api.kernel.identity.auth import Principal, anyone, signed_in
from api.kernel.input.bodies import in_words, size_of
from api.kernel.input.media import media_type_of
from api.kernel.input.uploads import Upload
from api.kernel.settings import Settings
from tests.browser import Browser
from tests.factories import PASSWORD, make_user
from tests.kernel.gallery import GALLERY, JPEG, KINDS, MOST, PDF, PNG, Article, Caption
from tests.kernel.test_routing import app_of, problem


@pytest.fixture
async def gallery(settings: Settings, context: Context) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app_of(settings, context, GALLERY), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost/api") as client:
        yield client


async def parts(*content: bytes) -> AsyncIterator[bytes]:
    for part in content:
        yield part


# Sizes


@pytest.mark.parametrize("escaped", [False, True], ids=["UTF-8", "escaped"])
async def test_an_article_of_forty_thousand_cyrillic_letters_is_accepted(
    gallery: httpx.AsyncClient, escaped: bool
) -> None:
    """C-280."""
    text = r"\u0436" * 40_000 if escaped else "ж" * 40_000
    answer = await gallery.post(
        "/articles", content=f'{{"text":"{text}"}}'.encode(), headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()) == (200, 40_000)


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
async def test_the_limit_of_a_route_is_exact(gallery: httpx.AsyncClient, bearer: dict[str, str], chunked: bool) -> None:
    """C-280."""
    body = JPEG.ljust(MOST, b".")
    headers = {"content-type": "image/jpeg"}
    for path, more in (("/photos", {}), ("/avatar", bearer)):
        method = "POST" if path == "/photos" else "PUT"
        content: Any = parts(body[:1000], body[1000:]) if chunked else body
        stored = await gallery.request(method, path, content=content, headers=headers | more)
        assert stored.json()["size"] == MOST
        assert stored.json()["sha256"] == hashlib.sha256(body).hexdigest()
        content = parts(body, b".") if chunked else body + b"."
        refused = await gallery.request(method, path, content=content, headers=headers | more)
        assert problem(refused, 413, "PAYLOAD_TOO_LARGE")["detail"] == "The body is larger than 200 kB."
        assert refused.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("size", "bytes_", "words"),
    [
        (1, 1, "1 B"),
        ("2 MB", 2_000_000, "2 MB"),
        ("500 KB", 500_000, "500 kB"),
        ("500 kB", 500_000, "500 kB"),
        ("500 KiB", 512_000, "500 KiB"),
        ("64KiB", 65536, "64 KiB"),
        ("1 GiB", 2**30, "1 GiB"),
    ],
)
def test_sizes_have_units(size: int | str, bytes_: int, words: str) -> None:
    assert (size_of(size), in_words(bytes_)) == (bytes_, words)


@pytest.mark.parametrize("size", [0, -1, "2", "2 Mb", "2MB ", "1.5 MB", "-1 MB", "0 MB", "", "two MB"])
def test_a_size_that_is_none_is_refused(size: int | str) -> None:
    with pytest.raises(ValueError, match=r"unit|byte"):
        size_of(size)


# Types


@pytest.mark.parametrize(("kind", "content"), [("image/png", PNG), ("image/jpeg", JPEG), ("application/pdf", PDF)])
async def test_a_files_type_is_detected_from_its_first_bytes(
    gallery: httpx.AsyncClient, kind: str, content: bytes
) -> None:
    """C-281: a file of another type, an empty one and one truncated within its signature are refused, in every form."""
    assert media_type_of(content) == kind
    told = (await gallery.post("/photos", content=content, headers={"content-type": f"{kind}; x=y"})).json()
    assert (told["media_type"], told["declared_size"], told["filename"]) == (kind, len(content), None)
    told = (await gallery.post("/photos", files={"file": ("a", content, kind)})).json()
    assert (told["media_type"], told["declared_size"], told["filename"]) == (kind, None, "a")
    for other in ({PNG, JPEG, PDF} - {content}) | {b"<script>", b"", content[:2], b"\n" + content}:
        for sent in ({"content": other, "headers": {"content-type": kind}}, {"files": {"file": ("a", other, kind)}}):
            answer = await gallery.post("/photos", **sent)
            assert problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")["detail"].startswith(f"The content is not {kind}")


@pytest.mark.parametrize(
    "kind", ["image/svg+xml", "text/html", "application/json", "image/png, image/jpeg", "image/*", "", "image"]
)
async def test_a_type_that_the_route_does_not_list_is_refused_unread(gallery: httpx.AsyncClient, kind: str) -> None:
    """C-281."""
    answer = await gallery.post("/photos", content=PNG, headers={"content-type": kind})
    problem(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert answer.headers["connection"] == "close"
    problem(await gallery.post("/photos", files={"file": ("a", PNG, kind)}), 415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_compressed_file_is_refused(gallery: httpx.AsyncClient, bearer: dict[str, str]) -> None:
    """C-281: it is never decompressed."""
    headers = {"content-type": "image/png", "content-encoding": "gzip"}
    problem(await gallery.post("/photos", content=PNG, headers=headers), 415, "UNSUPPORTED_MEDIA_TYPE")
    problem(await gallery.put("/avatar", content=PNG, headers=headers | bearer), 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"GIF89a", "image/gif"),
        (b"RIFF\n\n\n\nWEBPVP8 ", "image/webp"),
        (b"RIFF\n\n\n\nWAVEfmt ", None),
        (b"", None),
        (b"<html>", None),
    ],
)
def test_signatures_of_types(content: bytes, kind: str | None) -> None:
    """C-281."""
    assert media_type_of(content) == kind


# Authorization


async def test_an_upload_needs_a_caller_like_any_body(gallery: httpx.AsyncClient, bearer: dict[str, str]) -> None:
    answer = await gallery.put("/avatar", content=PNG, headers={"content-type": "image/png"})
    problem(answer, 401, "UNAUTHORIZED")
    answer = await gallery.put("/avatar", content=PNG, headers={"content-type": "image/png"} | bearer)
    assert (answer.status_code, answer.json()["media_type"]) == (200, "image/png")


@pytest.mark.parametrize("kind", ["raw", "multipart"])
async def test_an_upload_with_cookies_needs_the_xsrf_token(settings: Settings, context: Context, kind: str) -> None:
    """C-287: pages of other sites can send multipart/form-data and text/plain without a preflight."""
    routes = [post("/my-photos", add_my_photo, guard=signed_in, accepts=KINDS)]
    app = app_of(settings, context, *FEATURES, Feature(name="kernel", routes=routes))
    file: dict[str, Any] = {"files": {"file": ("a", b"text", "text/plain")}}
    if kind == "raw":
        file = {"content": b"text", "headers": {"content-type": "text/plain"}}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        browser, user = Browser(client), await make_user(context)
        form = {"username": user.email, "password": PASSWORD}
        assert (await browser.request("POST", "/api/auth/cookie/login", data=form)).status_code == 204
        READ.clear()
        problem(await browser.request("POST", "/api/my-photos", xsrf=False, **file), 403, "XSRF")
        foreign = file | {"headers": file.get("headers", {}) | {"origin": "https://evil.example"}}
        problem(await browser.request("POST", "/api/my-photos", **foreign), 403, "ORIGIN_NOT_ALLOWED")
        assert READ == []
        assert (await browser.request("POST", "/api/my-photos", **file)).json() == 4
        assert [user.id] == READ


READ: list[UUID] = []


async def add_my_photo(principal: Principal, body: Upload) -> int:
    """Add a photo of one's own."""
    READ.append(principal.id)
    return sum([len(chunk) async for chunk in body])


# Reading


async def test_an_upload_is_read_once(gallery: httpx.AsyncClient) -> None:
    upload = Upload(parts(b"a"), "text/plain", None, None)
    assert [chunk async for chunk in upload] == [b"a"]
    with pytest.raises(RuntimeError, match="read once"):
        [chunk async for chunk in upload]


@pytest.mark.parametrize(("reads", "tries"), [(False, 3), (True, 1)])
async def test_a_handler_that_has_begun_to_read_is_not_retried(
    settings: Settings, context: Context, reads: bool, tries: int
) -> None:
    tried = []

    async def collide(body: Upload) -> None:
        tried.append(True)
        if reads:
            assert b"".join([chunk async for chunk in body]) == b"text"
        raise SERIALIZATION_FAILURE

    routes = [post("/collide", collide, guard=anyone, accepts=KINDS)]
    transport = httpx.ASGITransport(app_of(settings, context, Feature(name="kernel", routes=routes)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost/api") as client:
        answer = await client.post("/collide", content=b"text", headers={"content-type": "text/plain"})
    problem(answer, 503, "UNAVAILABLE")
    assert len(tried) == tries


async def test_a_handler_may_ignore_the_file(gallery: httpx.AsyncClient) -> None:
    problem(await gallery.post("/closed", content=PNG, headers={"content-type": "image/png"}), 409, "GALLERY_CLOSED")


# Refused at start


async def takes_bytes(body: bytes) -> None: ...
async def takes_upload(body: Upload) -> None: ...
async def takes_article(body: Article) -> None: ...
async def takes_both(body: Upload, form: Caption) -> None: ...
async def takes_perhaps(body: Upload | None, form: Caption) -> None: ...
async def takes_two(body: bytes, form: Caption) -> None: ...
async def streams() -> Stream: ...  # type: ignore[empty-body]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (post("/", takes_bytes, guard=anyone), "accepts is required for a body of bytes or an Upload"),
        (post("/", takes_upload, guard=anyone), "accepts is required for a body of bytes or an Upload"),
        (
            post("/", takes_article, guard=anyone, accepts=("image/png",)),
            "accepts is required for a body of bytes or an Upload",
        ),
        (post("/", takes_upload, guard=anyone, accepts=("image/*",)), r"'image/\*' is not a media type"),
        (post("/", takes_upload, guard=anyone, accepts=("image/png",), max_body="2 Mb"), "max_body '2 Mb' is not"),
        (
            post("/", takes_bytes, guard=anyone, accepts=("image/png",), max_body="1 GB"),
            "max_body must be at most 8 MiB; use an Upload",
        ),
        (post("/", takes_article, guard=anyone, max_body="2 MB"), "max_body must be at most 1 MiB"),
        (post("/", takes_two, guard=anyone, accepts=("image/png",)), "only an Upload may be combined with a form"),
        (post("/", takes_perhaps, guard=anyone, accepts=("image/png",)), "only an Upload may be combined with a form"),
        (get("/", streams, guard=anyone), "a Stream needs a media_type"),
        (get("/", streams, guard=anyone, media_type="text/csv", etag=True), "and no ETag"),
        (get("/", streams, guard=anyone, media_type="csv"), "'csv' is not a media type"),
    ],
)
def test_a_route_line_that_does_not_match_its_handler_is_named(made: Route, said: str) -> None:
    with pytest.raises(TypeError, match=re.compile(said)):
        inputs_of(made)
    fits = post("/", takes_both, guard=anyone, accepts=("image/png",), max_body="1 GB")
    assert inputs_of(fits).limit == 10**9
