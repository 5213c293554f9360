"""The only pipeline there is: `Endpoint.__call__`, to be read top to bottom. What a handler's signature says is worked
out once, at start-up."""

import asyncio
import random
import re
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from api.kernel.callers import Caller, Gate
from api.kernel.context import Context, Origin, origin
from api.kernel.conversion import convert
from api.kernel.cookies import Cookies
from api.kernel.database import SERIALIZATION_FAILURE
from api.kernel.decoding import JSON, PairsDecoder, decode_json, decode_path, has_body, read_body, read_form
from api.kernel.errors import METHOD_NOT_ALLOWED, RATE_LIMITED, UNAVAILABLE, Problem
from api.kernel.failpoints import passing
from api.kernel.forms import parse_urlencoded
from api.kernel.headers import combine, names
from api.kernel.limits import Policy, describe, merge
from api.kernel.mail import language_of
from api.kernel.paging import Page
from api.kernel.routing import PREFIX, Authenticate, Reply, Route, Whose, encode, etag, inputs_of, operation_id
from api.kernel.settings import rate

HANDLER_SECONDS = 15.0
MAX_ACTIVE = 500
_TRIES = 3
_JSON = (b"content-type", JSON.encode())
_NO_STORE = (b"cache-control", b"no-store")


class Endpoint:
    """One route, compiled."""

    def __init__(self, route: Route, authenticate: Authenticate, recognise: Whose) -> None:
        self.route = route
        self._inputs = inputs_of(route)
        self._form = PairsDecoder(self._inputs.form) if self._inputs.form else None
        self._query = PairsDecoder(self._inputs.query) if self._inputs.query else None
        own = rate(route.limit) if route.limit else None
        self._own = Policy(operation_id(route), own) if own else None
        self._template = PREFIX + route.path
        self._gate = Gate(route, "principal" in self._inputs.ambient, authenticate, recognise)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context: Context = scope["app"].state.context
        scope["route_template"] = self._template
        headers = combine(scope["headers"])
        cookies = Cookies(headers)
        try:
            answer = await self._answer(context, scope, receive, headers, cookies)
        except Problem as refusal:
            refusal.cookies = cookies.written
            refusal.headers |= cookies.remedy()
            raise
        passing("pipeline.answer")
        status, said, body = self._encoded(answer, scope["told"] | cookies.remedy(), scope, headers)
        said += [(b"set-cookie", cookie.encode()) for cookie in cookies.written]
        await send({"type": "http.response.start", "status": status, "headers": said})
        await send({"type": "http.response.body", "body": body})

    async def _answer(
        self, context: Context, scope: Scope, receive: Receive, headers: dict[bytes, bytes], cookies: Cookies
    ) -> Any:
        """What the handler returns, once the caller is known, counted and admitted and the input is decoded."""
        caller = await self._gate.look(context, headers, cookies)
        self._set_origin(scope, caller, headers)
        proved, arguments = None, {}
        if self.route.by:
            arguments = await self._decode_first(context, scope, receive, headers)
            proved = self.route.by(context, cookies, arguments.get("body"))
        told = scope["told"] = await self._limit(context, caller, proved)
        self._gate.admit(context, caller)
        if not self.route.by:
            arguments = await self._decode(scope, receive, headers)
        if_match = headers[b"if-match"].decode("latin-1") if b"if-match" in headers else None
        known: dict[str, Any] = {"context": context, "principal": caller.principal, "claims": caller.claims}
        known |= {"cookies": cookies, "if_match": if_match}
        arguments |= {name: known[name] for name in self._inputs.ambient}
        try:
            return await self._call(arguments, cookies)
        except Problem as refusal:
            raise await self._counted(context, refusal, told, bool(caller.known or proved)) from None

    def _set_origin(self, scope: Scope, caller: Caller, headers: dict[bytes, bytes]) -> None:
        address = scope["client"][0] if scope.get("client") else None
        agent = headers.get(b"user-agent", b"").decode("latin-1").replace("\x00", "")[:256]
        language = language_of(headers.get(b"accept-language", b"").decode("latin-1"))
        account = caller.principal.id if caller.principal else None
        scope["account"] = account  # for the access log
        origin.set(Origin(account, address, agent or None, language))

    async def _limit(self, context: Context, caller: Caller, proved: UUID | None) -> dict[str, str]:
        """Charge the request to every limit of the route; the headers that tell of them. The general limit is the
        caller's. The route's own is, too, where its guard asks for a token; elsewhere it goes by what the route's `by`
        proves, else by address, so that an account gives nobody a fresh count of sign-ins or registrations."""
        if self.route.limit == "off":
            return {}
        limiter, address = context.limiter, origin.get().address
        known = caller.known or proved
        limits = limiter.general(str(known) if known else None, address)
        if self._own:
            whose = caller.known if self.route.guard.asks else proved
            limits += limiter.own(self._own, str(whose) if whose else None, address)
        failures = limiter.failures(address) if self._may_fail(caller) else []
        told = {"ratelimit-policy": describe([*limits, *failures, *limiter.scaled(*self.route.policies)])}
        try:
            verdict = await limiter.charge(limits + failures if caller.failed else limits)
        except RATE_LIMITED as refusal:
            refusal.headers |= told
            raise
        return verdict.headers() | told if verdict.limits else {}

    def _may_fail(self, caller: Caller) -> bool:
        """Whether this route may refuse a token that such a caller sends."""
        if self.route.guard.asks:
            return caller.principal is None
        return any(error.status == 401 for error in self.route.errors)

    async def _counted(self, context: Context, refusal: Problem, told: dict[str, str], known: bool) -> Problem:
        """What a handler raised, with what there is to tell of limits. A token that it refused is charged to the
        address, whoever sent it; over that limit the answer is 429."""
        if refusal.status == 401 and told:
            limiter, address = context.limiter, origin.get().address
            try:
                await limiter.charge(limiter.failures(address) + (limiter.general(None, address) if known else []))
            except RATE_LIMITED as limited:
                refusal = limited
        if isinstance(refusal, RATE_LIMITED) and told:
            refusal.headers["ratelimit-policy"] = told["ratelimit-policy"]
            refusal.headers["ratelimit"] = merge(told["ratelimit"], refusal.headers["ratelimit"])
        return refusal

    async def _decode_first(
        self, context: Context, scope: Scope, receive: Receive, headers: dict[bytes, bytes]
    ) -> dict[str, Any]:
        """For a limit that goes by what is sent. What cannot be read is counted by address."""
        try:
            return await self._decode(scope, receive, headers)
        except Problem:
            scope["told"] = await self._limit(context, Caller(), None)
            raise

    async def _decode(self, scope: Scope, receive: Receive, headers: dict[bytes, bytes]) -> dict[str, Any]:
        arguments = {name: decode_path(scope["path_params"][name], kind) for name, kind in self._inputs.path.items()}
        if self._query is not None:
            arguments["query"] = self._query.decode(parse_urlencoded(scope["query_string"]))
        if self._inputs.body is not None and not self._inputs.body_needed and not has_body(headers):
            arguments["body"] = None
        elif self._inputs.body is not None:
            arguments["body"] = convert(decode_json(await read_body(receive, headers, JSON)), self._inputs.body)
        elif self._form is not None:
            arguments["form"] = self._form.decode(await read_form(receive, headers))
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


def mount(routes: Sequence[Route], authenticate: Authenticate, recognise: Whose) -> Table:
    """The tables of routes as one of Starlette's. Raises TypeError for a route that stands twice or does not fit its
    handler."""
    paths: dict[str, Methods] = {}
    for route in routes:
        methods = paths.setdefault(route.path, Methods(route.path))
        if route.method in methods.endpoints:
            raise TypeError(f"{route.method} {route.path} stands twice in the tables of routes.")
        methods.endpoints[route.method] = Endpoint(route, authenticate, recognise)
    return Table(paths.values())
