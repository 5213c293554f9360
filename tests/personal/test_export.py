"""POST /users/me/export, GET /users/me/exports and the download."""

import asyncio
import re
from uuid import UUID

import httpx
import msgspec
import pytest

from api.app import create_app
from api.audit.chain import seal
from api.kernel import snapshot
from api.kernel.context import Context, Origin
from api.kernel.data.database import uuid7
from api.kernel.identity.limits import Limiter
from api.kernel.mail import MemoryMailer
from api.personal import queries
from api.personal.events import ExportRequested
from api.personal.tasks import prepare_export
from api.personal.upkeep import delete_old_exports
from api.users.events import SessionsRevoked, UserUpdated
from tests.audit.entries import announce
from tests.conftest import client_of
from tests.factories import make_user
from tests.mailed import mailed
from tests.personal.exported import exported, rows, signed_in_as, unzipped
from tests.transactions import in_transaction
from tests.webhooks.conftest import Hooks


async def test_the_owner_is_mailed_a_link_without_a_secret(
    client: httpx.AsyncClient, context: Context, mailbox: MemoryMailer
) -> None:
    user = await make_user(context, language="de")
    headers = await signed_in_as(client, user.email)
    asked = await client.post("/api/users/me/export", headers=headers)
    assert (asked.status_code, asked.json()["state"], asked.json()["size"]) == (202, "preparing", None)
    where = f"/api/users/me/exports/{asked.json()['id']}/download"
    assert (await client.get(where, headers=headers)).status_code == 404, "it is not ready"
    await mailed(context)
    [mail] = [mail for mail in mailbox.sent if "Daten" in mail.subject]
    assert mail.recipients[0] == user.email
    [link] = set(re.findall(r"http\S+/account/data\S*", mail.text))
    assert link == "http://localhost:8000/account/data"
    listed = (await client.get("/api/users/me/exports", headers=headers)).json()
    [item] = listed["items"]
    assert item["state"] == "ready"
    content = (await client.get(where, headers=headers)).content
    assert 0.8 < len(content) / item["size"] < 1.5
    assert {file["name"] for file in listed["files"]} | {"README.txt"} == set(unzipped(content))


async def test_the_readme_names_each_file_in_both_languages(client: httpx.AsyncClient, context: Context) -> None:
    user = await make_user(context)
    files = unzipped(await exported(client, context, await signed_in_as(client, user.email)))
    assert all(files["README.txt"].count(name + ":") == 2 for name in files if name != "README.txt")
    assert "http://localhost:8000" in files["README.txt"]


@pytest.mark.case(447)
async def test_an_export_has_ones_own_data_and_no_data_of_others(client: httpx.AsyncClient, context: Context) -> None:
    """An administrator acts on the account, and the account on another one."""
    mine = await make_user(context, "mine@example.com", superuser=True)
    other = await make_user(context, "other@example.com")
    chief = await make_user(context, "chief@example.com", superuser=True)
    headers = await signed_in_as(client, mine.email, "Mine/1.0")
    await signed_in_as(client, other.email, "Other/1.0")
    await announce(context, SessionsRevoked(user_id=mine.id), Origin(chief.id, "192.0.2.99", "Chief/1.0"))
    await announce(context, UserUpdated(user_id=other.id, changed=["name"]), Origin(mine.id, "192.0.2.7", "Mine/2.0"))
    await context.db.fetch("update users set name = 'Other Person' where id = $1", other.id)
    await Hooks(context, mine.id).add("https://93.184.216.34/mine", scope="all")
    await Hooks(context, other.id).add("https://93.184.216.34/theirs")
    delivered = "update webhook_deliveries set state = 'delivered' returning id"
    for row in await context.db.fetch(delivered):
        await context.db.fetch(
            "insert into webhook_attempts (delivery_id, number, started_at, total_ms, response)"
            " values ($1, 1, now(), 1, 'received other@example.com')",
            row["id"],
        )
    while await seal(context):
        pass
    files = unzipped(await exported(client, context, headers))
    whole = "\n".join(files.values())
    [account] = rows(files, "account.json")
    assert (account["email"], account["has_password"], account["id"]) == (mine.email, True, str(mine.id))
    assert [row["user_agent"] for row in rows(files, "sessions.json")] == ["Mine/1.0"]
    [revoked] = [row for row in rows(files, "activity.json") if row["type"] == "users.sessions_revoked"]
    assert (revoked["by"], revoked["address"], revoked["user_agent"]) == ("administrator", None, None)
    [action] = rows(files, "actions.json")
    assert (action["type"], action["address"], "data" in action) == ("users.updated", "192.0.2.7", False)
    assert [row["url"] for row in rows(files, "webhooks.json")] == ["https://93.184.216.34/mine"]
    foreign = [other.email, str(other.id), "Other Person", "Other/1.0", "theirs"]
    foreign += [chief.email, str(chief.id), "192.0.2.99", "Chief/1.0"]
    assert [text for text in foreign if text in whole] == []
    secrets = await context.db.fetch(
        "select password_hash from users union all select sealed from webhook_secrets"
        " union all select device_id::text from sessions union all select encode(token_hash, 'hex') from user_tokens"
    )
    assert [row[0] for row in secrets if row[0] in whole] == []


