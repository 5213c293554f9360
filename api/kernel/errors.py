"""Problem: every answer that is not a success, as a type. Raise one anywhere below the middleware in this file and
the client gets the contract's one shape (RFC 9457). Nothing else becomes an error response."""

import http
import logging
from collections.abc import Mapping, Sequence
from typing import ClassVar
from urllib.parse import quote

import msgspec
from opentelemetry import trace
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)


class FieldError(msgspec.Struct, frozen=True):
    """One field that was refused: an RFC 6901 `pointer` into the input, and why."""

    pointer: str
    detail: str


class Problem(Exception):
    """A refusal. A feature's codes are subclasses, made by the makers below and raised by name: `raise EMAIL_TAKEN`."""

    status: ClassVar[int]
    code: ClassVar[str]
    type_: ClassVar[str] = "about:blank"
    detail: str
    violated_policies: Sequence[str] = ()
    """The limits that were reached."""

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.detail = detail or type(self).detail
        self.errors = errors
        self.headers = dict(headers or {})
        self.cookies: Sequence[str] = ()
        """Set-Cookie headers, where what was refused must also be forgotten."""
        super().__init__(self.detail)


class BrokenOff(Exception):
    """An answer cannot be completed although it has begun, and the cause is logged. The server ends the connection so
    that the client does not take what it has for the whole."""


class ProblemDocument(
    msgspec.Struct,
    kw_only=True,
    omit_defaults=True,
    rename={"type_": "type", "violated_policies": "violated-policies"},
):
    """The body of every 4xx and 5xx (RFC 9457); the last three members repeat others, as the reference names them."""

    type_: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    trace_id: str
    errors: Sequence[FieldError] = ()
    violated_policies: Sequence[str] = ()
    """Of a 429: the names of the limits, as in RateLimit-Policy."""
    error: str
    status_code: int
    path: str


def problem(status: int, code: str, detail: str) -> type[Problem]:
    """Make the type of refusal that `code` names. A type and not an instance: an exception raised twice keeps
    growing."""
    return type(code, (Problem,), {"status": status, "code": code, "detail": detail})


def bad_request(code: str, detail: str) -> type[Problem]:
    return problem(400, code, detail)


def unauthorized(code: str, detail: str) -> type[Problem]:
    return problem(401, code, detail)


def forbidden(code: str, detail: str) -> type[Problem]:
    return problem(403, code, detail)


def not_found(code: str, detail: str) -> type[Problem]:
    return problem(404, code, detail)


def conflict(code: str, detail: str) -> type[Problem]:
    return problem(409, code, detail)


class UNAVAILABLE(Problem):
    """A part that is needed does not answer. Written out as a class because others are a kind of it."""

    status = 503
    code = "UNAVAILABLE"
    detail = "A part this needs does not answer now; try again shortly."
    remedy: str | None = None
    """For the operator, never in an answer: which setting to mend, where waiting does not help."""


class RATE_LIMITED(Problem):
    """A limit was reached (draft-ietf-httpapi-ratelimit-headers-11 §5)."""

    status = 429
    code = "RATE_LIMITED"
    type_ = "https://iana.org/assignments/http-problem-types#quota-exceeded"
    detail = "Too many requests; wait as long as Retry-After says."


MALFORMED_JSON = bad_request("MALFORMED_JSON", "The body is not valid JSON.")
MALFORMED_MULTIPART = bad_request("MALFORMED_MULTIPART", "The body is not valid multipart/form-data.")
MALFORMED_REQUEST = bad_request("MALFORMED_REQUEST", "The request is not valid HTTP.")
UNAUTHORIZED = unauthorized("UNAUTHORIZED", "Sign in first: this needs a valid access token.")
FORBIDDEN = forbidden("FORBIDDEN", "You may not do this.")
NOT_FOUND = not_found("NOT_FOUND", "There is nothing here.")
METHOD_NOT_ALLOWED = problem(405, "METHOD_NOT_ALLOWED", "This address does not answer that method; see Allow.")
REQUEST_TIMEOUT = problem(408, "REQUEST_TIMEOUT", "The request did not arrive in time.")
PRECONDITION_FAILED = problem(
    412, "PRECONDITION_FAILED", "It has changed since you read it; read it again, and decide anew."
)
CONFLICT = conflict("CONFLICT", "Something else changed at the same time, or already exists.")
PAYLOAD_TOO_LARGE = problem(413, "PAYLOAD_TOO_LARGE", "The body is larger than 64 KiB.")
UNSUPPORTED_MEDIA_TYPE = problem(415, "UNSUPPORTED_MEDIA_TYPE", "This needs another Content-Type.")
HOST_NOT_ALLOWED = problem(421, "HOST_NOT_ALLOWED", "This host name is not served here; see ALLOWED_HOSTS.")
VALIDATION_FAILED = problem(422, "VALIDATION_FAILED", "Some of the input is not acceptable; see errors.")
UPGRADE_REQUIRED = problem(426, "UPGRADE_REQUIRED", "This address speaks WebSocket; open one (RFC 6455).")
TOO_MANY_STREAMS = problem(429, "TOO_MANY_STREAMS", "You have too many streams and sockets open; close one first.")
INTERNAL_ERROR = problem(500, "INTERNAL_ERROR", "Something went wrong here; the trace id finds it in our logs.")

encode = msgspec.json.Encoder().encode


def trace_id() -> str:
    """The W3C trace id of the request being served: 32 hex digits."""
    return f"{trace.get_current_span().get_span_context().trace_id:032x}"


def title_of(status: int) -> str:
    """The status' name in RFC 9110; Python before 3.13 has older ones for two of them."""
    return {413: "Content Too Large", 422: "Unprocessable Content"}.get(status) or http.HTTPStatus(status).phrase


def document_of(refusal: Problem, path: str, trace_id: str) -> ProblemDocument:
    """What a Problem says to whom asked for `path`, without the query."""
    return ProblemDocument(
        type_=refusal.type_,
        title=title_of(refusal.status),
        status=refusal.status,
        detail=refusal.detail,
        instance=path,
        code=refusal.code,
        trace_id=trace_id,
        errors=refusal.errors,
        violated_policies=refusal.violated_policies,
        error=refusal.detail,
        status_code=refusal.status,
        path=path,
    )


def render(refusal: Problem, path: str) -> Response:
    """Turn a Problem into its response. `path` is the request's, without the query."""
    document = document_of(refusal, path, trace_id())
    headers = {"cache-control": "no-store", **refusal.headers}
    if refusal.status == 503:
        headers.setdefault("retry-after", "1")
    elif refusal.status == 401:
        headers.setdefault("www-authenticate", "Bearer")
    response = Response(encode(document), refusal.status, headers, media_type="application/problem+json")
    for cookie in refusal.cookies:
        response.headers.append("set-cookie", cookie)
    return response


def path_of(scope: Scope) -> str:
    """The path as it was asked for, percent-encoded, so that no character of it can break a log line or a document."""
    return quote(scope.get("raw_path") or scope["path"], "/%:@!$&'()*+,;=")


class Problems:
    """ASGI middleware: whatever is raised below becomes an answer, with the headers that the pipeline put into
    `scope["told"]`; an unexpected exception is logged and answered with 500."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if started:  # too late for a status; the server logs it and ends the connection
                raise
            if not isinstance(error, Problem):
                logger.exception("unhandled exception")
                error = INTERNAL_ERROR()
            error.headers = {**scope.get("told", {}), **error.headers}
            await render(error, path_of(scope))(scope, receive, send)
