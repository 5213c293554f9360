"""Routes: get, post, put, patch and delete build Route values, and inputs_of reads a handler's signature: `body`,
`form` or `query`, path parameters, and the ambient parameters in AMBIENT. pipeline.py serves them."""

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
from api.kernel.http.paging import Listing, Page
from api.kernel.http.streams import Stream
from api.kernel.identity.auth import Claims, Guard, Principal
from api.kernel.identity.limits import Policy, Quota
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
"""Maximum of `max_body` for `bytes`: up to 500 concurrent requests per path may each hold one."""
DECODED_BYTES = 1024 * 1024
"""Maximum of `max_body` for JSON and forms: decoding this much blocks the event loop for up to a third of a second."""
AMBIENT = (
    "context",
    "principal",
    "claims",
    "cookies",
    "idempotency_key",
    "if_match",
    "language",
    "last_event_id",
    "renew",
    "paths",
)

Authenticate = Callable[[Context, Claims], Awaitable[Principal]]
Identify = Callable[[Context, Cookies, Any], UUID | None]
"""Identifies the caller by cookies and body without a query; None if they prove nothing."""
Renew = Callable[[Transaction], Awaitable[UUID]]
"""Replaces the caller's sign-in in the given transaction and returns its new `sid`. The response carries the new
tokens."""
Renewal = Callable[[Context, Transaction, Principal, Cookies], Awaitable[tuple[UUID, dict[str, str]]]]
"""Implementation of Renew. Returns the new `sid`, and response headers with the tokens unless they are in cookies."""
Quotas = Callable[[Context, UUID, tuple[str, ...], str], Awaitable[Quota | None]]
"""Returns the quota of an account with these roles for a route's path; None keeps the general limit. It is called for
each request, so it reads memory and raises no Problem."""
ACCESS_HEADER, REFRESH_HEADER = "X-Access-Token", "X-Refresh-Token"
_encode = msgspec.json.Encoder().encode


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A response with its own body, status or headers, instead of the handler's value as JSON."""

    content: bytes
    status: int = 200
    media_type: str | None = None
    """Overrides the route's media type."""
    headers: dict[str, str] = {}


ACCEPTED = Reply(content=b"null", status=202)
"""For responses that must not reveal the outcome of a request."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a feature's table of routes."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Any]]
    guard: Guard
    limit: str | None = None
    """A limit such as `20/minute` for this route, in addition to the general limit; `off` disables both. Counted by
    account if the guard requires a token, otherwise by address."""
    by: Identify | None = None
    """Counts by a value that the request proves instead of by address. The input is decoded before it is counted."""
    policies: tuple[Policy, ...] = ()
    """Limits that the handler charges, since their keys depend on more than the caller. Each is named in
    RateLimit-Policy; docs/style.md has the rule."""
    degrades: bool = False
    """Serve the route while PostgreSQL is down; the principal is then None."""
    status: int = 200
    errors: tuple[type[Problem], ...] = ()
    """The route's own error codes, for the OpenAPI document."""
    etag: bool = False
    """Send an ETag (validators.py) and answer a GET with a matching If-None-Match with 304 (RFC 9110 §13)."""
    cache: CacheControl | None = None
    """How long clients may reuse the responses of a GET; `no-store` without it."""
    max_body: int | str = MAX_BODY_BYTES
    """Maximum body size, in bytes or as `2 MB`; larger bodies are answered 413. At most DECODED_BYTES for JSON and
    forms, and IN_MEMORY_BYTES for bytes; unlimited for an Upload."""
    accepts: tuple[str, ...] = ()
    """Media types of a body that is `bytes` or an `Upload`, such as `("image/png", "image/jpeg")`."""
    media_type: str = JSON
    """Media type of the response, if it is a Stream or a Reply."""
    socket: bool = False
    """Whether it is a WebSocket. Its handler accepts or refuses the connection, and returns the Feed to send, or
    None."""
    receives: Callable[..., Awaitable[Any]] | None = None
    """Handler of a socket's messages: called with each message as `body`, like the handler of a POST. It returns the
    reply."""
    auth_frame: bool = False
    """Whether a socket's first message may be the token (first_frame.py). Refusals are close codes then."""
    messages: str = "120/minute"
    """Limit of messages, as `limit`."""


def _maker(method: str) -> Callable[..., Route]:
    def make(path: str, handler: Callable[..., Awaitable[Any]], *, guard: Guard, **options: Any) -> Route:
        return Route(method=method, path=path, handler=handler, guard=guard, **options)

    return make


def websocket(path: str, handler: Callable[..., Awaitable[Any]], *, guard: Guard, **options: Any) -> Route:
    """Define a WebSocket route; see api/kernel/http/sockets.py."""
    return Route(method="GET", path=path, handler=handler, guard=guard, socket=True, **options)


