"""get, post, put, patch, delete → Route values, and the only pipeline that serves them: `Endpoint.__call__`, to be
read top to bottom. What a handler's signature says (`context`, `principal`, `body`, `form`, `query`, and the names in
its path) is worked out once, at start-up."""

import asyncio
import functools
import inspect
import random
import re
import typing
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from api.kernel.auth import Claims, Guard, Principal, bearer
from api.kernel.context import Context, Origin, origin
from api.kernel.database import SERIALIZATION_FAILURE
from api.kernel.decoding import PairsDecoder, convert, decode_json, decode_path, read_body
from api.kernel.errors import FORBIDDEN, METHOD_NOT_ALLOWED, UNAVAILABLE, Problem
from api.kernel.limits import Limiter
from api.kernel.settings import Rate, rate

PREFIX = "/api"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
HANDLER_SECONDS = 15.0
MAX_ACTIVE = 500
_TRIES = 3
_JSON = (b"content-type", JSON.encode())
_NO_STORE = (b"cache-control", b"no-store")

Authenticate = Callable[[Context, Claims], Awaitable[Principal]]


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """For the few answers that are not their handler's value as JSON."""

    content: bytes
    status: int = 200
    media_type: str = JSON
    headers: dict[str, str] = {}


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a feature's table."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    guard: Guard
    limit: str | None = None
    """`20/minute` for this route alone, beside everybody's rate; `off` for neither."""
    status: int = 200
    errors: tuple[type[Problem], ...] = ()
    """The codes of its own, for the OpenAPI document."""


def _maker(method: str) -> Callable[..., Route]:
    def make(path: str, handler: Callable[..., Awaitable[Any]], *, guard: Guard, **options: Any) -> Route:
        return Route(method=method, path=path, handler=handler, guard=guard, **options)

    return make


get, post, put, patch, delete = (_maker(method) for method in ("GET", "POST", "PUT", "PATCH", "DELETE"))


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler asks for, by its signature."""

    body: type | None
    form: type[msgspec.Struct] | None
    query: type[msgspec.Struct] | None
    path: dict[str, type]
    ambient: frozenset[str]
    returns: Any


def inputs_of(route: Route) -> Inputs:
    """Read a handler's signature. Raises TypeError, naming the handler, where it and its route line do not fit."""
    hints = typing.get_type_hints(route.handler, include_extras=True)
    returns = hints.pop("return", None)
    untyped = inspect.signature(route.handler).parameters.keys() - hints.keys()
    named = set(re.findall(r"{(\w+)}", route.path))
    taken = {name: hints.pop(name) for name in ("body", "form", "query") if name in hints}
    ambient = frozenset(name for name in ("context", "principal") if hints.pop(name, None))
    where = f"{route.handler.__module__}.{route.handler.__name__} ({route.method} {route.path})"
    try:
        rate(route.limit or "off")
    except ValueError as error:
        raise TypeError(f"{where}: limit {error}") from None
    if len(named) != route.path.count("{"):
        raise TypeError(f"{where}: a parameter in the path is a name alone, such as {{id}}, and stands once.")
    if untyped:
        raise TypeError(f"{where}: {sorted(untyped)} need a type.")
    if taken.keys() >= {"body", "form"}:
        raise TypeError(f"{where}: a request has one body, JSON or a form.")
    if hints.keys() != named:
        raise TypeError(f"{where}: the path names {sorted(named)}, the handler {sorted(hints)}.")
    if any(kind not in (UUID, str) for kind in hints.values()):
        raise TypeError(f"{where}: a path parameter is a UUID or a str.")
    if "principal" in ambient and route.guard.admits is None:
        raise TypeError(f"{where}: a principal needs a guard that asks who it is.")
    for name, kind in taken.items():
        if not (
            isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__struct_config__.forbid_unknown_fields
        ):
            raise TypeError(f"{where}: {name} must be a Struct with forbid_unknown_fields=True.")
    return Inputs(
        body=taken.get("body"),
        form=taken.get("form"),
        query=taken.get("query"),
        path=hints,
        ambient=ambient,
        returns=returns,
    )


