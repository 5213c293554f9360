"""C-453: registered accounts whose address is never confirmed leave after UNVERIFIED_DAYS, two days after a warning."""

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx
import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.mail import MemoryMailer
from api.users import queries, upkeep
from api.users.events import UserImported, UserInvited
from api.users.importing import ImportUser, open_accounts
from api.users.settings import UserSettings
from tests.factories import PASSWORD, make_user
from tests.mailed import mailed
from tests.transactions import in_transaction

ADA = "ada@example.com"


async def pass_days(context: Context, days: float) -> None:
    await context.db.fetch(
        "update users set unverified_since = unverified_since - $1::interval,"
        " expires_after = expires_after - $1::interval",
        timedelta(days=days),
    )


async def sweep(context: Context) -> tuple[int, int]:
    return await upkeep.warn_unverified(context), await upkeep.delete_unverified(context)


async def recorded(context: Context, id: UUID) -> list[str]:
    rows = await context.db.fetch("select type from audit_entries where key = $1 order by seq", id)
    return [row["type"] for row in rows]


async def test_the_owner_is_warned_and_the_account_deleted(
    client: httpx.AsyncClient, context: Context, mailbox: MemoryMailer
) -> None:
    registered = await client.post("/api/auth/register", json={"email": ADA, "password": PASSWORD})
    id = UUID(registered.json()["id"])
    await mailed(context)
    await pass_days(context, 4.9)
    assert await sweep(context) == (0, 0)
    await pass_days(context, 0.2)
    assert [await sweep(context), await sweep(context)] == [(1, 0), (0, 0)]
    [(to, token)] = await mailed(context)
    [mail] = mailbox.sent
    assert (to, "will be deleted unless you confirm" in mail.subject) == (ADA, True)
    await pass_days(context, 1.8)
    assert await sweep(context) == (0, 0)
    await pass_days(context, 0.3)
    assert await sweep(context) == (0, 1)
    assert (await recorded(context, id))[-3:] == ["users.expiring", "users.expired", "users.deleted"]
    late = await client.post("/api/auth/verify", json={"token": token})
    assert (late.status_code, late.json()["code"]) == (400, "VERIFY_USER_BAD_TOKEN")
    again = await client.post("/api/auth/register", json={"email": ADA, "password": PASSWORD})
    assert again.status_code == 201


async def test_the_link_of_the_warning_keeps_the_account_for_good(client: httpx.AsyncClient, context: Context) -> None:
    user = await make_user(context, ADA, verified=False)
    await pass_days(context, 6)
    assert await sweep(context) == (1, 0)
    [(_, token)] = await mailed(context)
    await pass_days(context, 1.9)
    assert (await client.post("/api/auth/verify", json={"token": token})).status_code == 200
    await context.db.fetch("update users set is_verified = false where id = $1", user.id)
    await pass_days(context, 100)
    assert await sweep(context) == (0, 0), "an administrator may withdraw the confirmation"


async def test_an_account_that_is_overdue_has_two_days_after_the_warning(context: Context) -> None:
    """As after the setting was 0, or the worker did not run."""
    await make_user(context, verified=False)
    await pass_days(context, 60)
    assert await sweep(context) == (1, 0)
    await pass_days(context, 1.9)
    assert await sweep(context) == (0, 0)
    await pass_days(context, 0.2)
    assert await sweep(context) == (0, 1)


async def test_zero_keeps_them(context: Context) -> None:
    features = {**context.settings.features, UserSettings: UserSettings(unverified_days=0)}
    settings = msgspec.structs.replace(context.settings, features=features)
    kept = msgspec.structs.replace(context, settings=settings)
    await make_user(context, verified=False)
    await pass_days(context, 60)
    assert await sweep(kept) == (0, 0)
    await sweep(context)
    await pass_days(context, 60)
    assert await sweep(kept) == (0, 0)


@pytest.mark.parametrize(
    "state",
    [
        "is_superuser = true",
        "is_active = false",
        "is_verified = true",
        "delete_after = now() + interval '9 days', deletion_requested_at = now()",
    ],
)
async def test_some_accounts_stay(context: Context, state: str) -> None:
    """Superusers; disabled accounts, whose address could be registered again; those that are being deleted anyway.
    Before the warning, and after it."""
    early, late = await make_user(context, verified=False), await make_user(context, verified=False)
    await context.db.fetch(f"update users set {state} where id = $1", early.id)
    await pass_days(context, 60)
    assert await sweep(context) == (1, 0)
    await context.db.fetch(f"update users set {state} where id = $1", late.id)
    await pass_days(context, 60)
    assert await sweep(context) == (0, 0)


