"""get, post, put, patch, delete → Route values, and what a handler's signature asks for: `body`, `form` or `query`, the
names in its path, and of AMBIENT what it needs to know. pipeline.py serves them."""

import inspect
import re
import typing
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec

from api.kernel.context import Context
from api.kernel.data.database import Transaction
from api.kernel.errors import Problem
from api.kernel.http.caching import CacheControl, caching_fault
from api.kernel.http.cookies import Cookies
from api.kernel.http.paging import Page
from api.kernel.http.streams import Stream
from api.kernel.identity.auth import Claims, Guard, Principal
from api.kernel.identity.limits import Policy
from api.kernel.input.bodies import MAX_BODY_BYTES, in_words, size_of
from api.kernel.input.conversion import shown
from api.kernel.input.decoding import JSON
from api.kernel.input.media import is_media_type
from api.kernel.input.paths import path_decoder
from api.kernel.input.uploads import Upload
from api.kernel.live.feeds import Feed
from api.kernel.settings import rate

PREFIX = "/api"
IN_MEMORY_BYTES = 8 * 1024 * 1024
"""The most that `max_body` may be for `bytes`: 500 requests of a path may hold one at a time."""
DECODED_BYTES = 1024 * 1024
"""The same for JSON and forms, whose decoding holds the event loop, by up to a third of a second for this much."""
AMBIENT = ("context", "principal", "claims", "cookies", "if_match", "language", "last_event_id", "renew")

Authenticate = Callable[[Context, Claims], Awaitable[Principal]]
Whose = Callable[[Context, Cookies, Any], UUID | None]
"""Who sent these cookies and this body, where they prove it without a query."""
Renew = Callable[[Transaction], Awaitable[UUID]]
"""Puts a new `sid` in the place of the caller's, in the transaction that it is given; the answer carries the new
tokens. Returns the new `sid`."""
Renewal = Callable[[Context, Transaction, Principal, Cookies], Awaitable[tuple[UUID, dict[str, str]]]]
"""How that is done: the new `sid`, and the headers of the answer where the tokens are not in cookies."""
ACCESS_HEADER, REFRESH_HEADER = "X-Access-Token", "X-Refresh-Token"
_encode = msgspec.json.Encoder().encode


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """For the few answers that are not their handler's value as JSON."""

    content: bytes
    status: int = 200
    media_type: str | None = None
    """Where it is not the route's."""
    headers: dict[str, str] = {}


ACCEPTED = Reply(content=b"null", status=202)
"""For callers who must not learn from the answer what becomes of their request."""


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
    """Limits that the handler charges, since their keys depend on more than the caller. Each is named in
    RateLimit-Policy; docs/style.md has the rule."""
    degrades: bool = False
    """Answers while PostgreSQL is down: a principal that cannot be looked up then is None."""
    status: int = 200
    errors: tuple[type[Problem], ...] = ()
    """The codes of its own, for the OpenAPI document."""
    etag: bool = False
    """Answers carry an ETag (validators.py); a GET with the same in If-None-Match is answered 304 (RFC 9110 §13)."""
    cache: CacheControl | None = None
    """How long clients may reuse the answers of a GET; without it they are `no-store`."""
    max_body: int | str = MAX_BODY_BYTES
    """The largest body, in bytes or as `2 MB`; a larger one is answered 413. At most DECODED_BYTES for JSON and forms,
    IN_MEMORY_BYTES for bytes; an Upload has no such bound."""
    accepts: tuple[str, ...] = ()
    """The media types of a body that is `bytes` or an `Upload`, such as `("image/png", "image/jpeg")`."""
    media_type: str = JSON
    """Of the answer, where it is a Stream or a Reply."""
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
    """A Struct, bytes or Upload."""
    limit: int
    """The most bytes of a body."""
    body_needed: bool
    """Whether a request without one is refused; not where the handler's is `X | None`."""
    form: type[msgspec.Struct] | None
    query: type[msgspec.Struct] | None
    path: dict[str, Any]
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
    ambient = frozenset(name for name in AMBIENT if name not in named and hints.pop(name, None))
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
    if taken.keys() >= {"body", "form"} and asked is not Upload:
        raise TypeError(f"{where}: a request has one body, JSON or a form; a form may go with an Upload.")
    limit = _refuse_misfit(route, body, returns, where)
    if hints.keys() != named:
        raise TypeError(f"{where}: the path names {sorted(named)}, the handler {sorted(hints)}.")
    for name, kind in hints.items():
        try:
            path_decoder(kind)
        except TypeError as error:
            raise TypeError(f"{where}: {name} is {kind}, and {error}") from None
    fault = caching_fault(route.cache, route.method, route.guard.asks, route.etag, ambient) if route.cache else None
    if fault:
        raise TypeError(f"{where}: {fault}")
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
        if name == "body" and kind in (bytes, Upload):
            continue
        if not (
            isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__struct_config__.forbid_unknown_fields
        ):
            raise TypeError(f"{where}: {name} must be a Struct with forbid_unknown_fields=True.")
    return Inputs(
        body=body,
        limit=limit,
        body_needed=body is asked,
        form=taken.get("form"),
        query=taken.get("query"),
        path=hints,
        ambient=ambient,
        returns=returns,
        replies=returns is not returned and not feed,
        feed=feed,
    )


def _refuse_misfit(route: Route, body: Any, returns: Any, where: str) -> int:
    """The route's `max_body` in bytes. Raises TypeError where its sizes and media types do not fit its handler."""
    try:
        limit = size_of(route.max_body)
    except ValueError as error:
        raise TypeError(f"{where}: max_body {error}.") from None
    most = IN_MEMORY_BYTES if body is bytes else DECODED_BYTES
    if body is not Upload and limit > most:
        raise TypeError(f"{where}: this body is at most {in_words(most)}; an Upload is not held in memory.")
    if (body in (bytes, Upload)) != bool(route.accepts):
        raise TypeError(f"{where}: accepts names the media types of a body that is bytes or an Upload.")
    for kind in (*route.accepts, route.media_type):
        if not is_media_type(kind):
            raise TypeError(f"{where}: {kind!r} is not a media type such as image/png.")
    if returns is Stream and (route.media_type == JSON or route.etag):
        raise TypeError(f"{where}: a Stream needs media_type= other than JSON, and has no ETag.")
    return limit


def _without(part: type, kind: Any) -> Any:
    """`X` for `X | part`, and any other type as it is."""
    kinds = typing.get_args(kind)
    return next(other for other in kinds if other is not part) if len(kinds) == 2 and part in kinds else kind


def operation_id(route: Route) -> str:
    """The handler's name in camel case: the name of the operation, and of the route's own limit. One handler may open
    both a stream and a socket."""
    name = re.sub(r"_(\w)", lambda match: match[1].upper(), route.handler.__name__)
    return f"{name}Socket" if route.socket else name


def encode(answer: Any) -> bytes:
    """What a handler returned, as JSON."""
    if isinstance(answer, Page):
        return _encode(msgspec.structs.replace(answer, items=[shown(item) for item in answer.items]))
    return _encode(shown(answer))