class Endpoint:
    """One route, compiled."""

    def __init__(self, route: Route, limiter: Limiter, authenticate: Authenticate) -> None:
        self.route = route
        self._inputs = inputs_of(route)
        self._form = PairsDecoder(self._inputs.form) if self._inputs.form else None
        self._query = PairsDecoder(self._inputs.query) if self._inputs.query else None
        self._rate: Rate | None = rate(route.limit) if route.limit else None
        self._template = PREFIX + route.path
        self._limiter = limiter
        self._authenticate = authenticate
        self._encode = msgspec.json.Encoder().encode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context: Context = scope["app"].state.context
        headers = dict(scope["headers"])
        scope["route_template"] = self._template
        principal = await self._admit(context, scope)
        told = await self._limit(context, scope, principal, headers)
        arguments = await self._decode(scope, receive, headers)
        if "context" in self._inputs.ambient:
            arguments["context"] = context
        if "principal" in self._inputs.ambient:
            arguments["principal"] = principal
        answer = await self._call(arguments)
        status, said, body = self._encoded(answer, told)
        await send({"type": "http.response.start", "status": status, "headers": said})
        await send({"type": "http.response.body", "body": body})

    async def _admit(self, context: Context, scope: Scope) -> Principal | None:
        if self.route.guard.admits is None:
            return None
        token = bearer([value for name, value in scope["headers"] if name == b"authorization"])
        ask = functools.partial(self._authenticate, context)
        principal = await context.principals.find(context.tokens.verify(token), ask)
        if not self.route.guard.admits(principal):
            raise FORBIDDEN
        return principal

    async def _limit(
        self, context: Context, scope: Scope, principal: Principal | None, headers: dict[bytes, bytes]
    ) -> dict[str, str]:
        address = scope["client"][0] if scope.get("client") else None
        agent = headers.get(b"user-agent", b"").decode("latin-1").replace("\x00", "")[:256]
        origin.set(Origin(principal.id if principal else None, address, agent or None))
        if self.route.limit == "off":
            return {}
        who = str(principal.id) if principal else None
        route = f"{self.route.method} {self.route.path}"
        return await self._limiter.check(context.cache, self._limiter.limits_for(route, self._rate, address, who))

    async def _decode(self, scope: Scope, receive: Receive, headers: dict[bytes, bytes]) -> dict[str, Any]:
        arguments = {name: decode_path(scope["path_params"][name], kind) for name, kind in self._inputs.path.items()}
        if self._query is not None:
            arguments["query"] = self._query.decode(scope["query_string"])
        if self._inputs.body is not None:
            arguments["body"] = convert(decode_json(await read_body(receive, headers, JSON)), self._inputs.body)
        elif self._form is not None:
            arguments["form"] = self._form.decode(await read_body(receive, headers, FORM))
        return arguments

    async def _call(self, arguments: dict[str, Any]) -> Any:
        """A handler is a unit of work: all it does is in transactions, so after a serialization failure it just runs
        again."""
        try:
            async with asyncio.timeout(HANDLER_SECONDS):
                tries = 0
                while True:
                    tries += 1
                    try:
                        return await self.route.handler(**arguments)
                    except SERIALIZATION_FAILURE:
                        if tries == _TRIES:
                            raise
                        await asyncio.sleep(random.uniform(0, 0.05))  # noqa: S311  # jitter, not a secret
        except TimeoutError:
            raise UNAVAILABLE from None

    def _encoded(self, answer: Any, told: dict[str, str]) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Status, headers and body; Starlette's Response would make the same of strings."""
        if isinstance(answer, Reply):
            status, body = answer.status, answer.content
            said = {"content-type": answer.media_type, "cache-control": "no-store", **answer.headers, **told}
            headers = [(name.encode(), value.encode("latin-1")) for name, value in said.items()]
        else:
            status = self.route.status
            body = b"" if status == 204 else self._encode(answer)
            headers = [_NO_STORE] if status == 204 else [_JSON, _NO_STORE]
            headers += [(name.encode(), value.encode()) for name, value in told.items()]
        if status not in (204, 304):
            headers.append((b"content-length", b"%d" % len(body)))
        return status, headers, body


class Methods:
    """The endpoints of one path, by method; HEAD is a GET whose body the server leaves out."""

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
        if self._active >= MAX_ACTIVE:
            raise UNAVAILABLE("Too many of these are being answered at this moment; try again shortly.")
        self._active += 1
        try:
            await endpoint(scope, receive, send)
        finally:
            self._active -= 1


class Table(BaseRoute):
    """Every path there is, as one route of Starlette's: a literal path is found in a dictionary, the others by their
    pattern, in the tables' order. Starlette would try the patterns of all, one after the other."""

    def __init__(self, paths: Iterable[Methods]) -> None:
        self.literal: dict[str, Methods] = {}
        self.patterns: list[tuple[re.Pattern[str], Methods]] = []
        for methods in paths:
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


def mount(routes: Sequence[Route], limiter: Limiter, authenticate: Authenticate) -> Table:
    """The tables of routes as one of Starlette's. Raises TypeError for a route that stands twice or does not fit its
    handler."""
    paths: dict[str, Methods] = {}
    for route in routes:
        methods = paths.setdefault(route.path, Methods(route.path))
        if route.method in methods.endpoints:
            raise TypeError(f"{route.method} {route.path} stands twice in the tables of routes.")
        methods.endpoints[route.method] = Endpoint(route, limiter, authenticate)
    return Table(paths.values())
