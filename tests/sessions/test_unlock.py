"""C-268: POST /users/{id}/unlock."""

import httpx
import msgspec

from api.app import create_app
from api.kernel.context import Context
from api.kernel.data.cache import Cache
from api.kernel.identity.limits import Limiter
from tests.conftest import client_of
from tests.factories import make_user
from tests.sessions.conftest import ClientAt
from tests.sessions.signing import bearer, login, set_by

ADA, EVE = "ada@example.com", "eve@example.com"
NEW = {"user-agent": "attack/1"}


async def guess(client: httpx.AsyncClient, times: int, email: str = ADA, **headers: str) -> int:
    """Return the status of the last answer."""
    for _ in range(times):
        answer = await login(client, email, "wrong", **headers)
    return answer.status_code


async def superuser(context: Context, client: httpx.AsyncClient) -> dict[str, str]:
    root = await make_user(context, "root@example.com", superuser=True)
    return bearer((await login(client, root.email)).json())


async def test_a_throttled_account_signs_in_again_and_others_do_not(context: Context, client_at: ClientAt) -> None:
    ada, _ = await make_user(context, ADA), await make_user(context, EVE)
    headers = await superuser(context, client_at("203.0.113.1"))
    client = client_at("198.51.100.7")
    device = set_by(await login(client, ADA, mode="cookie"))["__Host-device"]
    known = {"cookie": f"__Host-device={device}"}
    assert (
        await guess(client, 6, **NEW) == await guess(client, 6, EVE, **NEW) == await guess(client, 11, **known) == 429
    )
    assert (await client.post(f"/api/users/{ada.id}/unlock", headers=headers)).status_code == 204
    assert (await login(client, ADA, **NEW)).status_code == 200
    assert (await login(client, ADA, **known)).status_code == 200
    assert (await login(client, EVE, **NEW)).status_code == 429


async def test_it_is_recorded_with_the_superuser_and_the_account(context: Context, client_at: ClientAt) -> None:
    ada = await make_user(context, ADA)
    client = client_at("198.51.100.7")
    headers = await superuser(context, client)
    assert (await client.post(f"/api/users/{ada.id}/unlock", headers=headers)).status_code == 204
    listed = (await client.get("/api/audit", params={"type": "sessions.unlocked"}, headers=headers)).json()["items"]
    me = (await client.get("/api/users/me", headers=headers)).json()["id"]
    assert [(entry["principal_id"], entry["data"]["user_id"]) for entry in listed] == [(me, str(ada.id))]


async def test_the_count_of_a_network_stays(context: Context, client_at: ClientAt) -> None:
    """Other accounts share it: the command unlocks it, by address."""
    ada = await make_user(context, ADA)
    headers = await superuser(context, client_at("203.0.113.1"))
    for number in range(30):
        await guess(client_at(f"198.51.100.{number + 10}"), 1, f"nobody{number}@example.com", **NEW)
    client = client_at("198.51.100.7")
    assert (await login(client, ADA, **NEW)).status_code == 429
    assert (await client.post(f"/api/users/{ada.id}/unlock", headers=headers)).status_code == 204
    assert (await login(client, ADA, **NEW)).status_code == 429


async def test_without_redis_nothing_is_recorded(context: Context, client_at: ClientAt) -> None:
    ada = await make_user(context, ADA)
    headers = await superuser(context, client_at("198.51.100.7"))
    settings = msgspec.structs.replace(context.settings, rate_limit_credentials=1.0)
    away = Cache({"port": 1})
    app = create_app(settings)
    app.state.context = msgspec.structs.replace(context, settings=settings, cache=away, limiter=Limiter(settings, away))
    async with client_of(app) as client:
        answer = await client.post(f"/api/users/{ada.id}/unlock", headers=headers)
    await away.close()
    assert (answer.status_code, answer.json()["code"]) == (503, "UNAVAILABLE")
    assert await context.db.fetch("select 1 from audit_entries where type = 'sessions.unlocked'") == []
