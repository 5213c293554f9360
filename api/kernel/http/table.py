"""The routing table: endpoints by path and method."""

import re
from collections.abc import Iterable, Sequence

from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from api.kernel.errors import METHOD_NOT_ALLOWED, UNAVAILABLE
from api.kernel.http.pipeline import Endpoint
from api.kernel.http.routing import PREFIX, Authenticate, Identify, Quotas, Renewal, Route

MAX_ACTIVE = 500
"""Maximum concurrent requests per path; more are answered 503."""


class Methods:
    """The endpoints of one path by method. HEAD is served as GET; the server omits the body."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.endpoints: dict[str, Endpoint] = {}
        self._active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self.endpoints.get("GET" if scope["method"] == "HEAD" else scope["method"])
        if endpoint is None:
            scope["route_template"] = PREFIX + self.path
            allowed = [*self.endpoints, "HEAD"] if "GET" in self.endpoints else list(self.endpoints)
            raise METHOD_NOT_ALLOWED(headers={"allow": ", ".join(allowed)})
        if endpoint.lasts:  # counted by api/kernel/live
            return await endpoint(scope, receive, send)
        if self._active >= MAX_ACTIVE:
            raise UNAVAILABLE("Too many concurrent requests to this path; try again shortly.")
        self._active += 1
        try:
            await endpoint(scope, receive, send)
        finally:
            self._active -= 1


class Table(BaseRoute):
    """All paths as one Starlette route. Literal paths are looked up in a dictionary, others by their pattern. If
    several patterns match, a literal segment precedes a parameter, whatever the order of the routes. Starlette alone
    would try all patterns one after the other."""

    def __init__(self, paths: Iterable[Methods]) -> None:
        self.literal: dict[str, Methods] = {}
        self.patterns: list[tuple[re.Pattern[str], Methods]] = []
        for methods in sorted(paths, key=lambda methods: ["{" in segment for segment in methods.path.split("/")]):
            if "{" in methods.path:
                pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(PREFIX + methods.path))
                self.patterns.append((re.compile(pattern), methods))
            else:
                self.literal[PREFIX + methods.path] = methods

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope["path"]
        methods = self.literal.get(path)
        if methods is not None:
            return Match.FULL, {"endpoint": methods, "path_params": {}}
        for pattern, methods in self.patterns:
            found = pattern.fullmatch(path)
            if found:
                return Match.FULL, {"endpoint": methods, "path_params": found.groupdict()}
        return Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["endpoint"](scope, receive, send)


def mount(
    routes: Sequence[Route],
    authenticate: Authenticate,
    recognise: Identify,
    renewal: Renewal | None = None,
    quotas: Quotas | None = None,
) -> Table:
    """Build the routing table. Raises TypeError for duplicate routes and routes that do not fit their handler."""
    paths: dict[str, Methods] = {}
    counting = tuple(dict.fromkeys(route.path for route in routes if route.limit != "off"))
    for route in routes:
        methods = paths.setdefault(route.path, Methods(route.path))
        if route.method in methods.endpoints:
            raise TypeError(f"{route.method} {route.path} is defined twice; remove one of the routes.")
        methods.endpoints[route.method] = Endpoint(route, authenticate, recognise, renewal, quotas, counting)
    return Table(paths.values())
