"""C-78: a GET has no side effects. Each route is called in a read-only transaction."""

import httpx
import pytest
from starlette.applications import Starlette

from api.app import create_app
from api.features import FEATURES
from api.kernel.context import Context
from api.kernel.feature import Feature
from api.kernel.http.routing import get
from api.kernel.identity.auth import anyone
from api.kernel.settings import Settings
from tests.conftest import client_of
from tests.examples import EXAMPLES, ROUTES, filled, over_http, things_of
from tests.factories import PASSWORD, make_user

READING = [name for name, (_, route) in ROUTES.items() if route.method == "GET"]


@pytest.fixture(scope="module")
def compiled(settings: Settings) -> Starlette:
    return create_app(settings, over_http(FEATURES))


@pytest.mark.parametrize("name", READING)
async def test_every_get_is_answered_in_a_read_only_transaction(
    client: httpx.AsyncClient, context: Context, name: str
) -> None:
    user = await make_user(context, superuser=True)
    form = {"username": user.email, "password": PASSWORD}
    pair = (await client.post("/api/auth/jwt/login", data=form)).json()
    claims = context.tokens.verify(pair["access_token"])
    feature, route = ROUTES[name]
    path = filled(route, await things_of(context, user, claims.sid), EXAMPLES[feature].file)
    await context.db.fetch("set transaction read only")
    headers = {"authorization": f"Bearer {pair['access_token']}"}
    answer = await client.get(path, headers=headers)
    assert answer.status_code in (200, 303), answer.text


async def test_a_writing_route_would_fail(context: Context) -> None:
    async def write_on_reading() -> None:
        await context.db.fetch("update users set name = name")

    app = create_app(context.settings, (Feature(name="bad", routes=[get("/bad", write_on_reading, guard=anyone)]),))
    app.state.context = context
    await context.db.fetch("set transaction read only")
    async with client_of(app) as client:
        assert (await client.get("/api/bad")).status_code == 503
