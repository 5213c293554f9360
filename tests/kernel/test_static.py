"""The built browser application, and files under a prefix: served by exact path, compressed, with a page for each
navigation."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message, Scope

from api.kernel.config.folders import BUILT, read_web_folder
from api.kernel.errors import NOT_FOUND, Problem, Problems
from api.kernel.http.application import NONCE, BrowserApplication, mark
from api.kernel.http.static import Document, Static, walk

HTML = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
FILES = {
    "index.html": b"<!doctype html>",
    "main-4YQK2ZJX.js": b"console.log(1)",
    "app.css": b"a{}",
    "assets/logo.svg": b"<svg/>",
    "odd.unheardof": b"?",
    "app-settings.json": b"{}",
    "terms-20261130.json": b"{}",
    "main-4YQK2ZJX.js.map": b"{}",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("site")
    (root / "secret.txt").write_bytes(b"secret")
    for name, content in FILES.items():
        path = root / "public" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root / "public"


def client_of(static: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(Problems(static)), base_url="http://localhost")


@pytest.fixture
async def site(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(BrowserApplication(folder)) as client:
        yield client


async def test_a_file_is_served_with_its_type_and_its_policy(site: httpx.AsyncClient) -> None:
    answer = await site.get("/assets/logo.svg")
    assert (answer.status_code, answer.content) == (200, b"<svg/>")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert (await site.get("/app.css")).headers["content-type"] == "text/css; charset=utf-8"
    assert (await site.get("/odd.unheardof")).headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.js", "text/javascript"), ("a.woff2", "font/woff2"), ("A.WEBP", "image/webp"), ("a.wasm", "application/wasm")],
)
async def test_types_are_the_same_on_every_machine(tmp_path: Path, name: str, media_type: str) -> None:
    (tmp_path / name).write_bytes(b"")
    async with client_of(BrowserApplication(tmp_path)) as client:
        assert (await client.get(f"/{name}")).headers["content-type"].partition(";")[0] == media_type


async def test_hashed_names_are_cached_for_a_year_and_others_revalidated(site: httpx.AsyncClient) -> None:
    hashed = await site.get("/main-4YQK2ZJX.js")
    assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
    for path in ("/app-settings.json", "/terms-20261130.json", "/app.css", "/assets/logo.svg"):
        assert (await site.get(path, headers=HTML)).headers["cache-control"] == "no-cache"
    for path in ("/", "/index.html", "/users/42"):
        assert (await site.get(path, headers=HTML)).headers["cache-control"] == "no-store"


async def test_the_etag_depends_on_the_content_and_saves_the_body(site: httpx.AsyncClient) -> None:
    etag = (await site.get("/app.css")).headers["etag"]
    assert etag == f'"{hashlib.sha256(b"a{}").hexdigest()[:32]}"'
    for told in (etag, f"W/{etag}", f'"other", {etag}'):
        answer = await site.get("/app.css", headers={"if-none-match": told})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
        assert answer.headers["cache-control"] == "no-cache"
    for told in ('"other"', etag.strip('"'), ""):
        assert (await site.get("/app.css", headers={"if-none-match": told})).status_code == 200


async def test_ranges_are_ignored(site: httpx.AsyncClient) -> None:
    """C-18."""
    many = "bytes=" + ",".join(f"{index}-{index}" for index in range(10_000))
    for wanted in ("bytes=0-1", many):
        answer = await site.get("/app.css", headers={"range": wanted})
        assert (answer.status_code, answer.content) == (200, b"a{}")


async def test_a_navigation_gets_the_application(site: httpx.AsyncClient) -> None:
    for path in ("/", "/verify", "/users/42", "/apiary", "/users/ada@example.com", "/x/1.2.3"):
        answer = await site.get(path, headers=HTML)
        assert (answer.status_code, answer.content) == (200, FILES["index.html"])
    assert (await site.get("/")).status_code == 200
    for path, headers in [
        ("/gone-4YQK2ZJX.js", HTML),
        ("/main-4YQK2ZJX.js.map", HTML),
        ("/.well-known/x", HTML),
        ("/verify", {"accept": "application/json"}),
        ("/verify", {}),
    ]:
        answer = await site.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nowhere", "/api/nowhere/index.html"])
async def test_an_unknown_path_of_the_api_is_never_a_page(site: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await site.request(method, path, headers=HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_files_are_only_read(site: httpx.AsyncClient, method: str) -> None:
    answer = await site.request(method, "/app.css")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def ask(static: ASGIApp, path: str, accept: bytes = b"*/*") -> tuple[int, bytes]:
    """Calls the application below every client and server that would normalise the path."""
    sent: list[Message] = []

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"accept", accept)]}
    await static(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


STEPS = st.lists(
    st.sampled_from(
        ["..", ".", "", "/", "\\", "public", "secret.txt", "app.css", "%2e%2e", "\x00", "etc", "passwd", "~"]
    )
    | st.text(max_size=300),
    max_size=6,
)


@given(STEPS, st.sampled_from([b"*/*", b"text/html"]))
@example(["", "["], b"text/html")
async def test_no_path_leads_out_of_the_folder(folder: Path, steps: list[str], accept: bytes) -> None:
    """C-15."""
    try:
        status, body = await ask(BrowserApplication(folder), "/" + "/".join(steps), accept)
    except NOT_FOUND:
        return
    assert (status, body) == (200, body)
    assert body in FILES.values()


async def test_a_folder_under_a_prefix_is_served_there_alone(folder: Path) -> None:
    static = Static(folder, "/api/docs")
    for path in ("/api/docs", "/api/docs/", "/api/docs/index.html"):
        assert await ask(static, path) == (200, FILES["index.html"])
    for path in ("/api/docsindex.html", "/app.css", "/api/docs/../app.css", "/api/docs/nowhere"):
        with pytest.raises(NOT_FOUND):
            await ask(static, path, b"text/html")


async def test_a_missing_folder_serves_nothing(tmp_path: Path) -> None:
    static = BrowserApplication(tmp_path / "nowhere")
    for path in ("/", "/index.html", "/users"):
        with pytest.raises(Problem):
            await ask(static, path, b"text/html")


# Of `ng build` (Angular 22.2) of a new application; the second with a global style and `ngCspNonce`.
STOCK = """<!doctype html>
<html lang="en" data-beasties-container>
<head>
  <base href="/">
