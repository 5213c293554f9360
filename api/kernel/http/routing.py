"""get, post, put, patch, delete → Route values, and what a handler's signature asks for: `body`, `form` or `query`, the
names in its path, and of AMBIENT what it needs to know. pipeline.py serves them."""

import hashlib
import inspect
import re
import typing
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec

from api.kernel.context import Context
from api.kernel.data.database import Database
from api.kernel.errors import PRECONDITION_FAILED, Problem
from api.kernel.http.cookies import Cookies
from api.kernel.http.headers import names
from api.kernel.identity.auth import Claims, Guard, Principal
from api.kernel.identity.limits import Policy
from api.kernel.input.decoding import JSON
from api.kernel.live.feeds import Feed
from api.kernel.settings import rate

PREFIX = "/api"
AMBIENT = ("context", "principal", "claims", "cookies", "if_match", "last_event_id", "renew")

Authenticate = Callable[[Context, Claims], Awaitable[Principal]]
Whose = Callable[[Context, Cookies, Any], UUID | None]
"""Who sent these cookies and this body, where they prove it without a query."""
Renew = Callable[[Database], Awaitable[UUID]]
"""Puts a new `sid` in the place of the caller's, in the transaction that it is given; the answer carries the new
tokens. Returns the new `sid`."""
Renewal = Callable[[Context, Database, Principal, Cookies], Awaitable[tuple[UUID, dict[str, str]]]]
"""How that is done: the new `sid`, and the headers of the answer where the tokens are not in cookies."""
ACCESS_HEADER, REFRESH_HEADER = "X-Access-Token", "X-Refresh-Token"
encode = msgspec.json.Encoder().encode


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """For the few answers that are not their handler's value as JSON."""

    content: bytes
    status: int = 200
    media_type: str = JSON
    headers: dict[str, str] = {}


ACCEPTED = Reply(content=b"null", status=202)
"""For whoever must not learn from the answer what becomes of their request."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a feature's table."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    guard: Guard
    limit: str | None = None
    """`20/minute` for this route alone, beside the general rate; `off` for neither. Counted by account where the guard
    asks for a token, else by address."""
    by: Whose | None = None
    """Counts by something that the request proves instead of by address. The input is decoded before it is counted."""
    policies: tuple[Policy, ...] = ()
    """Limits that the handler charges, for RateLimit-Policy."""
    degrades: bool = False
    """Answers while PostgreSQL is down: a principal that cannot be looked up then is None."""
    status: int = 200
    errors: tuple[type[Problem], ...] = ()
    """The codes of its own, for the OpenAPI document."""
    etag: bool = False
    """Answers carry an ETag of their content; a GET with the same in If-None-Match is answered 304 (RFC 9110 §13)."""
    socket: bool = False
    """A WebSocket. Its handler says whether it may be opened, and returns the Feed that it sends, or None."""
    receives: Callable[..., Awaitable[Any]] | None = None
    """Called with each message of a socket as `body`, as a POST's handler; what it returns is the reply."""
    messages: str = "120/minute"
    """The limit of these calls, as `limit`."""


def _maker(method: str) -> Callable[..., Route]:
    def make(path: str, handler: Callable[..., Awaitable[Any]], *, guard: Guard, **options: Any) -> Route:
        return Route(method=method, path=path, handler=handler, guard=guard, **options)

    return make


def websocket(path: str, handler: Callable[..., Awaitable[Any]], *, guard: Guard, **options: Any) -> Route:
    """A WebSocket at a path: api/kernel/http/sockets.py."""
    return Route(method="GET", path=path, handler=handler, guard=guard, socket=True, **options)


