"""C-96: who may call what. One row a route; a route without a row fails. What a guard lets through may be refused for
other reasons, but never again for who one is."""

import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from api.features import FEATURES
from api.kernel.context import Context
from api.kernel.data.database import Database
from api.kernel.http.routing import Route
from api.kernel.identity.auth import Tokens
from tests.factories import PASSWORD, make_user

EVERYBODY, HOLDERS, SIGNED_IN, SUPERUSERS = "everybody", "holders", "signed in", "superusers"
OWNERS, BROWSERS, VISITORS = "owners", "browsers", "visitors"
# Whom each route lets in. `holders` have a token of ours, whatever became of it; to all but its `owners` a thing does
# not exist; what `browsers` call asks for their cookies, and a token in a header is nothing to it. `visitors` need no
# token, but one that they send must be valid.
ROWS = {
    "POST /auth/register": EVERYBODY,
    "POST /auth/request-verify-token": EVERYBODY,
    "POST /auth/verify": VISITORS,
    "POST /auth/verify/opening": EVERYBODY,
    "POST /auth/forgot-password": EVERYBODY,
    "POST /auth/reset-password": EVERYBODY,
    "POST /auth/confirm-email": EVERYBODY,
    "POST /auth/revert-email": EVERYBODY,
    "POST /auth/jwt/login": EVERYBODY,
    "POST /auth/jwt/logout": HOLDERS,
    "POST /auth/refresh": EVERYBODY,
    "POST /auth/cookie/login": EVERYBODY,
    "POST /auth/cookie/logout": BROWSERS,
    "GET /.well-known/jwks.json": EVERYBODY,
    "GET /sessions": SIGNED_IN,
    "DELETE /sessions": SIGNED_IN,
    "DELETE /sessions/{id}": OWNERS,
    "GET /users/me": SIGNED_IN,
    "PATCH /users/me": SIGNED_IN,
    "DELETE /users/me": SIGNED_IN,
    "GET /users/me/activity": SIGNED_IN,
    "POST /users/change-password": SIGNED_IN,
    "GET /users": SUPERUSERS,
    "POST /users": SUPERUSERS,
    "GET /users/{id}": SUPERUSERS,
    "PATCH /users/{id}": SUPERUSERS,
    "DELETE /users/{id}": SUPERUSERS,
    "POST /users/{id}/revoke-sessions": SUPERUSERS,
    "POST /users/{id}/unlock": SUPERUSERS,
    "GET /audit": SUPERUSERS,
    "GET /operations/dead-letters": SUPERUSERS,
    "POST /operations/dead-letters/retry": SUPERUSERS,
    "POST /operations/dead-letters/discard": SUPERUSERS,
    "GET /operations/dead-letters/{id}": SUPERUSERS,
    "POST /operations/dead-letters/{id}/retry": SUPERUSERS,
    "POST /operations/dead-letters/{id}/discard": SUPERUSERS,
    "GET /operations/outbox": SUPERUSERS,
    "GET /health": EVERYBODY,
    "GET /health/live": EVERYBODY,
    "GET /health/ready": EVERYBODY,
    "GET /health/full": VISITORS,
}
ROUTES = {f"{route.method} {route.path}": route for feature in FEATURES for route in feature.routes}
WHO = {
    "anonymous": {},
    "unverified": {"verified": False},
    "other user": {},
    "member": {"roles": ("notifier",)},
    "superuser": {"superuser": True},
    "disabled": {},
    "expired": {},
}
FORBIDDEN = (403, "FORBIDDEN")
REFUSED = {
    "anonymous": (401, "UNAUTHORIZED"),
    "disabled": (401, "TOKEN_INVALID"),
    "expired": (401, "TOKEN_EXPIRED"),
}


def expected(who: str, let_in: str) -> tuple[int, str] | None:
    """The refusal, or None where they are let in."""
    if let_in == EVERYBODY or (let_in == HOLDERS and who != "anonymous"):
        return None
    if let_in == VISITORS:
        return REFUSED[who] if who != "anonymous" and who in REFUSED else None
    if let_in == BROWSERS:
        return REFUSED["anonymous"]
    if who in REFUSED:
        return REFUSED[who]
    if let_in == SUPERUSERS and who != "superuser":
        return FORBIDDEN
    return (404, "NOT_FOUND") if let_in == OWNERS else None


