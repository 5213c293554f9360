"""The API page at /api/docs, and the files that it shares with the mailbox page of `make run`."""

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from api.app import create_app
from api.kernel.context import Context
from api.kernel.settings import Settings
from dev import mailbox

FOLDER = Path(__file__).parents[2] / "api/kernel/contract/docs"
SCRIPTS = {path.name: path.read_text() for path in FOLDER.glob("*.js")}


class Elements(HTMLParser):
    """The start tags of a page, with their attributes, and the ids."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.ids = {attributes["id"] for _, attributes in self.found if "id" in attributes}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture
async def pages(settings: Settings, context: Context) -> AsyncIterator[httpx.AsyncClient]:
    (app := create_app(settings)).state.context = context
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        yield client


async def test_the_page_is_complete_under_a_policy_without_inline_code(pages: httpx.AsyncClient) -> None:
    """C-362: every file that it names is served; scripts, styles and handlers are files."""
    answer = await pages.get("/api/docs")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'" in policy
    assert "unsafe" not in policy
    elements = Elements(answer.text)
    named = set()
    for tag, attributes in elements.found:
        assert tag != "style"
        assert tag != "script" or attributes["src"]
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        named |= {attributes[name] for name in ("src", "href") if name in attributes}
    named |= {urljoin("/api/docs/", path) for text in SCRIPTS.values() for path in re.findall(r'from "(.*)"', text)}
    assert len(named) > len(SCRIPTS)
    for path in named - {"/"}:
        assert path is not None
        assert (await pages.get(path)).status_code == 200, path


def test_scripts_insert_text_and_use_elements_that_exist() -> None:
    """C-362: content of answers is never markup, and a renamed element is not forgotten."""
    ids = Elements((FOLDER / "index.html").read_text()).ids
    for name, text in SCRIPTS.items():
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|localStorage|\bstyle\b", text
        ), name
        assert {f"docs-{used}" for used in re.findall(r'page\("([\w-]+)"\)', text)} <= ids, name


async def test_the_mailbox_has_the_same_palette_and_mark(pages: httpx.AsyncClient, tmp_path: Path) -> None:
    palette = (await pages.get("/api/docs/palette.css")).text
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(mailbox.page(tmp_path)), base_url="http://localhost"
    ) as mails:
        page = await mails.get("/")
        mark = await mails.get("/mark.svg")
    assert palette in page.text
    assert "No mail yet." in page.text
    assert mark.text == (await pages.get("/api/docs/mark.svg")).text
    assert mark.headers["content-type"] == "image/svg+xml"