get, post, put, patch, delete = (_maker(method) for method in ("GET", "POST", "PUT", "PATCH", "DELETE"))


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """What a handler asks for, by its signature."""

    body: type | None
    body_needed: bool
    """Whether a request without one is refused; not where the handler's is `X | None`."""
    form: type[msgspec.Struct] | None
    query: type[msgspec.Struct] | None
    path: dict[str, type]
    ambient: frozenset[str]
    """Of AMBIENT: what the pipeline knows anyway."""
    returns: Any
    replies: bool
    """Whether it is ACCEPTED as well that it may answer: the handler's is `X | Reply`."""
    feed: bool
    """Whether it answers with events as they happen: the handler's is `Feed[X]`."""


def inputs_of(route: Route) -> Inputs:
    """Read a handler's signature. Raises TypeError, naming the handler, where it and its route line do not fit."""
    hints = typing.get_type_hints(route.handler, include_extras=True)
    returned = hints.pop("return", None)
    returns = _without(Reply, returned)
    feed = typing.get_origin(returned) is Feed
    if feed:
        [returns] = typing.get_args(returned)
    untyped = inspect.signature(route.handler).parameters.keys() - hints.keys()
    named = set(re.findall(r"{(\w+)}", route.path))
    taken = {name: hints.pop(name) for name in ("body", "form", "query") if name in hints}
    optional = hints.get("principal") == Principal | None
    ambient = frozenset(name for name in AMBIENT if hints.pop(name, None))
    asked = taken.get("body")
    body = _without(type(None), asked)
    if body is not None:
        taken["body"] = body
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
    if "principal" in ambient and route.guard.admits is None and not (optional and not route.guard.asks):
        raise TypeError(f"{where}: a principal needs a guard that asks who it is; with anyone it is Principal | None.")
    if optional and route.guard.admits is not None:
        raise TypeError(f"{where}: Principal | None is for the guard anyone; here there always is one.")
    if route.by and route.guard.asks:
        raise TypeError(f"{where}: `by` needs the guard anyone; elsewhere it is counted by account.")
    if feed and (route.method != "GET" or route.etag or route.status != 200):
        raise TypeError(f"{where}: a Feed is answered to GET, with 200 and without an ETag.")
    if route.socket and not (feed or returned in (None, type(None))):
        raise TypeError(f"{where}: a WebSocket's handler returns a Feed or None.")
    if "last_event_id" in ambient and not feed:
        raise TypeError(f"{where}: last_event_id is for handlers that return a Feed.")
    if "renew" in ambient and route.guard.admits is None:
        raise TypeError(f"{where}: renew needs a guard that says who asks.")
    if "claims" in ambient and not route.guard.asks:
        raise TypeError(f"{where}: claims need a guard that asks for a token.")
    for name, kind in taken.items():
        if not (
            isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__struct_config__.forbid_unknown_fields
        ):
            raise TypeError(f"{where}: {name} must be a Struct with forbid_unknown_fields=True.")
    return Inputs(
        body=body,
        body_needed=body is asked,
        form=taken.get("form"),
        query=taken.get("query"),
        path=hints,
        ambient=ambient,
        returns=returns,
        replies=returns is not returned and not feed,
        feed=feed,
    )


def _without(part: type, kind: Any) -> Any:
    """`X` for `X | part`, and any other type as it is."""
    kinds = typing.get_args(kind)
    return next(other for other in kinds if other is not part) if len(kinds) == 2 and part in kinds else kind


def operation_id(route: Route) -> str:
    """The handler's name in camel case: the name of the operation, and of the route's own limit. One handler may open
    both a stream and a socket."""
    name = re.sub(r"_(\w)", lambda match: match[1].upper(), route.handler.__name__)
    return f"{name}Socket" if route.socket else name


def refuse_stale(if_match: str | None, current: msgspec.Struct) -> None:
    """Raises PRECONDITION_FAILED where the client's If-Match is of something else than what the thing is now. Ask with
    its row locked."""
    if if_match is not None and not names(if_match, etag(encode(current))):
        raise PRECONDITION_FAILED


def etag(body: bytes) -> str:
    """A strong validator: of the content itself."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'