get, post, put, patch, delete = (_maker(method) for method in ("GET", "POST", "PUT", "PATCH", "DELETE"))


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """The inputs of a handler, read from its signature."""

    body: type | None
    """A Struct, bytes or Upload."""
    limit: int
    """Maximum body size in bytes."""
    body_needed: bool
    """Whether a request without a body is refused; False if the handler takes `X | None`."""
    form: type[msgspec.Struct] | None
    query: type[msgspec.Struct] | None
    path: dict[str, Any]
    ambient: frozenset[str]
    """The parameters in AMBIENT."""
    returns: Any
    replies: bool
    """Whether the handler may return ACCEPTED: it returns `X | Reply`."""
    feed: bool
    """Whether the handler streams events: it returns `Feed[X]`."""


def inputs_of(route: Route) -> Inputs:
    """Read a handler's signature. Raises TypeError, naming the handler, if it does not fit its route."""
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
        raise TypeError(f"{where}: a path parameter is a name, such as {{id}}, and must be unique.")
    if untyped:
        raise TypeError(f"{where}: {sorted(untyped)} need type annotations.")
    if taken.keys() >= {"body", "form"} and asked is not Upload:
        raise TypeError(f"{where}: use either body or form; only an Upload may be combined with a form.")
    limit = _refuse_misfit(route, body, returns, where)
    if hints.keys() != named:
        raise TypeError(f"{where}: the path has the parameters {sorted(named)}, the handler {sorted(hints)}.")
    for name, kind in hints.items():
        try:
            path_decoder(kind)
        except TypeError as error:
            raise TypeError(f"{where}: {name} is {kind}, and {error}") from None
    fault = caching_fault(route.cache, route.method, route.guard.asks, route.etag, ambient) if route.cache else None
    if fault:
        raise TypeError(f"{where}: {fault}")
    if "principal" in ambient and route.guard.admits is None and not (optional and not route.guard.asks):
        raise TypeError(f"{where}: a principal needs a guard that requires one; with `anyone` use Principal | None.")
    if optional and route.guard.admits is not None:
        raise TypeError(f"{where}: use Principal; None is possible only with the guard `anyone`.")
    if route.by and route.guard.asks:
        raise TypeError(f"{where}: `by` needs the guard `anyone`; other guards count by account.")
    if feed and (route.method != "GET" or route.etag or route.status != 200):
        raise TypeError(f"{where}: a Feed needs the method GET, status 200 and no ETag.")
    if route.socket and not (feed or returned in (None, type(None))):
        raise TypeError(f"{where}: a WebSocket handler must return a Feed or None.")
    if "last_event_id" in ambient and not feed:
        raise TypeError(f"{where}: last_event_id needs a handler that returns a Feed.")
    if "renew" in ambient and route.guard.admits is None:
        raise TypeError(f"{where}: renew needs a guard that requires a principal.")
    if "claims" in ambient and not route.guard.asks:
        raise TypeError(f"{where}: claims need a guard that requires a token.")
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
    """Return the route's `max_body` in bytes. Raises TypeError if sizes or media types do not fit the handler."""
    try:
        limit = size_of(route.max_body)
    except ValueError as error:
        raise TypeError(f"{where}: max_body {error}.") from None
    most = IN_MEMORY_BYTES if body is bytes else DECODED_BYTES
    if body is not Upload and limit > most:
        raise TypeError(f"{where}: max_body must be at most {in_words(most)}; use an Upload for larger bodies.")
    if (body in (bytes, Upload)) != bool(route.accepts):
        raise TypeError(f"{where}: accepts is required for a body of bytes or an Upload, and for no other.")
    for kind in (*route.accepts, route.media_type):
        if not is_media_type(kind):
            raise TypeError(f"{where}: {kind!r} is not a media type such as image/png.")
    if returns is Stream and (route.media_type == JSON or route.etag):
        raise TypeError(f"{where}: a Stream needs a media_type other than JSON and no ETag.")
    return limit


def _without(part: type, kind: Any) -> Any:
    """Return `X` for `X | part`, and other types unchanged."""
    kinds = typing.get_args(kind)
    return next(other for other in kinds if other is not part) if len(kinds) == 2 and part in kinds else kind


def operation_id(route: Route) -> str:
    """The handler's name in camel case, which names the operation and the route's own limit. A handler may serve both a
    stream and a socket."""
    name = re.sub(r"_(\w)", lambda match: match[1].upper(), route.handler.__name__)
    return f"{name}Socket" if route.socket else name


def encode(answer: Any) -> bytes:
    """Encode a handler's return value as JSON."""
    if isinstance(answer, Page):
        return _encode(msgspec.structs.replace(answer, items=[shown(item) for item in answer.items]))
    if isinstance(answer, Listing):
        return _encode([shown(item) for item in answer.items])
    return _encode(shown(answer))
