"""Neither answers nor response times show which addresses have an account. `make bench` measures times
(benchmarks/enumeration.py); these tests check their cause: the same statements, and one hash or none."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from api.kernel.context import Context
from tests.configured import configured
from tests.factories import make_user
from tests.sessions.signing import login

UNKNOWN = "nobody@example.com"
ACCOUNTS = ("known", "unverified", "disabled", "invited", "leaving")


@pytest.fixture
async def accounts(app: Starlette, context: Context) -> None:
    """Addresses of each kind, in an application that hides accounts."""
    settings = configured(context.settings, hide_accounts=True, require_verification=True)
    app.state.context = msgspec.structs.replace(context, settings=settings)
    for kind in ACCOUNTS:
        await make_user(context, f"{kind}@example.com", verified=kind != "unverified", active=kind != "disabled")
    await context.db.fetch("select $1::uuid[]", [])  # a type of insert_event, which the driver looks up once
    await context.db.fetch("update users set password_hash = null where email = 'invited@example.com'")
    await context.db.fetch(
        "update users set deletion_requested_at = now(), delete_after = now() where email = 'leaving@example.com'"
    )


@contextlib.asynccontextmanager
async def work_of(context: Context, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """Return the names of the statements, including those that begin and end transactions, and the hashes, in order."""
    done: list[str] = []
    connection: Any = context.db.connection  # type: ignore[attr-defined]
    run = context.passwords._run

    async def noted(work: Any, signing_in: bool) -> Any:
        done.append("a hash")
        return await run(work, signing_in)

    with monkeypatch.context() as patch, connection.query_logger(lambda logged: done.append(name_of(logged))):
        patch.setattr(context.passwords, "_run", noted)
        yield done
        await asyncio.sleep(0)  # asyncpg calls its loggers in the next turn of the loop


def name_of(logged: Any) -> str:
    """Return `-- users.insert`, or only the keyword of a savepoint, which is numbered."""
    return str(logged.query.partition("\n")[0].partition(" __asyncpg")[0])


async def ask(client: httpx.AsyncClient, path: str, email: str) -> httpx.Response:
    if path.endswith("login"):
        return await login(client, email, "wrong", mode=path.split("/")[1])
    password = {"password": "a good deal longer"} if path == "auth/register" else {}
    return await client.post(f"/api/{path}", json={"email": email, **password})


@pytest.mark.parametrize(
    "path",
    ["auth/jwt/login", "auth/cookie/login", "auth/register", "auth/forgot-password", "auth/request-verify-token"],
)
@pytest.mark.usefixtures("accounts")
async def test_every_address_costs_the_same_and_gets_the_same_answer(
    client: httpx.AsyncClient, context: Context, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """C-38, C-51, C-82."""
    seen = {}
    for email in (UNKNOWN, *(f"{kind}@example.com" for kind in ACCOUNTS)):
        async with work_of(context, monkeypatch) as done:
            answer = await ask(client, path, email)
        document = answer.json()
        if document:
            del document["trace_id"], document["extra"]
        # A new account and a mail to an existing one need other statements, but as many.
        cost: object = len(done) if path == "auth/register" else done
        assert done
        seen[email] = (answer.status_code, sorted(answer.headers), document, cost)
    for email, all_of_it in seen.items():
        assert all_of_it == seen[UNKNOWN], email
