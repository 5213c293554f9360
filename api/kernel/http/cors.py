"""Cross-origin requests: Starlette's middleware for ALLOWED_ORIGINS, with credentials. Pages of an allowed origin may
send any header, because tracing and error reporting add their own. Refusals are problems (RFC 9457)."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.kernel.errors import path_of, render
from api.kernel.http.caching import vary_by
from api.kernel.http.cookies import ORIGIN_NOT_ALLOWED
from api.kernel.settings import Settings

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_RESPONSE_HEADERS = (
    "Content-Disposition",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "Server-Timing",
    "WWW-Authenticate",
    "X-Access-Token",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Refresh-Token",
    "X-Total-Count",
    "X-Trace-Id",
)


class Cors(CORSMiddleware):
    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        super().__init__(
            app,
            allow_origins=settings.allowed_origins,
            allow_methods=_METHODS,
            allow_headers=("*",),
            allow_credentials=True,
            expose_headers=_RESPONSE_HEADERS,
            max_age=600,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not any(name == b"origin" for name, _ in scope["headers"]):

            async def varied(message: Message) -> None:
                if message["type"] == "http.response.start":
                    vary_by(message["headers"], b"Origin")
                await send(message)

            return await self.app(scope, receive, varied)
        try:
            await super().__call__(scope, receive, send)
        except ORIGIN_NOT_ALLOWED as refusal:
            await render(refusal, path_of(scope))(scope, receive, send)

    @staticmethod
    def allow_explicit_origin(headers: MutableHeaders, origin: str) -> None:
        """Also let the origin's pages read Server-Timing and the phases of the request (W3C Resource Timing)."""
        CORSMiddleware.allow_explicit_origin(headers, origin)
        headers["Timing-Allow-Origin"] = origin

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code >= 400:
            known = self.is_allowed_origin(request_headers["origin"])
            detail = f"This method is not allowed across origins; use one of {', '.join(_METHODS)}." if known else None
            raise ORIGIN_NOT_ALLOWED(detail, headers={"vary": "Origin"})
        return response
