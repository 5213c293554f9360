"""The reference system's Angular client works unchanged: each call of its generated services `Auth`, `Users` and `Api`
whose route exists here, and of its sign-in page. docs/clients.md names the calls that fail, here and there."""

import time
from typing import Any

import httpx
import pytest

from api.kernel.context import Context
from tests.factories import PASSWORD
from tests.mailed import mailed
from tests.reference.angular import Application, Failed, decode
from tests.reference.conftest import Person

ADDRESS = "lancelot+grail@camelot.bt"
DIFFICULT = "pass&word=+ %ü 12"


@pytest.fixture(params=["http://localhost:4200", None], ids=["other-origin", "same-origin"])
def application(request: pytest.FixtureRequest, client: httpx.AsyncClient) -> Application:
    return Application(client, request.param)


async def failure(application: Application, method: str, path: str, body: object = None) -> int:
    with pytest.raises(Failed) as failed:
        await application.resource(method, path, body)
    return failed.value.status


def read(user: dict[str, Any]) -> dict[str, Any]:
    """Return what its model `UserRead` contains."""
    return {name: user[name] for name in ("id", "email", "is_active", "is_superuser", "is_verified")}


def registration(password: str = DIFFICULT) -> dict[str, Any]:
    """Return what RegisterComponent sends."""
    flags = {"is_active": True, "is_superuser": False, "is_verified": False}
    return {"email": ADDRESS, "password": password, **flags}


async def test_registers_verifies_and_signs_in(application: Application, context: Context) -> None:
    user = await application.resource("POST", "/api/auth/register", registration())
    assert user, "the page continues if the value is truthy"
    wanted = {"email": ADDRESS, "is_active": True, "is_superuser": False, "is_verified": False}
    assert read(user).items() >= wanted.items()

    await mailed(context)
    assert await application.resource("POST", "/api/auth/request-verify-token", {"email": ADDRESS}) is None
    [(_, token)] = await mailed(context)
    verified = await application.resource("POST", "/api/auth/verify", {"token": token})
    assert read(verified) == {**read(user), "is_verified": True}

    pair = await application.login(ADDRESS, DIFFICULT)
    assert (pair["token_type"], bool(pair["refresh_token"])) == ("bearer", True)
    payload = decode(pair["access_token"])
    assert payload["exp"] > time.time(), "it is signed in while `exp` is in the future"
    assert payload["email"] == ADDRESS
    assert payload.keys() >= {"aud", "iss", "nbf", "iat", "name"}
    assert read(await application.resource("GET", "/api/users/me")) == read(verified)
    assert application.notified == []


async def test_shows_why_registering_failed(application: Application, user: Person) -> None:
    weak = await failure(application, "POST", "/api/auth/register", registration("12345678"))
    taken = {**registration(), "email": user.email}
    assert (weak, await failure(application, "POST", "/api/auth/register", taken)) == (400, 400)
    [why_weak, why_taken] = application.notified
    assert why_weak.startswith("This password is too easy to guess")
    assert why_taken.startswith("An account with this e-mail address already exists. (Trace ID: ")


async def test_the_sign_in_page_knows_wrong_passwords_by_their_status(application: Application, user: Person) -> None:
    with pytest.raises(Failed) as failed:
        await application.login(user.email, "wrong")
    assert failed.value.status in (400, 401)


async def test_resets_a_forgotten_password(application: Application, context: Context, user: Person) -> None:
    await mailed(context)
    assert await application.resource("POST", "/api/auth/forgot-password", {"email": user.email}) is None
    [(_, token)] = await mailed(context)
    new = {"token": token, "password": DIFFICULT}
    assert await application.resource("POST", "/api/auth/reset-password", new) is None
    assert await application.login(user.email, DIFFICULT)
    assert await failure(application, "POST", "/api/auth/reset-password", new) == 400


async def test_reads_and_changes_the_own_account(application: Application, user: Person) -> None:
    await application.login(user.email, PASSWORD)
    before = await application.resource("GET", "/api/users/me")
    flags = {"is_active": True, "is_superuser": True, "is_verified": True}
    unchanged = {**flags, "email": user.email, "password": None}
    assert read(await application.resource("PATCH", "/api/users/me", unchanged)) == read(before)
    assert await failure(application, "PATCH", "/api/users/me", {"password": DIFFICULT}) == 403, "the current one"


