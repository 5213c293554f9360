"""Clients of an application that limits guessing."""

from collections.abc import Callable
from functools import partial
from typing import cast

import httpx
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from api.app import create_app
from api.kernel.context import Context
from api.kernel.identity.limits import Limiter
from api.kernel.settings import Settings
from tests.conftest import client_of

ClientAt = Callable[[str], httpx.AsyncClient]


def limited(context: Context) -> Context:
    """Only the limits on credentials are on."""
    settings = msgspec.structs.replace(context.settings, rate_limit_credentials=1.0)
    return msgspec.structs.replace(context, settings=settings, limiter=Limiter(settings, context.cache))


def at(app: Starlette, address: str) -> httpx.AsyncClient:
    """A client with this address."""

    async def elsewhere(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "client": (address, 50000)}, receive, send)

    return client_of(cast(Starlette, elsewhere))


@pytest.fixture
def client_at(app: Starlette, context: Context) -> ClientAt:
    """Return a function that makes clients by their address."""
    app.state.context = limited(context)
    return partial(at, app)


@pytest.fixture
def live_client_at(cloned: Settings, live: Context) -> ClientAt:
    """The same, for an application with a pool."""
    app = create_app(cloned)
    app.state.context = limited(live)
    return partial(at, app)
