"""Built files: only those, by exact path, and a page for whoever navigates."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.types import Message, Scope

from api.kernel.errors import NOT_FOUND, Problem, Problems
from api.kernel.http.static import Static

HTML = {"accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
FILES = {
    "index.html": b"<!doctype html>",
    "main-4YQK2ZJX.js": b"console.log(1)",
    "app.css": b"a{}",
    "assets/logo.svg": b"<svg/>",
    "odd.unheardof": b"?",
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


def client_of(static: Static) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(Problems(static)), base_url="http://localhost")


@pytest.fixture
async def site(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(Static(folder, fallback=True)) as client:
        yield client


async def test_a_file_is_served_with_its_type_and_its_policy(site: httpx.AsyncClient) -> None:
    answer = await site.get("/assets/logo.svg")
    assert (answer.status_code, answer.content) == (200, b"<svg/>")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert (await site.get("/app.css")).headers["content-type"] == "text/css; charset=utf-8"
    assert (await site.get("/odd.unheardof")).headers["content-type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.js", "text/javascript"), ("a.woff2", "font/woff2"), ("A.WEBP", "image/webp"), ("a.wasm", "application/wasm")],
)
async def test_types_are_the_same_on_every_machine(tmp_path: Path, name: str, media_type: str) -> None:
    (tmp_path / name).write_bytes(b"")
    async with client_of(Static(tmp_path)) as client:
        assert (await client.get(f"/{name}")).headers["content-type"].partition(";")[0] == media_type


async def test_hashed_names_are_kept_for_a_year_and_the_rest_is_asked_for_again(site: httpx.AsyncClient) -> None:
    hashed = await site.get("/main-4YQK2ZJX.js")
    assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
    for path in ("/", "/index.html", "/app.css", "/assets/logo.svg"):
        assert (await site.get(path, headers=HTML)).headers["cache-control"] == "no-cache"


async def test_the_etag_is_of_the_content_and_saves_the_body(site: httpx.AsyncClient) -> None:
    etag = (await site.get("/app.css")).headers["etag"]
    assert etag == f'"{hashlib.sha256(b"a{}").hexdigest()[:32]}"'
    for told in (etag, f"W/{etag}", f'"other", {etag}'):
        answer = await site.get("/app.css", headers={"if-none-match": told})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
        assert answer.headers["cache-control"] == "no-cache"
    for told in ('"other"', etag.strip('"'), ""):
        assert (await site.get("/app.css", headers={"if-none-match": told})).status_code == 200


async def test_ranges_are_not_looked_at(site: httpx.AsyncClient) -> None:
    """C-18."""
    many = "bytes=" + ",".join(f"{index}-{index}" for index in range(10_000))
    for wanted in ("bytes=0-1", many):
        answer = await site.get("/app.css", headers={"range": wanted})
        assert (answer.status_code, answer.content) == (200, b"a{}")


async def test_whoever_navigates_gets_the_application(site: httpx.AsyncClient) -> None:
    for path in ("/", "/verify", "/users/42", "/apiary"):
        answer = await site.get(path, headers=HTML)
        assert (answer.status_code, answer.content) == (200, FILES["index.html"])
    assert (await site.get("/")).status_code == 200
    for path, headers in [("/gone.js", HTML), ("/verify", {"accept": "application/json"}), ("/verify", {})]:
        answer = await site.get(path, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nowhere", "/api/nowhere/index.html"])
async def test_an_unknown_address_of_the_api_is_never_a_page(site: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await site.request(method, path, headers=HTML)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
async def test_files_are_only_read(site: httpx.AsyncClient, method: str) -> None:
    answer = await site.request(method, "/app.css")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def ask(static: Static, path: str, accept: bytes = b"*/*") -> tuple[int, bytes]:
    """Below every client and server that would tidy the path."""
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
        status, body = await ask(Static(folder, fallback=True), "/" + "/".join(steps), accept)
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


async def test_a_folder_that_is_not_there_serves_nothing(tmp_path: Path) -> None:
    static = Static(tmp_path / "nowhere", fallback=True)
    for path in ("/", "/index.html", "/users"):
        with pytest.raises(Problem):
            await ask(static, path, b"text/html")
