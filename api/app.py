"""The web application: the kernel with FEATURES. Importing it has no side effects."""

import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from api.features import FEATURES
from api.kernel import telemetry
from api.kernel.context import open_context
from api.kernel.errors import NOT_FOUND, Problems
from api.kernel.feature import (
    Feature,
    authenticate_of,
    everywhere,
    personal_of,
    quotas_of,
    recognise_of,
    renewal_of,
    schedules_of,
    settings_of,
    tasks_of,
)
from api.kernel.http.application import BrowserApplication
from api.kernel.http.cors import Cors
from api.kernel.http.gate import Gate
from api.kernel.http.static import Document, Static
from api.kernel.http.table import mount
from api.kernel.input.decoding import JSON
from api.kernel.outbox.tasks import subscribers
from api.kernel.process.collector import settle
from api.kernel.process.supervision import follow_supervisor
from api.kernel.settings import Settings, load
from api.kernel.wire.process import drain_on_signals

if TYPE_CHECKING:
    from api.kernel.telemetry.exposition import Exposition

logger = logging.getLogger(__name__)
ROOT = Path(__file__).parents[1]


class Application(Starlette):
    """Starlette without its two error middlewares; Problems replaces both."""

    def build_middleware_stack(self) -> ASGIApp:
        app: ASGIApp = self.router
        for middleware, arguments, options in reversed(self.user_middleware):
            app = middleware(app, *arguments, **options)
        return app


def create() -> Starlette:
    """Application factory for uvicorn, configured by the environment of the process."""
    settings = load(kinds=settings_of(FEATURES))
    follow_supervisor()
    app = create_app(settings, exposition=telemetry.set_up(settings, "web"))
    settle()
    return app


def create_app(
    settings: Settings, features: Sequence[Feature] = FEATURES, exposition: "Exposition | None" = None
) -> Starlette:
    """The ASGI application. Its lifespan opens and closes the Context; a test may set `app.state.context` instead."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        personal = personal_of(features)
        async with (
            open_context(settings, subscribers(tasks_of(features)), personal=personal) as context,
            everywhere(context, features),
        ):
            app.state.context = context
            drain_on_signals(context.draining)
            fields = {"port": settings.port, "environment": settings.environment, "release": settings.release}
            logger.info("web starts", extra={"fields": fields})
            yield

    for kind in settings_of(features).values():
        settings.of(kind)
    schedules_of(features)  # an invalid schedule stops the start of web and worker
    routes = [route for feature in features for route in feature.routes]
    pages: list[BaseRoute] = [Route("/{path:path}", BrowserApplication(settings.web_dir))]
    if settings.api_docs:
        document = Document("/api/openapi.json", functools.partial(_openapi, features), JSON)
        pages.insert(0, Route("/api/openapi.json", document))
        pages.insert(0, Route("/api/docs{path:path}", Static(ROOT / "api/kernel/contract/docs", "/api/docs")))
    token = None if settings.metrics_port else settings.metrics_token
    scrapes = []
    if exposition and token:
        from api.kernel.telemetry.exposition import Scrapes  # imports the SDK's metrics

        scrapes = [Route("/metrics", Scrapes(exposition, token))]
    table = mount(routes, authenticate_of(features), recognise_of(features), renewal_of(features), quotas_of(features))
    app = Application(
        routes=[*scrapes, table, *pages],
        middleware=[
            Middleware(telemetry.Telemetry, settings.log_health),
            Middleware(Gate, settings),
            Middleware(Cors, settings),
            Middleware(Problems),
        ],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # a redirect would use the Host header, which clients control
    app.router.default = _unrouted
    return app


def _openapi(features: Sequence[Feature]) -> bytes:
    from api.kernel.contract import openapi  # for the first request of the document, which few processes receive

    return openapi.document(features)


async def _unrouted(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer requests without a route. `OPTIONS *` asks about the server as a whole (RFC 9110 §9.3.7): 204."""
    if (scope["method"], scope["path"]) != ("OPTIONS", "*"):
        raise NOT_FOUND
    await Response(status_code=204)(scope, receive, send)
