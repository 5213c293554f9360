"""Cross-origin requests: Starlette's middleware for the origins in ALLOWED_ORIGINS, credentials included, and its
refusals in our one shape."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from api.kernel.errors import forbidden, render
from api.kernel.settings import Settings

ORIGIN_NOT_ALLOWED = forbidden(
    "ORIGIN_NOT_ALLOWED", "This origin, method or header is not allowed; see ALLOWED_ORIGINS."
)

_REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "Last-Event-ID",
    "X-XSRF-TOKEN",
    "traceparent",
)
_RESPONSE_HEADERS = (
    "ETag",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Server-Timing",
    "WWW-Authenticate",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Trace-Id",
)


class Cors(CORSMiddleware):
    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        super().__init__(
            app,
            allow_origins=settings.allowed_origins,
            allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=_REQUEST_HEADERS,
            allow_credentials=True,
            expose_headers=_RESPONSE_HEADERS,
            max_age=600,
        )

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        refused = render(ORIGIN_NOT_ALLOWED(), "*")
        refused.headers.update({name: value for name, value in response.headers.items() if name == "vary"})
        return refused