<style>body{margin:0}</style>
<link rel="stylesheet" href="styles-5INURTSO.css" media="print" onload="this.media='all'"></head>
<body>
  <app-root></app-root>
<script src="main-HS5SINXE.js" type="module"></script></body>
</html>
"""
PREPARED = STOCK.replace("<app-root>", f'<app-root ngcspnonce="{NONCE}">').replace(
    "<style>", f'<style nonce="{NONCE}">'
)


def build(folder: Path, page: str) -> BrowserApplication:
    """A build of the size where compression pays, with what `ng build` and a build step for compression leave."""
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(page + "<!-- -->" * 200)
    (folder / "main-HS5SINXE.js").write_bytes(b"console.log(1);" * 200)
    (folder / "chunk-abcdefgh.js").write_bytes(b"console.log(2);" * 200)
    (folder / "chunk-abcdefgh.js.br").write_bytes(b"as if brotli")
    return BrowserApplication(folder)


@pytest.mark.parametrize("page", [STOCK, PREPARED], ids=["stock", "prepared"])
async def test_each_page_has_a_nonce_of_its_own_that_its_policy_allows(tmp_path: Path, page: str) -> None:
    async with client_of(build(tmp_path / "browser", page)) as client:
        nonces = set()
        for path in ("/", "/users/42"):
            answer = await client.get(path, headers=HTML)
            [nonce] = set(re.findall(r"'nonce-([^']+)'", answer.headers["content-security-policy"]))
            assert f'<body><template ngCspNonce="{nonce}"></template>' in answer.text
            assert f'<style nonce="{nonce}"' in answer.text
            assert f'<script nonce="{nonce}" src="main-HS5SINXE.js"' in answer.text
            assert NONCE not in answer.text
            assert "onload" not in answer.text
            nonces.add(nonce)
        assert len(nonces) == 2
        policy = answer.headers["content-security-policy"]
    for needed in ("base-uri 'self'", "require-trusted-types-for 'script'", "frame-ancestors 'none'"):
        assert needed in policy
    assert "unsafe" not in policy
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"


MARK = f'<template ngCspNonce="{NONCE}"></template>'


@pytest.mark.parametrize(
    ("page", "marked"),
    [
        ("<body><p>", f"<body>{MARK}<p>"),
        ('<BODY class="a>b"><APP-ROOT>', f'<BODY class="a>b">{MARK}<APP-ROOT>'),
        ("<title>x</title><app>", f"<title>x</title>{MARK}<app>"),
        ("<body><!-- <my-root> --><div app-root>", f"<body>{MARK}<!-- <my-root> --><div app-root>"),
        ("<noscript><p></noscript>\r\n<app>", f"<noscript><p></noscript>\r\n{MARK}<app>"),
        ("<body><style-switcher>", f"<body>{MARK}<style-switcher>"),
        ('<script>a<b-1; "<script src=x>"</script>', f'<script nonce="{NONCE}">a<b-1; "<script src=x>"</script>'),
        ('<SCRIPT nonce="x" data-nonce="y">', f'<SCRIPT nonce="{NONCE}" nonce="x" data-nonce="y">'),
        ("""<link media="print" href="a.css" onload="this.media='all'">""", '<link href="a.css">'),
    ],
    ids=["body", "capitals", "no body", "comment", "noscript", "names", "script", "other nonce", "late style"],
)
def test_marks_are_put_where_a_browser_sees_elements(page: str, marked: str) -> None:
    """C-357: whatever comments, scripts and attributes contain."""
    assert mark(page) == marked


def test_links_to_other_places_and_hidden_files_are_not_served(tmp_path: Path) -> None:
    """C-15."""
    (tmp_path / "secret").write_text("secret")
    inside = tmp_path / "browser"
    (inside / ".well-known").mkdir(parents=True)
    for name in ("a.txt", ".env", ".well-known/security.txt"):
        (inside / name).write_text("x")
    (inside / "link.txt").symlink_to(tmp_path / "secret")
    assert {path.relative_to(inside).as_posix() for path, _ in walk(inside)} == {"a.txt", ".well-known/security.txt"}


async def test_files_are_sent_compressed_as_the_client_accepts_it(tmp_path: Path) -> None:
    async with client_of(build(tmp_path / "browser", STOCK)) as client:
        for path, accepted, coding in [
            ("/main-HS5SINXE.js", "gzip, deflate, br", "gzip"),
            ("/main-HS5SINXE.js", "br", None),
            ("/main-HS5SINXE.js", "gzip;q=0", None),
            ("/chunk-abcdefgh.js", "gzip, deflate, br", "br"),
            ("/chunk-abcdefgh.js", "gzip", "gzip"),
            ("/", "gzip, deflate, br", "gzip"),
        ]:
            async with client.stream("GET", path, headers={"accept-encoding": accepted, **HTML}) as answer:
                assert answer.headers.get("content-encoding") == coding, (path, accepted)
                assert answer.headers["vary"] == "Accept-Encoding"
        assert (await client.get("/chunk-abcdefgh.js.br")).status_code == 404
        plain, packed = [
            (await client.get("/main-HS5SINXE.js", headers={"accept-encoding": coding})) for coding in ("", "gzip")
        ]
        assert plain.content == packed.content
        assert plain.headers["etag"] != packed.headers["etag"]


async def test_the_statistics_of_the_build_say_what_never_changes(tmp_path: Path) -> None:
    (tmp_path / "browser-stats.json").write_text('{"outputs": {"chunk-abcdefgh.js": {}, "polyfills.js": {}}}')
    async with client_of(build(tmp_path / "browser", STOCK)) as client:
        assert "immutable" in (await client.get("/chunk-abcdefgh.js")).headers["cache-control"]
        assert (await client.get("/main-HS5SINXE.js")).headers["cache-control"] == "no-cache"


def test_the_folder_may_be_the_one_that_the_builder_names(tmp_path: Path) -> None:
    build(tmp_path / "dist/browser", STOCK)
    for named in ("dist", "dist/browser"):
        assert read_web_folder(str(tmp_path / named)) == tmp_path / "dist/browser"
    with pytest.raises(ValueError, match="build the application first"):
        read_web_folder(str(tmp_path))


def test_without_a_variable_the_build_is_served_or_the_stand_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deployment of the API alone leaves out web/, and has no pages."""
    monkeypatch.setattr("api.kernel.config.folders.ROOT", tmp_path)
    assert read_web_folder(BUILT) == tmp_path / "web/public"
    build(tmp_path / "web/public", STOCK)
    assert read_web_folder(BUILT) == tmp_path / "web/public"
    build(tmp_path / "web/dist/browser", STOCK)
    assert read_web_folder(BUILT) == tmp_path / "web/dist/browser"


async def test_concurrent_first_requests_make_a_document_once_and_get_all_of_it() -> None:
    made: list[bytes] = []

    def make() -> bytes:
        made.append(bytes(300_000))  # several parts
        return made[-1]

    transport = httpx.ASGITransport(Document("/document", make, "text/plain"))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answers = await asyncio.gather(*(client.get("/document") for _ in range(20)))
        plain = await client.get("/document", headers={"accept-encoding": "identity"})
    assert len(made) == 1
    assert {answer.content for answer in (*answers, plain)} == {made[0]}
