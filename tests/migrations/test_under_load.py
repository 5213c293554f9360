"""F-33: releases and the running code: old code on a newer schema, new code on an older one."""

import asyncio
import shutil
from pathlib import Path

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.settings import Settings
from migrations.__main__ import FOLDER, migrate
from tests.factories import PASSWORD, make_user
from tests.processes import is_ready
from tests.users.people import sign_in

EXPAND = """
alter table users add column nickname text, add column rank integer not null default 0;
create index users_rank on users (rank);
alter table outbox_tasks add column priority integer not null default 0;
"""
CONTRACT = """
alter table users drop column nickname, drop column rank;
alter table outbox_tasks drop column priority;
"""


async def use(client: httpx.AsyncClient, headers: dict[str, str], number: int) -> list[int]:
    """Return the statuses of a read, a change, and a registration."""
    account = {"email": f"{number}@example.com", "password": PASSWORD}
    answers = await asyncio.gather(
        client.get("/api/users/me", headers=headers),
        client.patch("/api/users/me", json={"name": f"Ada {number}"}, headers=headers),
        client.post("/api/auth/register", json=account),
    )
    return [answer.status_code for answer in answers]


async def test_a_migration_that_only_adds_affects_no_request(
    live_client: httpx.AsyncClient, live: Context, cloned: Settings, tmp_path: Path
) -> None:
    """Forward and back, under load: prepared statements keep working."""
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder)
    (folder / "0900_more.sql").write_text(EXPAND)
    (folder / "0900_more.rollback.sql").write_text(CONTRACT)
    headers = await sign_in(live_client, (await make_user(live)).email)
    number, releases = 0, 0
    for back in (False, True, False):
        release = asyncio.create_task(asyncio.to_thread(migrate, cloned.database_url, folder, back=back))
        while not release.done():
            number += 1
            assert await use(live_client, headers, number) == [200, 200, 201]
        releases += release.result() == ["0900_more"]
    assert releases == 3
    assert await use(live_client, headers, 0) == [200, 200, 201]
    assert (await live_client.get("/api/health/ready")).status_code == 200


@pytest.mark.case(277)
async def test_an_unused_column_is_dropped_while_requests_are_served(
    live_client: httpx.AsyncClient, live: Context, cloned: Settings, tmp_path: Path
) -> None:
    """C-277: dropping the column locks out all other statements on users for a moment, and may have to be retried."""
    # Only this one is rolled back: this code needs the later migrations.
    for file in FOLDER.glob("*.sql"):
        if file.name <= "0033_superseded.sql":
            shutil.copy(file, tmp_path)
    assert await asyncio.to_thread(migrate, cloned.database_url, tmp_path, back=True) == ["0033_superseded"]
    headers, number = await sign_in(live_client, (await make_user(live)).email), 0
    release = asyncio.create_task(asyncio.to_thread(migrate, cloned.database_url))
    while not release.done():
        number += 1
        assert await use(live_client, headers, number) == [200, 200, 201]
    assert "0033_superseded" in release.result()
    assert await use(live_client, headers, 0) == [200, 200, 201]


async def test_code_before_its_schema_reports_it_and_works_after_the_migration(
    live_client: httpx.AsyncClient, live: Context, cloned: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    user = await make_user(live)
    while "0005_accounts" not in (await asyncio.to_thread(migrate, cloned.database_url, back=True)):
        pass
    form = {"username": user.email, "password": PASSWORD}
    early = await live_client.post("/api/auth/jwt/login", data=form)
    assert (early.status_code, early.json()["code"]) == (503, "UNAVAILABLE")
    assert int(early.headers["retry-after"]) >= 1
    assert (await live_client.get("/api/health/live")).status_code == 200
    assert (await live_client.get("/api/health/ready")).status_code == 503
    fields = [record.__dict__.get("fields", {}) for record in caplog.records]
    assert any("run the release process (python -m migrations)" in each.get("remedy", "") for each in fields)
    await asyncio.to_thread(migrate, cloned.database_url)
    assert (await live_client.post("/api/auth/jwt/login", data=form)).status_code == 200
    async with asyncio.timeout(60):
        while not await is_ready(live_client):  # noqa: ASYNC110  # the schema is cached for a second
            await asyncio.sleep(0.05)
