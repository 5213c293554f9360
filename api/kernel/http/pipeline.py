"""The request pipeline: `Endpoint.__call__`, to be read top to bottom. Handler signatures are compiled at start."""

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from starlette.types import Message, Receive, Scope, Send

from api.kernel.context import Context, Origin, origin
from api.kernel.data.database import SERIALIZATION_FAILURE
from api.kernel.errors import FORBIDDEN, RATE_LIMITED, UNAVAILABLE, Problem
from api.kernel.http.caching import NO_STORE, caching_fields, vary_by
from api.kernel.http.callers import Caller, Gate, renew_with
from api.kernel.http.compression import (
    COMPRESSED_BYTES,
    CONTENT_ENCODING,
    accepts_gzip,
    coded,
    gzipped,
    is_compressible,
)
from api.kernel.http.cookies import Cookies
from api.kernel.http.first_frame import serve_admitting
from api.kernel.http.headers import combine, names, text_of
from api.kernel.http.idempotency import HEADER, Attempt, Kept, keeps_answers
from api.kernel.http.messages import Receiver
from api.kernel.http.paging import Listing, Page
from api.kernel.http.routing import (
    PREFIX,
    Authenticate,
    Identify,
    Quotas,
    Renewal,
    Reply,
    Route,
    encode,
    inputs_of,
    operation_id,
)
from api.kernel.http.sockets import Admission, Handshake, offered, serve
from api.kernel.http.sse import refuse_token, stream
from api.kernel.http.streams import Stream, disposition_of, respond
from api.kernel.http.validators import etag
from api.kernel.identity.limits import Policy, Quota, describe, merge
from api.kernel.input.bodies import has_body
from api.kernel.input.conversion import convert
from api.kernel.input.decoding import JSON, PairsDecoder, decode_json, read_body, read_form
from api.kernel.input.forms import parse_urlencoded
from api.kernel.input.paths import path_decoder
from api.kernel.input.uploads import NoFields, Upload, open_upload, read_file
from api.kernel.live.feeds import Feed
from api.kernel.mail import language_of
from api.kernel.process.failpoints import passing
from api.kernel.settings import rate

HANDLER_SECONDS = 15.0
_TRIES = 3
_JSON = (b"content-type", JSON.encode())
_NO_FIELDS = PairsDecoder(NoFields)
_IDEMPOTENCY_KEY = HEADER.lower().encode()