@pytest.mark.case(448)
async def test_an_export_is_its_owners_until_it_expires(client: httpx.AsyncClient, context: Context) -> None:
    mine, other = await make_user(context), await make_user(context)
    headers, foreign = await signed_in_as(client, mine.email), await signed_in_as(client, other.email)
    id = (await client.post("/api/users/me/export", headers=headers)).json()["id"]
    await mailed(context)
    where = f"/api/users/me/exports/{id}/download"
    assert (await client.get(where, headers=foreign)).status_code == 404
    assert (await client.get(where)).status_code == 401
    assert (await client.get("/api/users/me/exports", headers=foreign)).json()["items"] == []
    await context.db.fetch("update personal_exports set expires_at = now()")
    assert (await client.get(where, headers=headers)).status_code == 404
    assert (await client.get("/api/users/me/exports", headers=headers)).json()["items"] == []
    assert [await delete_old_exports(context), await delete_old_exports(context)] == [1, 0]


@pytest.mark.case(448)
async def test_the_address_must_be_confirmed(client: httpx.AsyncClient, context: Context) -> None:
    """Otherwise a stranger who registers with an address could have mail sent to it."""
    user = await make_user(context, verified=False)
    answer = await client.post("/api/users/me/export", headers=await signed_in_as(client, user.email))
    assert (answer.status_code, answer.json()["code"]) == (403, "EXPORT_UNVERIFIED")


CHANGES = [
    "update users set is_active = false",
    "update users set is_verified = false",
    "update users set delete_after = now(), deletion_requested_at = now()",
    "delete from users",
]


@pytest.mark.parametrize("change", CHANGES)
async def test_no_mail_is_sent_if_the_account_changed_meanwhile(
    context: Context, mailbox: MemoryMailer, change: str
) -> None:
    user = await make_user(context)
    id = uuid7()
    await in_transaction(context.db, queries.insert_export, id, user.id)
    await context.db.fetch(f"{change} where id = $1", user.id)
    await prepare_export._function(context, ExportRequested(user_id=user.id, export_id=id), uuid7())
    assert mailbox.sent == []


@pytest.mark.case(454)
async def test_a_preparation_that_is_repeated_marks_once(context: Context, mailbox: MemoryMailer) -> None:
    """As after a worker that died before the mail: the same mail, and the same expiry."""
    user = await make_user(context)
    id, task = uuid7(), uuid7()
    await in_transaction(context.db, queries.insert_export, id, user.id)
    for _ in range(2):
        await prepare_export._function(context, ExportRequested(user_id=user.id, export_id=id), task)
    first, second = mailbox.sent
    assert (first.id, first.text) == (second.id, second.text)


@pytest.mark.case(449)
async def test_three_exports_a_day_also_if_requested_at_once(live: Context) -> None:
    limited = msgspec.structs.replace(live.settings, rate_limit_credentials=1)
    (app := create_app(limited)).state.context = msgspec.structs.replace(live, limiter=Limiter(limited, live.cache))
    user = await make_user(live)
    async with client_of(app) as client:
        headers = await signed_in_as(client, user.email)
        wanted = (client.post("/api/users/me/export", headers=headers) for _ in range(20))
        answers = await asyncio.gather(*wanted)
    assert sorted(answer.status_code for answer in answers) == [202] * 3 + [429] * 17
    [made] = await live.db.fetch("select count(*) from personal_exports where user_id = $1", user.id)
    assert made["count"] == 3


@pytest.mark.case(449)
async def test_an_account_has_one_download_at_a_time(live_client: httpx.AsyncClient, live: Context) -> None:
    """A slow client keeps a connection of the pool, so one account must not keep several."""
    user, other = await make_user(live), await make_user(live)
    where = [await ready(live, user.id), await ready(live, other.id)]
    headers = [await signed_in_as(live_client, each.email) for each in (user, other)]
    async with snapshot(live.db) as held:
        assert await queries.try_lock_download(held, user.id)
        first, second = await asyncio.gather(
            *(live_client.get(path, headers=each) for path, each in zip(where, headers, strict=True))
        )
        assert (first.status_code, first.json()["code"], second.status_code) == (409, "EXPORT_BUSY", 200)
    assert (await live_client.get(where[0], headers=headers[0])).status_code == 200


async def ready(context: Context, user_id: UUID) -> str:
    """Insert an export that is ready. Returns the path of its download."""
    id = uuid7()
    await in_transaction(context.db, queries.insert_export, id, user_id)
    await in_transaction(context.db, queries.mark_ready, id, 1)
    return f"/api/users/me/exports/{id}/download"


async def test_a_request_is_an_entry_of_the_activity(client: httpx.AsyncClient, context: Context) -> None:
    user = await make_user(context)
    headers = await signed_in_as(client, user.email)
    await exported(client, context, headers)
    entries = (await client.get("/api/users/me/activity", headers=headers)).json()["items"]
    assert entries[0]["type"] == "personal.export_requested"
