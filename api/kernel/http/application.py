"""The built browser application: its files by exact path, and index.html for each page that its router knows.

index.html has a nonce for each response, in place of `__CSP_NONCE__`, with which Angular marks the styles of components
that it adds at run time (https://angular.dev/best-practices/security). A build without the placeholder works too: the
marks are added at start."""

import gzip
import html.parser
import json
import re
import secrets
from pathlib import Path

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.kernel.errors import METHOD_NOT_ALLOWED, NOT_FOUND
from api.kernel.http.headers import combine
from api.kernel.http.routing import PREFIX
from api.kernel.http.static import FILE_HEADERS, IMMUTABLE, accepted_codings, make_file, media_type_of, respond, walk

NONCE = "__CSP_NONCE__"
POLICY = (
    f"default-src 'none'; script-src 'self' 'nonce-{NONCE}'; style-src 'self' 'nonce-{NONCE}'; connect-src 'self'; "
    "img-src 'self' data: blob:; font-src 'self'; media-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "frame-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types angular angular#components"
)
"""`base-uri 'self'`: Angular's router needs <base href>. `angular#components` is the policy of Angular's CDK."""
PAGE_HEADERS = {
    "cache-control": "no-store",  # a stored page would repeat its nonce
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "vary": "Accept-Encoding",
}
# A missing file of these kinds is 404, never a page. Other last segments with a dot, such as an address, are pages.
_FILES = re.compile(
    r".*\.(avif|css|gif|ico|jpe?g|js|json|map|mjs|png|svg|ttf|txt|wasm|webmanifest|webp|woff2?|xml)", re.IGNORECASE
)
_HASHED = re.compile(r"[^/]+-(?=[a-z_-]*[A-Z0-9])[A-Za-z0-9_-]{8}\.(js|css)|(media/)?[^/]+-[A-Z2-7]{8}\.\w+")
"""How Angular's builder names files by their content: in base32, and scripts also with other letters. Not each word and
date of eight characters, in which the name of an asset may end."""
_HEAD = ("html", "head", "base", "link", "meta", "title", "script", "style")
_LATE = re.compile(r"""\s+(media|onload)\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)""", re.IGNORECASE)


class BrowserApplication:
    """ASGI application that serves the build in `folder`. Without an index.html there, each page is 404."""

    def __init__(self, folder: Path) -> None:
        self._files = {}
        immutable = _built_names(folder)
        for path, compressed in walk(folder):
            name = path.relative_to(folder).as_posix()
            if name == "index.html" or ".map" in path.name.lower():  # source maps are for developers
                continue
            forever = name in immutable if immutable else _HASHED.fullmatch(name)
            headers = FILE_HEADERS | {"cache-control": IMMUTABLE if forever else "no-cache"}
            self._files[f"/{name}"] = make_file(path.read_bytes(), media_type_of(name), headers, compressed)
        index = folder / "index.html"
        self._page = mark(index.read_text("utf-8-sig")).split(NONCE) if index.is_file() else None
        self._policy = POLICY.split(NONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route_template"] = "static"
        path = scope["path"]
        if f"{path}/".startswith(f"{PREFIX}/"):
            raise NOT_FOUND  # unknown API paths are not pages
        if scope["method"] not in ("GET", "HEAD"):
            raise METHOD_NOT_ALLOWED(headers={"allow": "GET, HEAD"})
        headers = combine(scope["headers"])
        if file := self._files.get(path):
            await respond(file, headers, scope, receive, send)
        elif self._page and (path in ("/", "/index.html") or _navigates(path, headers.get(b"accept", b""))):
            accepted = accepted_codings(headers.get(b"accept-encoding", b"").decode("latin-1"))
            await self._render(self._page, "gzip" in accepted)(scope, receive, send)
        else:
            raise NOT_FOUND

    def _render(self, page: list[str], compress: bool) -> Response:
        """Return the page with a nonce of its own. Compressing it reveals nothing: nothing in it is of a request."""
        nonce = secrets.token_urlsafe(16)
        content, headers = (
            nonce.join(page).encode(),
            PAGE_HEADERS | {"content-security-policy": nonce.join(self._policy)},
        )
        if compress:
            content, headers["content-encoding"] = gzip.compress(content, 5, mtime=0), "gzip"
        return Response(content, 200, headers, "text/html")


def mark(page: str) -> str:
    """Return index.html with the placeholder on each script and style, and on an element of its own at the beginning
    of the body, whose `ngCspNonce` is the first that Angular finds. An inserted attribute wins over a later one of the
    same name (HTML Standard §13.2.5.33).

    Also drops the event handler by which the builder loads a stylesheet late (`inlineCritical`): the policy refuses it,
    and the page would stay without its styles."""
    marks = _Marks(page)
    for start, end, text in sorted(marks.edits, reverse=True):
        page = page[:start] + text + page[end:]
    return page


class _Marks(html.parser.HTMLParser):
    """Finds where to edit a page. A parser, because comments and scripts may contain what looks like a tag."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=False)
        self._lines = [0, *(found.end() for found in re.finditer("\n", page))]
        self._has_body = self._silent = False
        self.edits: list[tuple[int, int, str]] = []
        """Start and end of what is replaced, and its replacement."""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line, column = self.getpos()
        start, text = self._lines[line - 1] + column, self.get_starttag_text() or ""
        if tag in ("script", "style"):
            after = start + len("<") + len(tag)
            self.edits.append((after, after, f' nonce="{NONCE}"'))
        elif tag == "link" and ("media", "print") in attrs:
            self.edits.append((start, start + len(text), _LATE.sub("", text)))
        elif tag == "noscript":
            self._silent = True
        elif not self._has_body and not self._silent and tag not in _HEAD:
            self._has_body = True
            place = start + len(text) if tag == "body" else start
            self.edits.append((place, place, f'<template ngCspNonce="{NONCE}"></template>'))

    def handle_endtag(self, tag: str) -> None:
        if tag == "noscript":
            self._silent = False


def _navigates(path: str, accept: bytes) -> bool:
    """Whether a browser asks for a page. Paths such as `/.well-known/…` are not pages."""
    return b"text/html" in accept and not path.startswith("/.") and not _FILES.fullmatch(path)


def _built_names(folder: Path) -> set[str]:
    """Return the files that the builder named by their content, from the statistics beside the folder (`statsJson` in
    angular.json); empty if there are none."""
    stats = folder.parent / "browser-stats.json"
    if not stats.is_file():
        return set()
    outputs: dict[str, object] = json.loads(stats.read_bytes())["outputs"]
    return {name for name in outputs if re.search(r"-[A-Za-z0-9_-]{8}\.\w+$", name)}
