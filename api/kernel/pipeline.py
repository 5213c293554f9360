"""The only pipeline there is: `Endpoint.__call__`, to be read top to bottom. What a handler's signature says is worked
out once, at start-up."""

import asyncio
import functools
import random
import re
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from api.kernel.auth import TOKEN_INVALID, Claims, Principal, bearer
from api.kernel.context import Context, Origin, origin
from api.kernel.cookies import ACCESS, Cookies, refuse_forgery
from api.kernel.database import SERIALIZATION_FAILURE, Database
from api.kernel.decoding import PairsDecoder, convert, decode_json, decode_path, has_body, read_body
from api.kernel.errors import FORBIDDEN, METHOD_NOT_ALLOWED, UNAVAILABLE, Problem
from api.kernel.failpoints import passing
from api.kernel.mail import language_of
from api.kernel.paging import Page
from api.kernel.routing import (
    FORM,
    JSON,
    PREFIX,
    Authenticate,
    Renew,
    Renewal,
    Reply,
    Route,
    encode,
    etag,
    inputs_of,
    names,
)
from api.kernel.settings import Rate, rate

HANDLER_SECONDS = 15.0
MAX_ACTIVE = 500
_TRIES = 3
_JSON = (b"content-type", JSON.encode())
_NO_STORE = (b"cache-control", b"no-store")


