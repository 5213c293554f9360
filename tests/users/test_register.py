"""POST /auth/register."""

import httpx
import pytest

from api.kernel.context import Context
from tests.factories import PASSWORD, make_user


async def test_opens_an_account(client: httpx.AsyncClient, context: Context) -> None:
    answer = await client.post("/api/auth/register", json={"email": "Ada@Example.com", "password": PASSWORD})
    assert answer.status_code == 201
    user = answer.json()
    assert user["email"] == "ada@example.com"
    assert (user["is_active"], user["is_superuser"], user["is_verified"], user["roles"]) == (True, False, False, [])
    rows = await context.db.fetch("select email, password_hash from users")
    assert [row["email"] for row in rows] == ["ada@example.com"]
    assert rows[0]["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_writes_the_event_and_the_task_with_who_and_where(client: httpx.AsyncClient, context: Context) -> None:
    answer = await client.post(
        "/api/auth/register", json={"email": "ada@example.com", "password": PASSWORD}, headers={"user-agent": "tests"}
    )
    [event] = await context.db.fetch("select * from outbox_events")
    assert (event["type"], event["topic"], str(event["key"])) == ("users.registered", "users", answer.json()["id"])
    assert (event["address"], event["user_agent"]) == ("127.0.0.1", "tests")
    assert event["traceparent"].split("-")[1] == answer.headers["x-trace-id"]
    [task] = await context.db.fetch("select * from outbox_tasks")
    assert (task["task"], task["event_id"], task["data"]) == ("users.send_verification", event["id"], event["data"])


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@EXAMPLE.COM"])
async def test_refuses_an_address_that_has_an_account(client: httpx.AsyncClient, context: Context, email: str) -> None:
    await make_user(context, "ada@example.com")
    answer = await client.post("/api/auth/register", json={"email": email, "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (400, "REGISTER_USER_ALREADY_EXISTS")
    assert await context.db.fetch("select 1 from outbox_events") == []