def test_every_route_has_its_row() -> None:
    assert ROUTES.keys() - ROWS.keys() == set(), "say in ROWS whom each of these lets in"
    assert ROWS.keys() - ROUTES.keys() == set(), "these routes are gone"


async def sign_in(client: httpx.AsyncClient, email: str) -> str:
    pair = (await client.post("/api/auth/jwt/login", data={"username": email, "password": PASSWORD})).json()
    token: str = pair["access_token"]
    return token


async def token_of(client: httpx.AsyncClient, context: Context, who: str) -> str | None:
    if who == "anonymous":
        return None
    user = await make_user(context, **WHO[who])  # type: ignore[arg-type]
    token = await sign_in(client, user.email)
    claims = context.tokens.verify(token)
    if who == "disabled":
        await context.db.fetch("update users set is_active = false where id = $1", user.id)
    elif who == "expired":
        then = Tokens(context.settings, lambda: claims.iat - 3600)
        return then.issue(sub=user.id, sid=claims.sid, jti=claims.sid, email=user.email, name=None, roles=())
    return token


@contextlib.asynccontextmanager
async def undone(db: Database) -> AsyncIterator[None]:
    """What happens in the block has not happened after it."""
    await db.fetch("savepoint before_the_call")
    try:
        yield
    finally:
        await db.fetch("rollback to savepoint before_the_call")


async def call(client: httpx.AsyncClient, route: Route, others: dict[str, UUID], token: str | None) -> tuple[int, str]:
    """With somebody else's thing where the path names one, and a body that is none."""
    thing = next((id for beginning, id in others.items() if route.path.startswith(beginning)), None)
    assert thing or "{" not in route.path, f"{route.path} needs a thing of somebody else's to be called with"
    headers = {"authorization": f"Bearer {token}"} if token else {}
    client.cookies.clear()
    answer = await client.request(route.method, f"/api{route.path}".replace("{id}", str(thing)), headers=headers)
    assert answer.status_code != 500, (route.method, route.path)
    return answer.status_code, answer.json()["code"] if answer.status_code >= 400 else ""


@pytest.mark.parametrize("who", WHO)
async def test_who_may_call_what(client: httpx.AsyncClient, context: Context, who: str) -> None:
    victim = await make_user(context)
    theirs = context.tokens.verify(await sign_in(client, victim.email)).sid
    others = {"/users/": victim.id, "/sessions/": theirs, "/operations/": victim.id}
    token = await token_of(client, context, who)
    wrong = {}
    for name, route in ROUTES.items():
        refusal = expected(who, ROWS[name])
        async with undone(context.db):
            got = await call(client, route, others, token)
        let_in = got not in {*REFUSED.values(), FORBIDDEN}
        if (not let_in) if refusal is None else (got != refusal):
            wrong[name] = (got, "instead of", refusal or "being let in")
        if token and who != "disabled":  # what one call changed, such as signing out, is undone
            context.principals.forget(context.tokens.verify(token, expired=True).sub)
    assert wrong == {}


async def test_where_addresses_must_be_confirmed_the_others_only_sign_out(
    app: Starlette, client: httpx.AsyncClient, context: Context
) -> None:
    """C-48: nor may they go on with a token from before."""
    token = await token_of(client, context, "unverified")
    settings = msgspec.structs.replace(context.settings, require_verification=True)
    app.state.context = msgspec.structs.replace(context, settings=settings)
    asks = {name: route for name, route in ROUTES.items() if ROWS[name] in (SIGNED_IN, OWNERS, SUPERUSERS)}
    for name, route in asks.items():
        assert await call(client, route, {"/": context.tokens.verify(token or "").sub}, token) == FORBIDDEN, name
    assert (await call(client, ROUTES["POST /auth/jwt/logout"], {}, token))[0] == 204


async def test_a_superuser_who_is_one_no_longer_is_none_within_a_second(
    client: httpx.AsyncClient, context: Context
) -> None:
    """The token was made for a superuser; it is the account that counts."""
    user = await make_user(context, superuser=True)
    headers = {"authorization": f"Bearer {await sign_in(client, user.email)}"}
    assert (await client.get("/api/users", headers=headers)).status_code == 200
    await context.db.fetch("update users set is_superuser = false where id = $1", user.id)
    context.principals.forget(user.id)
    assert (await client.get("/api/users", headers=headers)).json()["code"] == "FORBIDDEN"