class Endpoint:
    """One route, compiled."""

    def __init__(self, route: Route, authenticate: Authenticate, renewal: Renewal | None) -> None:
        self.route = route
        self._inputs = inputs_of(route)
        self._form = PairsDecoder(self._inputs.form) if self._inputs.form else None
        self._query = PairsDecoder(self._inputs.query) if self._inputs.query else None
        self._rate: Rate | None = rate(route.limit) if route.limit else None
        self._template = PREFIX + route.path
        self._authenticate = authenticate
        self._renewal = renewal
        if "renew" in self._inputs.ambient and renewal is None:
            raise TypeError(f"{route.handler.__name__} asks for renew, and no feature has it.")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context: Context = scope["app"].state.context
        headers = dict(scope["headers"])
        cookies = Cookies(headers)
        scope["route_template"] = self._template
        claims = self._verify(context, scope, headers, cookies)
        principal = await self._admit(context, claims)
        told = await self._limit(context, scope, principal, headers)
        arguments = await self._decode(scope, receive, headers)
        if_match = headers.get(b"if-match", b"").decode("latin-1") or None
        known = {"context": context, "principal": principal, "claims": claims, "cookies": cookies, "if_match": if_match}
        if self._renewal and principal:
            known["renew"] = _renew_with(self._renewal, context, principal, cookies, told)
        arguments |= {name: known[name] for name in self._inputs.ambient}
        answer = await self._call(arguments, cookies)
        passing("pipeline.answer")
        status, said, body = self._encoded(answer, told, scope, headers)
        said += [(b"set-cookie", cookie.encode()) for cookie in cookies.written]
        await send({"type": "http.response.start", "status": status, "headers": said})
        await send({"type": "http.response.body", "body": body})

    def _verify(self, context: Context, scope: Scope, headers: dict[bytes, bytes], cookies: Cookies) -> Claims | None:
        """The access token's, from the Authorization header or else from the cookie. Where the guard is `anyone`, a
        token that is not valid, or a cookie without its proof, is as good as none."""
        if self.route.guard.asks:
            return self._claims(context, scope, headers, cookies)
        try:
            return self._claims(context, scope, headers, cookies)
        except Problem:
            return None

    def _claims(self, context: Context, scope: Scope, headers: dict[bytes, bytes], cookies: Cookies) -> Claims:
        sent, cookie = [value for name, value in scope["headers"] if name == b"authorization"], cookies.get(ACCESS)
        by_cookie = cookie is not None and not sent
        token = cookie if by_cookie and cookie else bearer(sent)
        claims = context.tokens.verify(token, expired=self.route.guard.asks and self.route.guard.admits is None)
        if by_cookie and self.route.method != "GET":
            refuse_forgery(context.settings, headers, claims.sid)
        return claims

    async def _admit(self, context: Context, claims: Claims | None) -> Principal | None:
        if claims is None:
            return None
        if self.route.guard.admits is None:
            return await self._offered(context, claims) if "principal" in self._inputs.ambient else None
        principal = await context.principals.find(claims, functools.partial(self._authenticate, context))
        if not self.route.guard.admits(principal):
            raise FORBIDDEN
        if context.settings.require_verification and not principal.is_verified:
            raise FORBIDDEN("Confirm your e-mail address first.")
        return principal

    async def _offered(self, context: Context, claims: Claims) -> Principal | None:
        """The principal behind a valid token, or None, on a route that anyone may call."""
        try:
            return await context.principals.find(claims, functools.partial(self._authenticate, context))
        except TOKEN_INVALID:
            return None

    async def _limit(
        self, context: Context, scope: Scope, principal: Principal | None, headers: dict[bytes, bytes]
    ) -> dict[str, str]:
        address = scope["client"][0] if scope.get("client") else None
        agent = headers.get(b"user-agent", b"").decode("latin-1").replace("\x00", "")[:256]
        language = language_of(headers.get(b"accept-language", b"").decode("latin-1"))
        origin.set(Origin(principal.id if principal else None, address, agent or None, language))
        if self.route.limit == "off":
            return {}
        who = str(principal.id) if principal else None
        route = f"{self.route.method} {self.route.path}"
        return await context.limiter.charge(context.limiter.limits_for(route, self._rate, address, who))

    async def _decode(self, scope: Scope, receive: Receive, headers: dict[bytes, bytes]) -> dict[str, Any]:
        arguments = {name: decode_path(scope["path_params"][name], kind) for name, kind in self._inputs.path.items()}
        if self._query is not None:
            arguments["query"] = self._query.decode(scope["query_string"])
        if self._inputs.body is not None and not self._inputs.body_needed and not has_body(headers):
            arguments["body"] = None
        elif self._inputs.body is not None:
            arguments["body"] = convert(decode_json(await read_body(receive, headers, JSON)), self._inputs.body)
        elif self._form is not None:
            arguments["form"] = self._form.decode(await read_body(receive, headers, FORM))
        return arguments

    async def _call(self, arguments: dict[str, Any], cookies: Cookies) -> Any:
        """A handler is a unit of work: all it does is in transactions, so after a serialization failure it just runs
        again."""
        try:
            async with asyncio.timeout(HANDLER_SECONDS):
                tries = 0
                while True:
                    tries += 1
                    cookies.written.clear()
                    try:
                        return await self.route.handler(**arguments)
                    except SERIALIZATION_FAILURE:
                        if tries == _TRIES:
                            raise
                        await asyncio.sleep(random.uniform(0, 0.05))  # noqa: S311  # jitter, not a secret
        except TimeoutError:
            raise UNAVAILABLE from None
        except Problem as refusal:
            refusal.cookies = cookies.written
            raise

    def _encoded(
        self, answer: Any, told: dict[str, str], scope: Scope, headers: dict[bytes, bytes]
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Status, headers and body; Starlette's Response would make the same of strings."""
        if isinstance(answer, Reply):
            status, body = answer.status, answer.content
            named = {"content-type": answer.media_type, "cache-control": "no-store", **answer.headers, **told}
            said = [(name.encode(), value.encode("latin-1")) for name, value in named.items()]
        else:
            status = self.route.status
            body = b"" if status == 204 else encode(answer)
            said = [_NO_STORE] if status == 204 else [_JSON, _NO_STORE]
            said += [(name.encode(), value.encode()) for name, value in told.items()]
        if self.route.etag:
            tag = etag(body)
            said.append((b"etag", tag.encode()))
            if self.route.method == "GET" and names(headers.get(b"if-none-match", b"").decode("latin-1"), tag):
                status, body = 304, b""
        if isinstance(answer, Page):
            said += answer.links(scope["path"], scope["query_string"])
        if status not in (204, 304):
            said.append((b"content-length", b"%d" % len(body)))
        return status, said, body


def _renew_with(
    renewal: Renewal, context: Context, principal: Principal, cookies: Cookies, told: dict[str, str]
) -> Renew:
    """The caller's own `renew`; new tokens that are not in cookies are told in the answer's headers."""

    async def renew(db: Database) -> UUID:
        sid, headers = await renewal(context, db, principal, cookies)
        told.update(headers)
        return sid

    return renew


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


def mount(routes: Sequence[Route], authenticate: Authenticate, renewal: Renewal | None = None) -> Table:
    """The tables of routes as one of Starlette's. Raises TypeError for a route that stands twice or does not fit its
    handler."""
    paths: dict[str, Methods] = {}
    for route in routes:
        methods = paths.setdefault(route.path, Methods(route.path))
        if route.method in methods.endpoints:
            raise TypeError(f"{route.method} {route.path} stands twice in the tables of routes.")
        methods.endpoints[route.method] = Endpoint(route, authenticate, renewal)
    return Table(paths.values())
