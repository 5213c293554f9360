"""The pages behind mailed links: a token is known only to the mail, the page and one POST."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from api.users import tasks
from api.users.tasks import Link

LINKS = [link for link in vars(tasks).values() if isinstance(link, Link)]
HTML = {"accept": "text/html"}
# Attributes, style sheets and scripts that load or navigate.
REFERENCES = re.compile(
    r"""(?:\b(?:href|src|srcset|action|poster|content)\s*=\s*|url\(\s*|@import\s+)["']?([^"'\s)>]+)"""
)
ABSOLUTE = re.compile(r"""\b[a-z][a-z0-9+.-]*://[^\s"'`]*|["'`(]//[^\s"'`]*""", re.IGNORECASE)


OWN = {"'none'", "'self'", "data:", "blob:"}


@pytest.fixture
def files(root: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (root / "web/public").rglob("*") if path.is_file()}


def referenced(files: dict[str, str]) -> Iterator[str]:
    for text in files.values():
        yield from REFERENCES.findall(text)
        yield from ABSOLUTE.findall(text)


@pytest.mark.case(84)
@pytest.mark.parametrize("link", LINKS, ids=lambda link: link.page)
async def test_a_page_sends_no_referrer(client: httpx.AsyncClient, link: Link) -> None:
    page = await client.get(f"/{link.page}", headers=HTML)
    assert page.status_code == 200
    for answer in [page, *[await client.get(path) for path in re.findall(r'(?:src|href)="(/\w+\.\w+)"', page.text)]]:
        assert answer.headers["referrer-policy"] == "no-referrer"
        policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["form-action"] == "'none'"
        sources = {source for name in policy if name.endswith("-src") for source in policy[name].split()}
        assert {source for source in sources if not source.startswith("'nonce-")} <= OWN


@pytest.mark.case(84)
def test_the_pages_load_nothing_from_another_origin(files: dict[str, str]) -> None:
    assert {"/app.css", "/app.js"} <= set(referenced(files)), "the page has references"
    foreign = [each for each in referenced(files) if urlsplit(each.lstrip("\"'`(")).netloc]
    assert foreign == []
    assert not re.search(r"referrerpolicy|name=.referrer", files["index.html"]), "it would override the header"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<base\b", files["index.html"])


@pytest.mark.case(84)
def test_the_token_leaves_the_address_before_any_request(files: dict[str, str]) -> None:
    """Only the page's script runs. It reads the token from the fragment, which browsers do not send, and the next
    statement removes it from the address bar and the history, before any request or click."""
    script = files["app.js"]
    _, begun, opening = script.partition("function open() {\n")
    assert begun
    opening = opening.partition("\n}\n")[0]
    taken = re.search(r"\.get\(\"token\"\).*\n\s*history\.replaceState\(null, \"\", location\.pathname\);", opening)
    assert taken, opening
    assert script.count("location.hash") == 1
    assert "location.hash" in opening[: taken.end()]
    assert not re.search(r"\b(?:fetch|call|import|submit|await)\b", opening[: taken.end()])
    assert re.findall(r"^(?!on|async|addEventListener)[a-z]\w*\(.*", script, re.MULTILINE) == ["open();"]
    assert not re.search(r"\b(?:localStorage|sessionStorage|console|document\.cookie|sendBeacon)\b", script)


@pytest.mark.case(84)
def test_each_kind_of_link_has_its_page(files: dict[str, str]) -> None:
    known = re.findall(r'^  "/([\w-]+)": \{$', files["app.js"], re.MULTILINE)
    assert sorted(known) == sorted(link.page for link in LINKS)
    assert len(LINKS) == 5
