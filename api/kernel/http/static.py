"""A folder of built files, read once at start. Only these files are served, by exact path, so that no path escapes the
folder. Navigation to an unknown page serves index.html, for the application's client-side router."""

import asyncio
import gzip
import hashlib
import mimetypes
import os
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.kernel.errors import METHOD_NOT_ALLOWED, NOT_FOUND
from api.kernel.http.headers import combine, names
from api.kernel.http.routing import PREFIX

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Python's types, with those that it lacks, and not those of the machine, which differ and take 3 ms to read.
_TYPES = mimetypes.types_map | {
    ".js": "text/javascript",  # RFC 9239
    ".otf": "font/otf",
    ".ttf": "font/ttf",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
_REFUSED = re.compile(r"q=0(\.0{0,3})?")
_HASHED = re.compile(r"-[A-Za-z0-9_-]{8}\.\w+$")  # Angular's build names immutable files like this


class File(msgspec.Struct, frozen=True):
    content: bytes
    media_type: str
    headers: dict[str, str]


class Document:
    """ASGI application for one generated document. The first request makes and compresses it, on a thread. Its ETag
    differs by encoding (RFC 9110 §8.8.3.3)."""

    def __init__(self, path: str, make: Callable[[], bytes], media_type: str) -> None:
        self._path, self._make, self._media_type = path, make, media_type
        self._files: tuple[File, File] | None = None

    def _made(self) -> tuple[File, File]:
        """Return the document as it is, and compressed."""
        content = self._make()
        fields = {"cache-control": "no-cache", "vary": "Accept-Encoding"}
        tag = hashlib.sha256(content).hexdigest()[:32]
        encoded = {**fields, "etag": f'"{tag}-gzip"', "content-encoding": "gzip"}
        return (
            File(content, self._media_type, {**fields, "etag": f'"{tag}"'}),
            File(gzip.compress(content, mtime=0), self._media_type, encoded),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route_template"] = self._path
        headers = combine(scope["headers"])
        if self._files is None:
            self._files = await asyncio.to_thread(self._made)
        plain, compressed = self._files
        accepted = headers.get(b"accept-encoding", b"").decode("latin-1")
        await _respond(compressed if accepts_gzip(accepted) else plain, headers, scope, receive, send)


def accepts_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding field allows gzip (RFC 9110 §12.5.3). `*` alone does not count."""
    return any(
        coding.strip().lower() in ("gzip", "x-gzip") and not _REFUSED.fullmatch(weight.strip().lower())
        for coding, _, weight in (part.partition(";") for part in accepted.split(","))
    )


async def _respond(file: File, headers: dict[bytes, bytes], scope: Scope, receive: Receive, send: Send) -> None:
    if scope["method"] not in ("GET", "HEAD"):
        raise METHOD_NOT_ALLOWED(headers={"allow": "GET, HEAD"})
    if names(headers.get(b"if-none-match", b"").decode("latin-1"), file.headers["etag"]):
        response = Response(None, 304, file.headers)
    else:
        response = Response(file.content, 200, file.headers, file.media_type)
    await response(scope, receive, send)


def read_file(path: Path) -> File:
    """Read a file and its response headers: names with a hash are cached for a year, others are revalidated by ETag."""
    content = path.read_bytes()
    forever = bool(_HASHED.search(path.name))
    headers = {
        "cache-control": "public, max-age=31536000, immutable" if forever else "no-cache",
        "etag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        "content-security-policy": CONTENT_SECURITY_POLICY,
    }
    return File(content, _TYPES.get(path.suffix.lower(), "application/octet-stream"), headers)


class Static:
    """ASGI application that serves the files in `folder` under the URL path `prefix`."""

    def __init__(self, folder: Path, prefix: str = "", *, fallback: bool = False) -> None:
        found = (path for path in folder.rglob("*") if path.is_file())
        self._files = {f"{prefix}/{path.relative_to(folder).as_posix()}": read_file(path) for path in found}
        self._index = self._files.get(f"{prefix}/index.html")
        self._root = {prefix or "/", f"{prefix}/"}
        self._prefix, self._fallback = prefix, fallback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route_template"] = "static"
        if not self._prefix and f"{scope['path']}/".startswith(f"{PREFIX}/"):
            raise NOT_FOUND  # unknown API paths are not pages
        if scope["method"] not in ("GET", "HEAD"):
            raise METHOD_NOT_ALLOWED(headers={"allow": "GET, HEAD"})
        headers = combine(scope["headers"])
        file = self._files.get(scope["path"]) or self._page(scope["path"], headers.get(b"accept", b""))
        if file is None:
            raise NOT_FOUND
        await _respond(file, headers, scope, receive, send)

    def _page(self, path: str, accept: bytes) -> File | None:
        navigates = b"text/html" in accept and os.path.splitext(path)[1].lower() not in _TYPES
        return self._index if path in self._root or (self._fallback and navigates) else None
