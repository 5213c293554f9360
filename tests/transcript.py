"""Writes requests and their answers as Markdown. Values that differ between runs are replaced, so that the text changes
only with the API."""

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from api.kernel.http.routing import Route
from tests.browser import Browser

# The headers of requests and answers that are relevant to clients.
SENT = ("authorization", "cookie", "x-xsrf-token", "idempotency-key", "if-match", "if-none-match", "content-type")
GOT = ("etag", "idempotency-replayed", "link", "set-cookie")
SECRET = {"token", "access_token", "refresh_token", "next_cursor"}
CHANGING = [
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"), "eyJ…"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z"), "2026-01-31T12:00:00Z"),
    (re.compile(r'"(?:[0-9a-f]{16}\.)?[0-9a-f]{32,64}"'), '"8a7f…"'),
    (re.compile(r"^id: [0-9a-f]+\.\d+$"), "id: 8a7f.1"),
    (re.compile(r"^retry: \d+$"), "retry: 5000"),
    (re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-\d\d"), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"),
    (re.compile(r'("(?:events_|tasks_)?oldest_seconds": )[\d.]+'), r"\g<1>0.5"),
    (re.compile(r"((?:__Host-\w+|XSRF-TOKEN)=)[^;\s]+"), r"\1…"),
    (re.compile(r"(x-xsrf-token: |[?&](?:cursor|token)=)[\w%.-]+"), r"\1…"),
]
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
WIDTH = 110


class Transcript:
    def __init__(self, client: httpx.AsyncClient, routes: Mapping[tuple[str, str], Route]) -> None:
        self.client = client
        self.left = dict(routes)
        """The routes that were not shown yet."""
        self.lines: list[str] = []
        self._ids: dict[str, str] = {}

    def write(self, text: str) -> None:
        self.lines += [text, ""]

    def describe(self, route: str) -> None:
        """Write the heading of a route that cannot be shown as text, such as a WebSocket."""
        method, _, template = route.partition(" ")
        self.lines += _heading(self.left.pop((method, template)))

    async def show(self, route: str, by: Browser | None = None, **options: Any) -> httpx.Response:
        """Send a request and write the route (the first time), the request and the answer, which must not be an error.
        `options` are the path parameters and httpx's arguments."""
        method, _, template = route.partition(" ")
        path = "/api" + re.sub(r"{(\w+)}", lambda name: str(options.pop(name[1])), template)
        if described := self.left.pop((method, template), None):
            self.lines += _heading(described)
        response = await (by or self.client).request(method, path, **options)
        request = response.request
        assert response.status_code < 400, f"{route}: {response.text}"
        lines = [f"{method} {request.url.raw_path.decode()}", *_headers(request.headers, SENT)]
        lines += _content(request.content, request.headers)
        lines += ["", f"{response.status_code} {response.reason_phrase}", *_headers(response.headers, GOT)]
        lines += _content(response.content, response.headers)
        self.lines += ["```http", *map(self._stable, lines), "```", ""]
        return response

    def _stable(self, line: str) -> str:
        for pattern, instead in CHANGING:
            line = pattern.sub(instead, line)
        return ID.sub(self._numbered, line)

    def _numbered(self, id: re.Match[str]) -> str:
        return self._ids.setdefault(id[0], f"019c0000-0000-7000-8000-{len(self._ids) + 1:012}")


def _heading(route: Route) -> Iterator[str]:
    yield from (f"### `{route.method} {route.path}`", "")
    about = [" ".join((inspect.getdoc(route.handler) or "").split())]
    about.append(f"Guard: {route.guard.name}.")
    if route.limit and route.limit != "off":
        by = route.by.__name__.removeprefix("by_").replace("_", " ") + ", else by address" if route.by else "address"
        about.append(f"At most {route.limit} by {'account' if route.guard.asks else by}.")
    if route.errors:
        refusals = sorted({(refusal.status, refusal.code) for refusal in route.errors})
        about.append("Error codes: " + ", ".join(f"{status} `{code}`" for status, code in refusals) + ".")
    yield from (" ".join(about), "")


def _headers(headers: httpx.Headers, names: tuple[str, ...]) -> list[str]:
    return [f"{name}: {value}" for name in names for value in headers.get_list(name)]


def _content(content: bytes, headers: httpx.Headers) -> list[str]:
    if not content:
        return []
    if "json" not in headers["content-type"]:
        media_type = headers["content-type"]
        if not media_type.startswith(("text/", "application/x-www-form-urlencoded")):
            return ["", f"<{media_type}, {len(content)} bytes>"]
        return ["", *content.decode().splitlines()]
    value = _shortened(json.loads(content))
    line = json.dumps(value, ensure_ascii=False)
    return ["", *(line if len(line) <= WIDTH else json.dumps(value, ensure_ascii=False, indent=2)).splitlines()]


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: "…" if name in SECRET and each else _shortened(each) for name, each in value.items()}
    return [_shortened(each) for each in value] if isinstance(value, list) else value
