"""Plans in several web processes: one count, and each change within a second."""

import asyncio
import contextlib
import os
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.kernel.context import Context, open_context
from api.kernel.settings import Settings
from api.plans import queries
from api.users.types import User
from tests.conftest import SUBSCRIBERS, client_of
from tests.factories import make_user
from tests.patient import SECONDS
from tests.processes import Processes
from tests.sessions.signing import bearer, login

PROCESSES = min(10, 2 * (os.cpu_count() or 1))
"""Ten, where the machine can start as many."""
CALLS, AT_ONCE = 200, 20
LIMIT = 100


async def limit(context: Context, user: User, path: str, most: int, seconds: int) -> None:
    """Give the account a tier of its own with a rate limit."""
    async with context.db.transaction() as db:
        await queries.advance_version(db)
        tier = await queries.insert_tier(db, user.id.hex)
        target = await queries.insert_target(db, tier, "U", str(user.id), user.id, None, True)
        await queries.insert_rule(db, target, "exact", path, most, seconds, None, None)


@pytest.mark.alone
async def test_processes_count_together_and_exactly(
    environment: dict[str, str], cloned: Settings, live: Context, tmp_path: Path
) -> None:
    """C-103: 200 calls to each of ten processes, 100 of them allowed. The period is an hour, so that a slow machine
    does not leave the window."""
    user = await make_user(live)
    await limit(live, user, "users_me", LIMIT, 3600)
    ours = {**environment, "DATABASE_URL": cloned.database_url}
    async with contextlib.AsyncExitStack() as stack:
        started = [stack.enter_context(Processes(ours, tmp_path)) for _ in range(PROCESSES)]
        for number, each in enumerate(started):
            (tmp_path / str(number)).mkdir()
            each._folder = tmp_path / str(number)
        webs = await asyncio.gather(*(stack.enter_async_context(each.web()) for each in started))
        headers = bearer((await login(webs[0], user.email)).json())
        turns = asyncio.Semaphore(AT_ONCE)

        async def call(web: httpx.AsyncClient) -> int:
            async with turns:
                return (await web.get("/api/users/me", headers=headers, timeout=SECONDS)).status_code

        statuses = await asyncio.gather(*(call(web) for _ in range(CALLS) for web in webs))
    assert {status: statuses.count(status) for status in set(statuses)} == {
        200: LIMIT,
        429: CALLS * PROCESSES - LIMIT,
    }


async def test_every_process_obeys_a_change(cloned: Settings, live_client: httpx.AsyncClient) -> None:
    """Without a restart, also for an account that is over its limit."""
    app = create_app(cloned)
    async with open_context(cloned, SUBSCRIBERS) as app.state.context, client_of(app) as other:
        context: Context = app.state.context
        user = await make_user(context)
        headers = bearer((await login(other, user.email)).json())
        for client in (live_client, other):
            assert "ratelimit-policy" not in (await client.get("/api/users/me", headers=headers)).headers
        await limit(context, user, "*", 1, 86400)
        for client in (live_client, other):
            await until(client, headers, 429)
        await change(context, 10**9)
        for client in (live_client, other):
            await until(client, headers, 200)
            await until(client, headers, 200)


async def change(context: Context, most: int) -> None:
    async with context.db.transaction() as db:
        await queries.advance_version(db)
        [rule] = (await queries.list_rules(db, None, None, 0, 2)).items
        await queries.change_rule(db, rule.id, rule.name, rule.path, most, rule.period, None, None)


async def until(client: httpx.AsyncClient, headers: dict[str, str], status: int) -> None:
    """Call until the answer has the status."""
    async with asyncio.timeout(SECONDS):
        while (await client.get("/api/users/me", headers=headers)).status_code != status:  # noqa: ASYNC110  # no event
            await asyncio.sleep(0.02)
