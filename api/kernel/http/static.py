"""Static files, read once at start. Only these files are served, by exact path, so that no path escapes the folder.
Each is compressed once: at build, where `name.br` or `name.gz` stands beside it, otherwise with gzip at start."""

import asyncio
import gzip
import hashlib
import mimetypes
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.kernel.errors import METHOD_NOT_ALLOWED, NOT_FOUND
from api.kernel.http.headers import combine, names

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FILE_HEADERS = {"cache-control": "no-cache", "content-security-policy": _POLICY}
IMMUTABLE = "public, max-age=31536000, immutable"
# Python's types, with those that it lacks, and not those of the machine, which differ and take 3 ms to read.
_TYPES = mimetypes.types_map | {
    ".js": "text/javascript",  # RFC 9239
    ".otf": "font/otf",
    ".ttf": "font/ttf",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}
_CODINGS = {"br": ".br", "gzip": ".gz"}
"""Content codings by preference, and the suffix of a file that was compressed at build."""
_REFUSED = re.compile(r"q=0(\.0{0,3})?")
_COMPRESSIBLE = re.compile(r"text/|application/(javascript|json|manifest\+json|wasm|xml)|image/(svg|vnd\.microsoft)")
_COMPRESSED_BYTES = range(1024, 8 * 1024 * 1024)
"""A smaller answer fits one packet anyway; a larger one would delay the start by a second."""

_PART_BYTES = 64 * 1024


class Coded(msgspec.Struct, frozen=True):
    """A file in one content coding, with its response headers."""

    content: bytes
    headers: dict[str, str]


class File(msgspec.Struct, frozen=True):
    media_type: str
    codings: dict[str, Coded]
    """By content coding, the preferred one first. `identity` is the last."""

    def best(self, accepted: str) -> Coded:
        """Return the file in the coding that an Accept-Encoding field allows (RFC 9110 §12.5.3)."""
        taken = accepted_codings(accepted)
        return next((coded for coding, coded in self.codings.items() if coding in taken), self.codings["identity"])


def make_file(
    content: bytes, media_type: str, headers: Mapping[str, str], compressed: Mapping[str, bytes] | None = None
) -> File:
    """Return the file in each coding. The ETag is of the content, and differs by coding (RFC 9110 §8.8.3.3)."""
    found = dict(compressed or {})
    if "gzip" not in found and len(content) in _COMPRESSED_BYTES and _COMPRESSIBLE.match(media_type):
        found["gzip"] = gzip.compress(content, 6, mtime=0)
    tag = hashlib.sha256(content).hexdigest()[:32]
    shared = dict(headers) | ({"vary": "Accept-Encoding"} if found else {})
    codings = {
        coding: Coded(found[coding], {**shared, "etag": f'"{tag}-{coding}"', "content-encoding": coding})
        for coding in _CODINGS
        if coding in found
    }
    codings["identity"] = Coded(content, {**shared, "etag": f'"{tag}"'})
    return File(media_type, codings)


def accepted_codings(accepted: str) -> set[str]:
    """Return the codings that an Accept-Encoding field names and does not refuse. `*` names none."""
    parts = (part.partition(";") for part in accepted.split(","))
    found = {name.strip().lower() for name, _, weight in parts if not _REFUSED.fullmatch(weight.strip().lower())}
    return found | {"gzip"} if "x-gzip" in found else found


async def respond(file: File, headers: dict[bytes, bytes], scope: Scope, receive: Receive, send: Send) -> None:
    """Send the file, or 304 if the client has it. Raises METHOD_NOT_ALLOWED."""
    if scope["method"] not in ("GET", "HEAD"):
        raise METHOD_NOT_ALLOWED(headers={"allow": "GET, HEAD"})
    coded = file.best(headers.get(b"accept-encoding", b"").decode("latin-1"))
    if names(headers.get(b"if-none-match", b"").decode("latin-1"), coded.headers["etag"]):
        response = Response(None, 304, coded.headers)
    else:
        response = _Parts(coded.content, 200, coded.headers, file.media_type)
    await response(scope, receive, send)


class _Parts(Response):
    """A response that is sent in parts, so that a client that does not read occupies the memory of one of them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        size = len(self.body)
        for at in range(0, max(size, 1), _PART_BYTES):
            part, end = self.body[at : at + _PART_BYTES], at + _PART_BYTES
            await send({"type": "http.response.body", "body": part, "more_body": end < size})


def media_type_of(name: str) -> str:
    return _TYPES.get(Path(name).suffix.lower(), "application/octet-stream")


def walk(folder: Path) -> Iterator[tuple[Path, dict[str, bytes]]]:
    """Yield each file below the folder, with its compressed forms by coding. Hidden files, such as `.env`, and links
    to files elsewhere are left out; `.well-known` (RFC 8615) is not hidden."""
    root = folder.resolve()
    found = {
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.resolve().is_relative_to(root)
        and not any(part.startswith(".") and part != ".well-known" for part in path.relative_to(folder).parts)
    }
    forms = {path.with_name(path.name + suffix) for path in found for suffix in _CODINGS.values()} & found
    for path in sorted(found - forms):
        siblings = {coding: path.with_name(path.name + suffix) for coding, suffix in _CODINGS.items()}
        yield path, {coding: sibling.read_bytes() for coding, sibling in siblings.items() if sibling in forms}


class Document:
    """ASGI application for one generated document. The first request makes and compresses it, on a thread."""

    def __init__(self, path: str, make: Callable[[], bytes], media_type: str) -> None:
        self._path, self._make, self._media_type = path, make, media_type
        self._file: File | None = None
        self._lock = asyncio.Lock()

    def _made(self) -> File:
        return make_file(self._make(), self._media_type, {"cache-control": "no-cache"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route_template"] = self._path
        if self._file is None:
            async with self._lock:  # concurrent first requests make it once
                if self._file is None:
                    self._file = await asyncio.to_thread(self._made)
        await respond(self._file, combine(scope["headers"]), scope, receive, send)


class Static:
    """ASGI application that serves the files in `folder` under the URL path `prefix`, and index.html at the prefix."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self._files = {
            f"{prefix}/{path.relative_to(folder).as_posix()}": make_file(
                path.read_bytes(), media_type_of(path.name), FILE_HEADERS, compressed
            )
            for path, compressed in walk(folder)
        }
        if index := self._files.get(f"{prefix}/index.html"):
            self._files |= {prefix: index, f"{prefix}/": index}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route_template"] = "static"
        file = self._files.get(scope["path"])
        if file is None:
            raise NOT_FOUND
        await respond(file, combine(scope["headers"]), scope, receive, send)
