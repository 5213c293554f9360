"""A quota in several web processes, which are killed and stopped, beside a Redis that is emptied."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from api.kernel.context import Context
from api.kernel.data.cache import open_cache
from api.kernel.settings import Settings
from api.plans import queries
from api.users.types import User
from tests.factories import make_user
from tests.patient import SECONDS
from tests.plans.test_processes import AT_ONCE, PROCESSES
from tests.processes import Processes
from tests.sessions.signing import bearer, login

QUOTA = 400
CALLS = 30


async def give_quota(context: Context, user: User) -> None:
    """Give the account a tier of its own with a quota of a month."""
    async with context.db.transaction() as db:
        await queries.advance_version(db)
        tier = await queries.insert_tier(db, user.id.hex)
        target = await queries.insert_target(db, tier, "U", str(user.id), user.id, None, True)
        await queries.insert_rule(db, target, "exact", "users_me", 10**6, 60, QUOTA, "month")


@contextlib.asynccontextmanager
async def running(
    environment: dict[str, str], folder: Path, number: int
) -> AsyncIterator[tuple[list[Processes], list[httpx.AsyncClient]]]:
    """Start so many web processes."""
    async with contextlib.AsyncExitStack() as stack:
        started = []
        for index in range(number):
            (folder / str(index)).mkdir()
            started.append(stack.enter_context(Processes(environment, folder / str(index))))
        yield started, list(await asyncio.gather(*(stack.enter_async_context(each.web()) for each in started)))


async def call(web: httpx.AsyncClient, headers: dict[str, str]) -> httpx.Response:
    return await web.get("/api/users/me", headers=headers, timeout=SECONDS)


async def drain(web: httpx.AsyncClient, headers: dict[str, str]) -> int:
    """Call one process until the quota is used up, and obey Retry-After. Returns how many calls were let in."""
    allowed = 0
    async with asyncio.timeout(SECONDS):
        while True:
            answer = await call(web, headers)
            if answer.status_code == 200:
                allowed += 1
                continue
            assert answer.json()["code"] == "QUOTA_EXCEEDED"
            if int(answer.headers["retry-after"]) > 1:
                return allowed
            await asyncio.sleep(int(answer.headers["retry-after"]))


@pytest.mark.alone
@pytest.mark.case(364)
@pytest.mark.case(374)
async def test_processes_let_in_exactly_the_quota(
    environment: dict[str, str], cloned: Settings, live: Context, tmp_path: Path
) -> None:
    """C-364, C-374: by concurrent calls to each process, while Redis is emptied and one process stops; and what the
    others hold is let in by the last one."""
    user = await make_user(live)
    await give_quota(live, user)
    async with running({**environment, "DATABASE_URL": cloned.database_url}, tmp_path, PROCESSES) as (started, webs):
        headers = bearer((await login(webs[0], user.email)).json())
        turns = asyncio.Semaphore(AT_ONCE)

        async def turn(web: httpx.AsyncClient) -> int:
            async with turns:
                return (await call(web, headers)).status_code

        statuses = Counter(await asyncio.gather(*(turn(web) for _ in range(CALLS) for web in webs)))
        async with open_cache(cloned) as cache:
            await cache.execute("FLUSHALL")
        await started[-1].stop()
        statuses += Counter(await asyncio.gather(*(turn(web) for _ in range(CALLS) for web in webs[:-1])))
        assert statuses.keys() <= {200, 429}
        assert statuses[200] + await drain(webs[0], headers) == QUOTA
        for web in webs[1:-1]:
            assert await drain(web, headers) == 0


@pytest.mark.alone
@pytest.mark.case(366)
async def test_a_killed_process_does_not_refill_the_quota(
    environment: dict[str, str], cloned: Settings, live: Context, tmp_path: Path
) -> None:
    """C-366: it loses at most the block that it held."""
    user = await make_user(live)
    await give_quota(live, user)
    async with running({**environment, "DATABASE_URL": cloned.database_url}, tmp_path, 2) as (started, webs):
        headers = bearer((await login(webs[0], user.email)).json())
        allowed = 0
        for _ in range(2):
            answers = await asyncio.gather(*(call(web, headers) for _ in range(CALLS) for web in webs))
            allowed += sum(answer.status_code == 200 for answer in answers)
            started[1]._started[-1].kill()
            await started[1]._begin("api", "web starts")
            async with asyncio.timeout(SECONDS):
                while (await webs[1].get("/api/health/ready")).status_code != 200:  # noqa: ASYNC110  # no event
                    await asyncio.sleep(0.02)
        allowed += await drain(webs[1], headers) + await drain(webs[0], headers)
        assert QUOTA - 2 * (QUOTA // 50) <= allowed <= QUOTA