async def test_signs_out(application: Application, user: Person) -> None:
    await application.login(user.email, PASSWORD)
    assert await application.resource("POST", "/api/auth/jwt/logout") is None
    assert await failure(application, "GET", "/api/users/me") == 401


async def test_superusers_manage_accounts(application: Application, user: Person, superuser: Person) -> None:
    """C-365: its PATCH repeats the path's id in the body."""
    await application.login(superuser.email, PASSWORD)
    path, other = f"/api/users/{user.id}", str(superuser.id)
    assert read(await application.resource("GET", path))["email"] == user.email

    change = {"id": str(user.id), "email": "arthur@camelot.bt", "is_active": True, "is_verified": True}
    changed = await application.resource("PATCH", path, {**change, "is_superuser": None, "password": None})
    assert read(changed) == {**change, "is_superuser": False}
    assert await failure(application, "PATCH", path, {"id": other, "is_active": False}) == 422
    for each in (path, f"/api/users/{other}"):
        assert (await application.resource("GET", each))["is_active"]

    assert await application.resource("DELETE", path) is None
    assert await failure(application, "GET", path) == 404


async def test_shows_the_health(application: Application) -> None:
    health = await application.resource("GET", "/api/health")
    assert {type(value) for value in health.values()} == {str}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/users/me", None, 401),
        ("GET", "/api/users/d35d213e-f3d8-4f08-954a-7e0d1bea286f", None, 403),
        ("GET", "/api/nothing", None, 404),
        ("POST", "/api/auth/verify", {"token": "foo"}, 400),
        ("POST", "/api/auth/register", {"email": "king.arthur"}, 422),
        # Its generated sign-in sends JSON, which FastAPI Users refuses with 422.
        ("POST", "/api/auth/jwt/login", {"username": "king.arthur@camelot.bt", "password": PASSWORD}, 415),
        # Services that omit /api. A 401 would have its interceptor renew tokens without end.
        ("POST", "/auth/refresh", {"refresh_token": "foo"}, 405),
        ("PUT", "/users/me", {"name": "Arthur"}, 405),
    ],
)
async def test_shows_the_message_and_trace_id_of_each_error(
    application: Application, user: Person, method: str, path: str, body: object, status: int
) -> None:
    if status == 403:
        await application.login(user.email, PASSWORD)
    assert await failure(application, method, path, body) == status
    assert len(application.notified) == 1


async def test_requests_may_skip_the_notifications(application: Application) -> None:
    """RestService sends a header to its own interceptor, and so to the server."""
    if application.origin:
        await application.preflight("GET", "/api/health", {"skip-error-handling": "true"})


async def test_superusers_manage_plans(application: Application, superuser: Person) -> None:
    """It sends no If-Match, and the names of a PUT's fields are those of the response."""
    await application.login(superuser.email, PASSWORD)
    tier = await application.resource("POST", "/api/plans/tiers", {"name": "free"})
    assert isinstance(tier["id"], int)
    assert await application.resource("GET", "/api/plans/tiers") == [tier]
    body = {"target_type": "U", "target_id": "user123", "name": "Premium User", "is_active": True}
    target = await application.resource("POST", f"/api/plans/tier-targets?tier_id={tier['id']}", body)
    assert target.items() >= {**body, "tier_id": tier["id"]}.items()
    limits = f"/api/plans/rate-limits?tier_target_id={target['id']}"
    rule = await application.resource("POST", limits, {"path": "/api/users", "limit": 5, "period": 60})
    assert (rule["name"], rule["path"]) == ("api_users:5:60", "api_users")
    path = f"/api/plans/rate-limits/{rule['id']}"
    assert (await application.resource("PUT", path, {"limit": 10, "name": None}))["limit"] == 10
    for each in (path, f"/api/plans/tier-targets/{target['id']}", f"/api/plans/tiers/{tier['id']}"):
        assert await application.resource("DELETE", each) is None
        assert await failure(application, "GET", each) == 404