class Endpoint:
    """A route, compiled at start."""

    def __init__(
        self,
        route: Route,
        authenticate: Authenticate,
        recognise: Identify,
        renewal: Renewal | None = None,
        quotas: Quotas | None = None,
        paths: tuple[str, ...] = (),
    ) -> None:
        self.route = route
        self._inputs = inputs_of(route)
        self._form = PairsDecoder(self._inputs.form) if self._inputs.form else None
        self._query = PairsDecoder(self._inputs.query) if self._inputs.query else None
        self._path = {name: path_decoder(kind) for name, kind in self._inputs.path.items()}
        self._caching = caching_fields(route.cache, route.guard.asks, self._inputs.ambient)
        self._is_public = route.cache is not None and route.cache.public
        """Responses contain nothing about the caller, including rate limits: shared caches serve them to others."""
        self._may_compress = is_compressible(route.method, self._inputs.ambient)
        own = rate(route.limit) if route.limit else None
        self._own = Policy(operation_id(route), own) if own else None
        self._template = PREFIX + route.path
        self.lasts = self._inputs.feed or route.socket
        self._keeps = keeps_answers(route, self._inputs)
        self._receiver = Receiver(route) if route.receives else None
        self._gate = Gate(route, "principal" in self._inputs.ambient, authenticate, recognise)
        self._renewal = renewal
        self._quotas = quotas
        self._paths = paths
        """The paths of all routes that count requests, for handlers that take `paths`."""
        if "renew" in self._inputs.ambient and renewal is None:
            raise TypeError(f"{route.handler.__name__} takes `renew`, but no feature implements it.")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context: Context = scope["app"].state.context
        scope["route_template"] = self._template
        headers = combine(scope["headers"])
        handshake = offered(context.settings, scope, headers) if self.route.socket else None
        cookies = Cookies(headers)
        if self.lasts:
            refuse_token(scope)
        if handshake and self.route.auth_frame:
            return await self._admit_later(context, handshake, scope, receive, send, headers, cookies)
        try:
            answer = await self._answer(context, scope, receive, headers, cookies)
            if isinstance(answer, Stream):
                start = self._start(answer, scope, cookies)
                return await respond(answer, start, scope["method"], receive, send)
        except Problem as refusal:
            refusal.cookies = cookies.written
            refusal.headers |= cookies.remedy()
            raise
        passing("pipeline.answer")
        if self.lasts:
            return await self._stay(context, answer, handshake, scope, send, headers, cookies)
        remedy = cookies.remedy()
        may_store = not (cookies.written or remedy)  # a shared cache would set or clear the cookies of other callers
        extra = {} if self._is_public and may_store else scope["extra_headers"] | remedy
        status, fields, body = self._encoded(answer, extra, may_store, scope, headers)
        fields += [(b"set-cookie", cookie.encode()) for cookie in cookies.written]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": body})

    async def _stay(
        self,
        context: Context,
        feed: Feed[Any] | None,
        handshake: Handshake | None,
        scope: Scope,
        send: Send,
        headers: dict[bytes, bytes],
        cookies: Cookies,
    ) -> None:
        """Serve a stream or a socket until either side ends it."""
        fields = _fields(scope["extra_headers"] | cookies.remedy(), cookies)
        if handshake is None:
            assert feed is not None
            caller: Caller = scope["caller"]
            look = functools.partial(self._gate.look_again, context, caller)
            last = text_of(headers, b"last-event-id")
            known: dict[str, Any] = {"caller": caller, "check": look, "headers": fields}
            return await stream(context, feed, scope, send, last=last, **known)
        admission = self._admission(context, scope, feed)
        await serve(context, scope, send, admission, handshake=handshake, headers=fields)

    async def _admit_later(
        self,
        context: Context,
        handshake: Handshake,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: dict[bytes, bytes],
        cookies: Cookies,
    ) -> None:
        """Serve a socket whose first message may identify the caller."""

        async def admit() -> Admission:
            feed = await self._answer(context, scope, receive, headers, cookies)
            return self._admission(context, scope, feed)

        await serve_admitting(context, scope, send, admit, handshake=handshake, headers=headers)

    def _admission(self, context: Context, scope: Scope, feed: Feed[Any] | None) -> Admission:
        caller: Caller = scope["caller"]
        look = functools.partial(self._gate.look_again, context, caller)
        receiver = self._receiver
        answer = receiver.answer(context, scope, caller, look, self._call) if receiver else None
        return Admission(feed=feed, caller=caller, check=look, answer=answer)

    async def _answer(
        self, context: Context, scope: Scope, receive: Receive, headers: dict[bytes, bytes], cookies: Cookies
    ) -> Any:
        """Identify, count and admit the caller, decode the input, and return the handler's result."""
        caller = scope["caller"] = await self._gate.look(context, headers, cookies)
        self._set_origin(scope, caller, headers)
        proved, arguments = None, {}
        if self.route.by:
            arguments = await self._decode_first(context, scope, receive, headers)
            proved = self.route.by(context, cookies, arguments.get("body"))
        rate_headers = scope["extra_headers"] = await self._limit(context, caller, proved)
        try:
            self._gate.admit(context, caller)
        except FORBIDDEN as refusal:
            raise await self._counted(context, refusal, rate_headers, known=False) from None
        key = headers.get(_IDEMPOTENCY_KEY) if self._keeps else None
        attempt = Attempt(key, scope, receive) if key is not None else None
        if not self.route.by:
            arguments = await self._decode(scope, attempt.receive if attempt else receive, headers)
        known: dict[str, Any] = {"context": context, "principal": caller.principal, "claims": caller.claims}
        known |= {"cookies": cookies, "if_match": text_of(headers, b"if-match"), "language": origin.get().language}
        known |= {"idempotency_key": attempt.key.decode("ascii") if attempt else None}
        known |= {"last_event_id": text_of(headers, b"last-event-id"), "paths": self._paths}
        renewed: dict[str, str] = {}
        if self._renewal and caller.principal:
            known["renew"] = renew_with(self._renewal, context, caller.principal, cookies, renewed)
        arguments |= {name: known[name] for name in self._inputs.ambient}
        handler = None
        if attempt:
            encode = functools.partial(self._kept, scope, headers)
            account = caller.principal.id if caller.principal else None
            handler = functools.partial(attempt.run, context, account, encode, self.route.handler)
        try:
            answer = await self._call(arguments, cookies, handler)
        except Problem as refusal:
            raise await self._counted(context, refusal, rate_headers, bool(caller.known or proved)) from None
        scope["extra_headers"] = rate_headers | renewed
        return answer

    def _set_origin(self, scope: Scope, caller: Caller, headers: dict[bytes, bytes]) -> None:
        address = scope["client"][0] if scope.get("client") else None
        agent = headers.get(b"user-agent", b"").decode("latin-1").replace("\x00", "")[:256]
        language = language_of(headers.get(b"accept-language", b"").decode("latin-1"))
        account = caller.principal.id if caller.principal else None
        scope["account"] = account  # for the access log
        origin.set(Origin(account, address, agent or None, language))

    async def _limit(self, context: Context, caller: Caller, proved: UUID | None) -> dict[str, str]:
        """Charge the request to all limits of the route and return the rate limit headers. The general limit applies to
        the caller. The route's own limit does too if the guard requires a token; otherwise it is counted by what `by`
        proves or else by address, so that having an account gives no extra attempts at signing in or registering."""
        if self.route.limit == "off":
            return {}
        limiter, address = context.limiter, origin.get().address
        known = caller.known or proved
        quota = await self._quota(context, caller)
        limits = limiter.general(str(known) if known else None, address, quota)
        if self._own:
            key = caller.known if self.route.guard.asks else proved
            limits += limiter.own(self._own, str(key) if key else None, address)
        failures = limiter.failures(address) if self._may_fail(caller) else []
        described = describe([*limits, *failures, *limiter.scaled(*self.route.policies)])
        try:
            verdict = await limiter.charge(limits + failures if caller.failed else limits)
        except RATE_LIMITED as refusal:
            refusal.headers["ratelimit-policy"] = described
            raise
        return verdict.headers(described)

    async def _quota(self, context: Context, caller: Caller) -> Quota | None:
        """Return the quota that replaces the general limit of an account. A sign-in whose account is not looked up has
        the roles of its token."""
        claims = caller.claims
        if self._quotas is None or claims is None or caller.known != claims.sub:
            return None
        roles = caller.principal.roles if caller.principal else claims.roles
        return await self._quotas(context, claims.sub, roles, self.route.path)

    def _may_fail(self, caller: Caller) -> bool:
        """Whether this route may refuse a token of such a caller."""
        if self.route.guard.asks:
            admits = self.route.guard.admits
            return caller.principal is None or (admits is not None and not admits(caller.principal))
        optional = "principal" in self._inputs.ambient and caller.principal is None
        return optional or any(error.status == 401 for error in self.route.errors)

    async def _counted(self, context: Context, refusal: Problem, rate_headers: dict[str, str], known: bool) -> Problem:
        """Add rate limit headers to a refusal. Tokens refused by a handler and callers refused by the guard are also
        charged to the address; over that limit the response is 429."""
        if (refusal.status == 401 or isinstance(refusal, FORBIDDEN)) and rate_headers:
            limiter, address = context.limiter, origin.get().address
            failures = limiter.failures(address) + (limiter.general(None, address) if known else [])
            try:
                verdict = await limiter.charge(failures)
            except RATE_LIMITED as limited:
                refusal = limited
            else:
                left = verdict.headers().get("ratelimit")
                refusal.headers |= {"ratelimit": merge(rate_headers["ratelimit"], left)} if left else {}
        if isinstance(refusal, RATE_LIMITED) and rate_headers:
            refusal.headers["ratelimit-policy"] = rate_headers["ratelimit-policy"]
            refusal.headers["ratelimit"] = merge(rate_headers["ratelimit"], refusal.headers["ratelimit"])
        return refusal

    async def _decode_first(
        self, context: Context, scope: Scope, receive: Receive, headers: dict[bytes, bytes]
    ) -> dict[str, Any]:
        """Decode the input before counting, for limits that depend on it. Undecodable input is counted by address."""
        try:
            return await self._decode(scope, receive, headers)
        except Problem:
            scope["extra_headers"] = await self._limit(context, Caller(), None)
            raise

    async def _decode(self, scope: Scope, receive: Receive, headers: dict[bytes, bytes]) -> dict[str, Any]:
        arguments = {name: decode(scope["path_params"][name]) for name, decode in self._path.items()}
        if self._query is not None:
            arguments["query"] = self._query.decode(parse_urlencoded(scope["query_string"]))
        if self._inputs.body is not None and not self._inputs.body_needed and not has_body(headers):
            arguments["body"] = None
        elif self._inputs.body is not None:
            arguments |= await self._decode_body(self._inputs.body, receive, headers)
        elif self._form is not None:
            arguments["form"] = self._form.decode(await read_form(receive, headers, self._inputs.limit))
        return arguments

    async def _decode_body(self, kind: type, receive: Receive, headers: dict[bytes, bytes]) -> dict[str, Any]:
        limit, accepts = self._inputs.limit, self.route.accepts
        if kind is bytes:
            return {"body": await read_file(receive, headers, limit, accepts)}
        if kind is Upload:
            upload, form = await open_upload(receive, headers, limit, accepts, self._form or _NO_FIELDS)
            return {"body": upload, "form": form} if self._form else {"body": upload}
        return {"body": convert(decode_json(await read_body(receive, headers, JSON, limit)), kind)}

    async def _call(
        self, arguments: dict[str, Any], cookies: Cookies, handler: Callable[..., Awaitable[Any]] | None = None
    ) -> Any:
        """Run the handler with a deadline. Its work is transactional, so it is repeated after a serialization failure
        unless it has started to read an upload. Waiting for an upload's client does not count towards the deadline."""
        upload = arguments.get("body")
        try:
            async with asyncio.timeout(HANDLER_SECONDS) as clock:
                tries = 0
                if isinstance(upload, Upload):
                    upload.time_with(clock, HANDLER_SECONDS)
                while True:
                    tries += 1
                    cookies.written.clear()
                    try:
                        return await (handler or self.route.handler)(**arguments)
                    except SERIALIZATION_FAILURE:
                        if tries == _TRIES or (isinstance(upload, Upload) and upload.begun):
                            raise
                        await asyncio.sleep(random.uniform(0, 0.05))  # noqa: S311  # jitter, not a secret
        except TimeoutError:
            raise UNAVAILABLE from None

    def _start(self, stream: Stream, scope: Scope, cookies: Cookies) -> Message:
        """Build the response start of a Stream."""
        kind = self.route.media_type
        named = {"content-type": f"{kind}; charset=utf-8" if kind.startswith("text/") else kind}
        named |= {"cache-control": "no-store"} | scope["extra_headers"] | cookies.remedy()
        if stream.filename is not None:
            named["content-disposition"] = disposition_of(stream.filename)
        return {"type": "http.response.start", "status": self.route.status, "headers": _fields(named, cookies)}

    def _encoded(
        self, answer: Any, extra: dict[str, str], may_store: bool, scope: Scope, headers: dict[bytes, bytes]
    ) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Return status, headers and body as Starlette's Response would build them from strings."""
        if isinstance(answer, Kept):
            more = [(name.encode(), value.encode("latin-1")) for name, value in extra.items()]
            return answer.status, answer.headers + more, answer.body or b""
        caching = self._caching if may_store else NO_STORE
        if isinstance(answer, Reply):
            status, body = answer.status, answer.content
            fields = {name.decode(): value.decode() for name, value in caching}
            own = {**fields, **answer.headers} if may_store else {**answer.headers, **fields}
            named = {"content-type": answer.media_type or self.route.media_type, **own, **extra}
            response_headers = [(name.encode(), value.encode("latin-1")) for name, value in named.items()]
        else:
            status = self.route.status
            body = b"" if status == 204 else encode(answer)
            response_headers = [*caching] if status == 204 else [_JSON, *caching]
            response_headers += [(name.encode(), value.encode()) for name, value in extra.items()]
        compresses = False
        if len(body) in COMPRESSED_BYTES and self._may_compress and not isinstance(answer, Reply):
            vary_by(response_headers, b"Accept-Encoding")
            compresses = accepts_gzip(headers, scope["app"].state.context.settings)
        if self.route.etag:
            tag = etag(answer, body)
            tag = coded(tag) if compresses else tag
            response_headers.append((b"etag", tag.encode()))
            if self.route.method == "GET" and names(headers.get(b"if-none-match", b"").decode("latin-1"), tag):
                status, body = 304, b""
        if compresses and body:
            body = gzipped(body)
            response_headers.append(CONTENT_ENCODING)
        if isinstance(answer, Page | Listing):
            response_headers += answer.links(scope["path"], scope["query_string"])
        if status not in (204, 304):
            response_headers.append((b"content-length", b"%d" % len(body)))
        return status, response_headers, body

    def _kept(self, scope: Scope, headers: dict[bytes, bytes], answer: Any) -> Kept:
        """Encode an answer that is kept for repetitions."""
        status, fields, body = self._encoded(answer, {}, False, scope, headers)
        return Kept(status, fields, body)


def _fields(named: dict[str, str], cookies: Cookies) -> list[tuple[bytes, bytes]]:
    """Response headers as ASGI takes them."""
    fields = [(name.encode(), value.encode("latin-1")) for name, value in named.items()]
    return fields + [(b"set-cookie", cookie.encode()) for cookie in cookies.written]
