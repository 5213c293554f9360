"""Problem: every error response as a type. Raise one below the middleware in this file, and the client gets an RFC 9457
document. Nothing else becomes an error response."""

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
    """An invalid field: an RFC 6901 `pointer` into the input, and the reason, in words and as a stable `code` with its
    `params`, such as `too_short` and `{"min": 8}`."""

    pointer: str
    detail: str
    code: str
    params: dict[str, int | float | str] | msgspec.UnsetType = msgspec.UNSET


class Problem(Exception):
    """An error response. A feature's codes are subclasses, created by the functions below and raised by name: `raise
    EMAIL_TAKEN`."""

    status: ClassVar[int]
    code: ClassVar[str]
    type_: ClassVar[str] = "about:blank"
    detail: str
    violated_policies: Sequence[str] = ()
    """The limits that were exceeded."""

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
        """Set-Cookie headers that clear the cookies which were refused."""
        super().__init__(self.detail)


class BrokenOff(Exception):
    """A response cannot be completed after it was started; the cause is logged. The server cuts the connection, so that
    the client does not mistake a part for the whole."""


class ProblemExtra(msgspec.Struct, frozen=True):
    """The trace id of a problem, where the reference system's client reads it."""

    trace_id: str


class ProblemDocument(
    msgspec.Struct,
    kw_only=True,
    omit_defaults=True,
    rename={"type_": "type", "violated_policies": "violated-policies"},
):
    """Body of every 4xx and 5xx response (RFC 9457). The members `message`, `error`, `status_code`, `path` and
    `extra` repeat others for compatibility with the reference system and its clients."""

    type_: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    trace_id: str
    errors: Sequence[FieldError] = ()
    violated_policies: Sequence[str] = ()
    """Names of the exceeded limits of a 429 response, as in RateLimit-Policy."""
    message: str
    error: str
    status_code: int
    path: str
    extra: ProblemExtra


def problem(status: int, code: str, detail: str) -> type[Problem]:
    """Create the exception type of an error code. It is a type, because an instance that is raised twice accumulates
    tracebacks."""
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
    """A service that is needed does not answer. A class statement, because others inherit from it."""

    status = 503
    code = "UNAVAILABLE"
    detail = "A service that this operation needs is not available; try again shortly."
    remedy: str | None = None
    """For the operator, never sent to clients: the setting to fix if waiting does not help."""


class RATE_LIMITED(Problem):
    """A limit was exceeded (draft-ietf-httpapi-ratelimit-headers-11 §5)."""

    status = 429
    code = "RATE_LIMITED"
    type_ = "https://iana.org/assignments/http-problem-types#quota-exceeded"
    detail = "Too many requests; wait for the seconds in Retry-After."


MALFORMED_JSON = bad_request("MALFORMED_JSON", "The body is not valid JSON.")
MALFORMED_MULTIPART = bad_request("MALFORMED_MULTIPART", "The body is not valid multipart/form-data.")
MALFORMED_REQUEST = bad_request("MALFORMED_REQUEST", "The request is not valid HTTP.")
UNAUTHORIZED = unauthorized("UNAUTHORIZED", "A valid access token is required; sign in.")
FORBIDDEN = forbidden("FORBIDDEN", "Your account does not have permission for this operation.")
NOT_FOUND = not_found("NOT_FOUND", "The resource does not exist.")
METHOD_NOT_ALLOWED = problem(
    405, "METHOD_NOT_ALLOWED", "The method is not allowed for this path; use one of those in Allow."
)
REQUEST_TIMEOUT = problem(408, "REQUEST_TIMEOUT", "The request did not arrive in time; send it again.")
PRECONDITION_FAILED = problem(
    412, "PRECONDITION_FAILED", "The resource has changed since it was read; get it again and repeat the change."
)
CONFLICT = conflict(
    "CONFLICT", "The change conflicts with a concurrent change or an existing resource; reload and try again."
)
PAYLOAD_TOO_LARGE = problem(413, "PAYLOAD_TOO_LARGE", "The body is larger than 64 KiB.")
UNSUPPORTED_MEDIA_TYPE = problem(415, "UNSUPPORTED_MEDIA_TYPE", "The Content-Type is not supported.")
HOST_NOT_ALLOWED = problem(421, "HOST_NOT_ALLOWED", "This host name is not served; add it to ALLOWED_HOSTS.")
VALIDATION_FAILED = problem(422, "VALIDATION_FAILED", "The input is invalid; see errors.")
UPGRADE_REQUIRED = problem(426, "UPGRADE_REQUIRED", "This path requires a WebSocket handshake (RFC 6455).")
RIGHTS_CHANGED = conflict("RIGHTS_CHANGED", "The rights of this account have just changed; connect again.")
TOO_MANY_STREAMS = problem(429, "TOO_MANY_STREAMS", "Too many streams and sockets are open; close one first.")
INTERNAL_ERROR = problem(500, "INTERNAL_ERROR", "An internal error occurred; report the trace_id.")

encode = msgspec.json.Encoder().encode


def trace_id() -> str:
    """The W3C trace id of the current request: 32 hex digits."""
    return f"{trace.get_current_span().get_span_context().trace_id:032x}"


def title_of(status: int) -> str:
    """The status' reason phrase in RFC 9110; Python before 3.13 has older ones for two of them."""
    return {413: "Content Too Large", 422: "Unprocessable Content"}.get(status) or http.HTTPStatus(status).phrase


def document_of(refusal: Problem, path: str, trace_id: str) -> ProblemDocument:
    """The document of a Problem for `path`, which has no query."""
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
        message=refusal.detail,
        error=refusal.detail,
        status_code=refusal.status,
        path=path,
        extra=ProblemExtra(trace_id),
    )


def render(refusal: Problem, path: str) -> Response:
    """Build the response of a Problem. `path` is the request's, without the query."""
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
    """The percent-encoded request path, so that no character of it can break a log line or a document."""
    return quote(scope.get("raw_path") or scope["path"], "/%:@!$&'()*+,;=")


class Problems:
    """ASGI middleware that turns exceptions into responses, with the headers in `scope["extra_headers"]`. Unexpected
    exceptions are logged and answered with 500."""

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
            if started:  # too late for an error response; the server logs it and closes the connection
                raise
            if not isinstance(error, Problem):
                logger.exception("unhandled exception")
                error = INTERNAL_ERROR()
            error.headers = {**scope.get("extra_headers", {}), **error.headers}
            await render(error, path_of(scope))(scope, receive, send)