@pytest.mark.parametrize(("is_active", "is_superuser"), [(False, False), (True, True)])
async def test_an_account_that_an_administrator_spared_is_warned_again(
    context: Context, is_active: bool, is_superuser: bool
) -> None:
    """C-468: it had not been deleted at the announced time, and must not be deleted at once when it may be again."""
    user = await make_user(context, verified=False)
    await pass_days(context, 6)
    assert await sweep(context) == (1, 0)
    await in_transaction(context.db, queries.change_account, user.id, None, is_active, is_superuser, False, [])
    await pass_days(context, 60)
    assert await sweep(context) == (0, 0)
    await in_transaction(context.db, queries.change_account, user.id, None, True, False, False, [])
    assert await sweep(context) == (1, 0)
    await pass_days(context, 2.1)
    assert await sweep(context) == (0, 1)


async def test_an_account_whose_owner_came_back_is_warned_again(client: httpx.AsyncClient, context: Context) -> None:
    """C-468: signing in cancels the deletion that the owner requested."""
    form = {"username": ADA, "password": PASSWORD}
    await client.post("/api/auth/register", json={"email": ADA, "password": PASSWORD})
    pair = (await client.post("/api/auth/jwt/login", data=form)).json()
    await pass_days(context, 6)
    assert await sweep(context) == (1, 0)
    headers = {"authorization": f"Bearer {pair['access_token']}"}
    left = await client.request("DELETE", "/api/users/me", json={"current_password": PASSWORD}, headers=headers)
    assert left.status_code == 202, left.text
    await pass_days(context, 10)
    assert await sweep(context) == (0, 0)
    assert (await client.post("/api/auth/jwt/login", data=form)).status_code == 200
    assert await sweep(context) == (1, 0)


async def test_invited_and_imported_accounts_stay(context: Context) -> None:
    """Their operator created them; an invitation expires by itself."""
    await in_transaction(
        context.db, queries.insert_invited, uuid7(), "invited@example.com", None, [], False, False, "en"
    )
    imported = [ImportUser(email="imported@example.com", password_hash="stored"), ImportUser(email="bare@example.com")]
    await in_transaction(context.db, open_accounts, imported, UserImported, UserInvited)
    await context.db.fetch("update users set created_at = now() - interval '1 year'")
    await pass_days(context, 365)
    assert await sweep(context) == (0, 0)


async def test_a_verification_at_the_last_moment_wins(live: Context) -> None:
    """The sweep skips an account whose row is locked, and reads it again afterwards."""
    users = [await make_user(live, verified=False) for _ in range(3)]
    await pass_days(live, 60)
    await upkeep.warn_unverified(live)
    await pass_days(live, 60)
    locked, swept = asyncio.Event(), asyncio.Event()

    async def verify() -> None:
        async with live.db.transaction() as db:
            assert await queries.mark_verified(db, users[0].id)
            locked.set()
            await swept.wait()

    verifying = asyncio.create_task(verify())
    await locked.wait()
    assert await upkeep.delete_unverified(live) == 2
    swept.set()
    await verifying
    assert await upkeep.delete_unverified(live) == 0
    assert [row["id"] for row in await live.db.fetch("select id from users")] == [users[0].id]


async def test_several_workers_warn_and_delete_each_account_once(
    live: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "UNVERIFIED_AT_ONCE", 5)
    for _ in range(30):
        await make_user(live, verified=False)
    await pass_days(live, 60)

    async def all_of(run: str) -> int:
        count = 0
        while done := await getattr(upkeep, run)(live):
            count += done
        return count

    assert sum(await asyncio.gather(*(all_of("warn_unverified") for _ in range(4)))) == 30
    await pass_days(live, 60)
    assert sum(await asyncio.gather(*(all_of("delete_unverified") for _ in range(4)))) == 30
    counted = await live.db.fetch("select type, count(*) from audit_entries group by type order by type")
    assert {row["type"]: row["count"] for row in counted} == {
        "users.deleted": 30,
        "users.expired": 30,
        "users.expiring": 30,
    }
