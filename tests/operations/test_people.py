"""`python -m api.operations`: locked accounts, sessions, and holders of roles."""

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.settings import Settings
from tests.commands import run
from tests.factories import make_user
from tests.sessions.conftest import ClientAt, live_client_at
from tests.sessions.signing import is_signed_in, login, set_by
from tests.users.people import sign_in

__all__ = ["live_client_at"]
OPERATIONS = "api.operations"
Environment = dict[str, str]
NEW = {"user-agent": "attack/1"}
EMAIL = "ada@example.com"


@pytest.fixture
def own(environment: Environment, cloned: Settings) -> Environment:
    changed = {"DATABASE_URL": cloned.database_url, "RATE_LIMIT_CREDENTIALS": "1", "PATH": "/usr/bin:/bin"}
    return environment | changed


async def guess(client: httpx.AsyncClient, times: int, email: str = EMAIL, **headers: str) -> int:
    """Return the status of the last answer."""
    for _ in range(times):
        answer = await login(client, email, "wrong", **headers)
    return answer.status_code


@pytest.mark.case(233)
async def test_a_throttled_account_is_unlocked(own: Environment, live: Context, live_client_at: ClientAt) -> None:
    await make_user(live, EMAIL)
    await make_user(live, "eve@example.com")
    client = live_client_at("198.51.100.7")
    assert await guess(client, 6, **NEW) == await guess(client, 6, "eve@example.com", **NEW) == 429
    status, said, errors = await run(own, OPERATIONS, "unlock", EMAIL.upper())
    assert (status, errors) == (0, "")
    assert said.startswith("unlocked")
    assert (await login(client, EMAIL, **NEW)).status_code == 200
    assert (await login(client, "eve@example.com", **NEW)).status_code == 429, "no other account is unlocked"
    [entry] = await live.db.fetch(
        "select type, data->>'user_id', subjects from audit_entries where type = 'sessions.unlocked'"
    )
    assert str(entry[2][0]) == entry[1]


@pytest.mark.case(233)
async def test_devices_and_places_are_unlocked_too(own: Environment, live: Context, live_client_at: ClientAt) -> None:
    await make_user(live, EMAIL)
    client = live_client_at("198.51.100.7")
    device = set_by(await login(client, EMAIL, mode="cookie"))["__Host-device"]
    known = {"cookie": f"__Host-device={device}"}
    assert await guess(client, 11, **known) == 429
    assert await guess(client, 11) == 429, "the place"
    assert (await run(own, OPERATIONS, "unlock", EMAIL))[0] == 0
    assert (await login(client, EMAIL, **known)).status_code == 200
    assert (await login(client, EMAIL)).status_code == 200


@pytest.mark.case(233)
async def test_a_network_is_unlocked_by_its_address(own: Environment, live: Context, live_client_at: ClientAt) -> None:
    await make_user(live, EMAIL)
    client = live_client_at("198.51.100.7")
    for number in range(30):
        await guess(live_client_at(f"198.51.100.{number + 10}"), 1, f"nobody{number}@example.com", **NEW)
    assert (await login(client, EMAIL, **NEW)).status_code == 429
    assert (await run(own, OPERATIONS, "unlock", EMAIL))[0] == 0
    assert (await login(client, EMAIL, **NEW)).status_code == 429, "other accounts share the network's count"
    assert (await run(own, OPERATIONS, "unlock", EMAIL, "--address", "198.51.100.99"))[0] == 0
    assert (await login(client, EMAIL, **NEW)).status_code == 200


async def test_without_redis_nothing_is_unlocked(own: Environment, live: Context) -> None:
    status, said, errors = await run(own, OPERATIONS, "unlock", "nobody@example.com")
    assert (status, said) == (1, "")
    assert errors == "operations: no account has this address; nothing was changed.\n"
    await make_user(live, EMAIL)
    status, _, errors = await run(own | {"REDIS_URL": "redis://127.0.0.1:1"}, OPERATIONS, "unlock", EMAIL)
    assert (status, errors) == (1, "operations: Redis does not answer; nothing was changed.\n")
    assert await live.db.fetch("select 1 from audit_entries where type = 'sessions.unlocked'") == []
    status, _, errors = await run(own | {"RATE_LIMIT_CREDENTIALS": "off"}, OPERATIONS, "unlock", EMAIL)
    assert (status, errors) == (1, "operations: RATE_LIMIT_CREDENTIALS is off, so nothing is counted.\n")


async def test_an_accounts_sessions_end(own: Environment, live: Context, live_client: httpx.AsyncClient) -> None:
    ada, eve = await make_user(live, EMAIL), await make_user(live, "eve@example.com")
    pair = (await login(live_client, EMAIL)).json()
    others = await sign_in(live_client, eve.email)
    status, said, errors = await run(own, OPERATIONS, "end-sessions", EMAIL)
    assert (status, said, errors) == (0, f"ended: all sessions of account {ada.id}.\n", "")
    assert not await is_signed_in(live_client, pair)
    assert (await live_client.get("/api/users/me", headers=others)).status_code == 200
    rows = await live.db.fetch("select data->>'user_id' from audit_entries where type = 'users.sessions_revoked'")
    assert [row[0] for row in rows] == [str(ada.id)]
    assert (await run(own, OPERATIONS, "end-sessions", "nobody@example.com"))[0] == 1


async def test_superusers_and_holders_of_roles_are_listed(own: Environment, live: Context) -> None:
    assert (await run(own, OPERATIONS, "roles"))[1] == "no account is a superuser or has a role.\n"
    await make_user(live, EMAIL, superuser=True, roles=["notifier"])
    await make_user(live, "bob@example.com", roles=["editor", "notifier"], active=False)
    await make_user(live, "eve@example.com")
    assert (await run(own, OPERATIONS, "roles")) == (
        0,
        "ada@example.com  superuser notifier\nbob@example.com  editor notifier (disabled)\n",
        "",
    )
    assert (await run(own, OPERATIONS, "roles", "--role", "editor"))[1].startswith("bob@example.com")
    assert (await run(own, OPERATIONS, "roles", "--role", "nothing"))[1] == "no account has this role.\n"
