"""C-96: the access table. Each route has a row in its feature's examples.py. An admitted caller may be refused for
other reasons, but not for authorization."""

import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from uuid import UUID

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from api.app import create_app
from api.features import FEATURES
from api.kernel.context import Context
from api.kernel.data.database import Database, uuid7
from api.kernel.feature import Feature
from api.kernel.http.routing import Route, delete, post
from api.kernel.identity.auth import Tokens, role, signed_in
from api.kernel.settings import Settings
from tests.conftest import client_of
from tests.examples import (
    BROWSERS,
    EVERYBODY,
    EXAMPLES,
    HOLDERS,
    OWNERS,
    ROUTES,
    SIGNED_IN,
    SUPERUSERS,
    VISITORS,
    Examples,
    filled,
    holders_of,
    over_http,
    role_of,
    things_of,
)
from tests.factories import PASSWORD, make_user

ACCESS = {name: let_in for examples in EXAMPLES.values() for name, let_in in examples.access.items()}
WHO = {
    "anonymous": {},
    "unverified": {"verified": False},
    "other user": {},
    "member": {"roles": ("member",)},
    "superuser": {"superuser": True},
    "disabled": {},
    "expired": {},
    **{f"holder of {role}": {"roles": (role,)} for role in filter(None, map(role_of, ACCESS.values()))},
}
FORBIDDEN = (403, "FORBIDDEN")
REFUSED = {
    "anonymous": (401, "UNAUTHORIZED"),
    "disabled": (401, "TOKEN_INVALID"),
    "expired": (401, "TOKEN_EXPIRED"),
}


@pytest.fixture(scope="module")
def compiled(settings: Settings) -> Starlette:
    return create_app(settings, over_http(FEATURES))


def expected(who: str, let_in: str) -> tuple[int, str] | None:
    """Return the refusal, or None if the caller is admitted."""
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
    if (role := role_of(let_in)) and who not in ("superuser", f"holder of {role}"):
        return FORBIDDEN
    return (404, "NOT_FOUND") if let_in == OWNERS else None


def missing(routes: Mapping[str, tuple[str, Route]], examples: Mapping[str, Examples]) -> list[str]:
    """Return an instruction for each route without a row and each row without a route."""
    faults = [
        f'{examples[feature].file}: list the callers of "{name}" in ACCESS'
        for name, (feature, _) in routes.items()
        if name not in examples[feature].access
    ]
    return faults + [
        f'{each.file}: remove "{name}" from ACCESS; the feature has no such route'
        for feature, each in examples.items()
        for name in each.access
        if routes.get(name, ("", None))[0] != feature
    ]


def test_every_route_has_its_row() -> None:
    assert missing(ROUTES, EXAMPLES) == []


def test_a_route_without_a_row_is_reported_with_the_line_to_write() -> None:
    """C-324."""

    async def handler() -> None: ...

    bare = Examples("cars", None)
    routes = {"POST /cars": ("cars", post("/cars", handler, guard=signed_in))}
    assert missing(routes, {"cars": bare}) == ['tests/cars/examples.py: list the callers of "POST /cars" in ACCESS']
    bare.access = {"POST /cars": SIGNED_IN, "GET /cars": EVERYBODY}
    [fault] = missing(routes, {"cars": bare})
    assert fault.startswith('tests/cars/examples.py: remove "GET /cars"')


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
    """Roll back all changes of the block."""
    await db.fetch("savepoint before_the_call")
    try:
        yield
    finally:
        await db.fetch("rollback to savepoint before_the_call")


async def call(client: httpx.AsyncClient, method: str, path: str, token: str | None) -> tuple[int, str]:
    """Return status and code of a request with an invalid body."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    client.cookies.clear()
    answer = await client.request(method, path, headers=headers)
    assert answer.status_code != 500, (method, path)
    return answer.status_code, answer.json()["code"] if answer.status_code >= 400 else ""


@pytest.mark.parametrize("who", WHO)
async def test_access_table(client: httpx.AsyncClient, context: Context, who: str) -> None:
    """Paths with ids refer to another account's resources."""
    victim = await make_user(context)
    theirs = await things_of(context, victim, context.tokens.verify(await sign_in(client, victim.email)).sid)
    token = await token_of(client, context, who)
    wrong = {}
    for name, (feature, route) in ROUTES.items():
        refusal = expected(who, ACCESS[name])
        path = filled(route, theirs, EXAMPLES[feature].file)
        async with undone(context.db):
            got = await call(client, route.method, path, token)
        let_in = got not in {*REFUSED.values(), FORBIDDEN}
        if (not let_in) if refusal is None else (got != refusal):
            wrong[name] = (got, "instead of", refusal or "being let in")
    assert wrong == {}


async def test_role_guards_and_path_parameters_use_the_same_table(
    app: Starlette, client: httpx.AsyncClient, context: Context
) -> None:
    """C-96: admits those with the role and superusers, for the paths that the examples fill."""
    paths = []

    async def sell(plate: str, part_id: UUID) -> None:
        paths.append((plate, part_id))

    route = delete("/cars/{plate}/parts/{part_id}", sell, guard=role("dealer"), status=204)
    made = create_app(context.settings, (*FEATURES, Feature(name="cars", routes=[route])))
    made.state.context = context
    part = uuid7()
    path = filled(route, {"/cars/{plate}": {"plate": "B-AR 1", "part_id": part}}, "tests/cars/examples.py")
    with pytest.raises(AssertionError, match=r"tests/cars/examples\.py: return \['plate', 'part_id'\] of /cars/"):
        filled(route, {}, "tests/cars/examples.py")
    dealer = await make_user(context, roles=("dealer",))
    token = await sign_in(client, dealer.email)
    async with client_of(made) as cars:
        assert await call(cars, "DELETE", path, token) == (204, "")
        for who in WHO:
            got = await call(cars, "DELETE", path, await token_of(client, context, who))
            assert got == (expected(who, holders_of("dealer")) or (204, "")), who
    assert paths == [("B-AR 1", part)] * 2


async def test_unverified_accounts_may_only_sign_out(
    app: Starlette, client: httpx.AsyncClient, context: Context
) -> None:
    """C-48: earlier tokens do not bypass the rule."""
    token = await token_of(client, context, "unverified")
    settings = msgspec.structs.replace(context.settings, require_verification=True)
    app.state.context = msgspec.structs.replace(context, settings=settings)
    open_to_all = (EVERYBODY, VISITORS, HOLDERS, BROWSERS)
    for name, (_, route) in ROUTES.items():
        if ACCESS[name] not in open_to_all:
            path = "/api" + re.sub(r"{\w+}", str(uuid7()), route.path)
            assert await call(client, route.method, path, token) == FORBIDDEN, name
    assert (await call(client, "POST", "/api/auth/jwt/logout", token))[0] == 204


async def test_a_superuser_who_is_one_no_longer_is_none(client: httpx.AsyncClient, context: Context) -> None:
    """The token was made for a superuser; it is the account that counts."""
    user = await make_user(context, superuser=True)
    headers = {"authorization": f"Bearer {await sign_in(client, user.email)}"}
    assert (await client.get("/api/users", headers=headers)).status_code == 200
    await context.db.fetch("update users set is_superuser = false where id = $1", user.id)
    assert (await client.get("/api/users", headers=headers)).json()["code"] == "FORBIDDEN"
