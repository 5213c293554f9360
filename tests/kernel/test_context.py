"""The resources of both processes: opened, used and closed."""

import asyncio
import time

import asyncpg
import pytest

from api.kernel.context import Context, Origin, open_context, origin
from api.kernel.data.cache import CacheUnavailable
from api.kernel.errors import UNAVAILABLE
from api.kernel.mime import Message
from api.kernel.settings import Settings
from tests.kernel.things import Holder, find_thing


async def test_it_opens_without_any_service_and_closes(nowhere: Settings) -> None:
    """A PaaS starts services in any order."""
    began = time.perf_counter()
    async with open_context(nowhere, {}) as context:
        with pytest.raises(UNAVAILABLE):
            await context.db.fetch("select 1")
        with pytest.raises(CacheUnavailable):
            await context.cache.execute("PING")
        with pytest.raises(OSError, match="smtp"):
            await context.mail.send(Message(id="1", to="a@example.com", subject="s", text="t", html="h"))
        assert await context.passwords.verify(await context.passwords.hash("x"), "x")
        assert not context.draining.is_set()
    assert time.perf_counter() - began < 30


async def test_every_part_works_with_all_services(live: Context) -> None:
    assert (await live.db.fetch("select 1 as one"))[0]["one"] == 1
    assert await live.cache.execute("PING")
    await live.mail.send(Message(id="1", to="a@example.com", subject="s", text="t", html="h"))
    assert await find_thing(Holder(live.cache), 1)


async def test_nothing_is_open_after_the_block_also_after_a_failure(cloned: Settings) -> None:
    outside = await asyncpg.connect(cloned.database_url)
    try:
        with pytest.raises(LookupError):
            await failing(cloned)
        count = (
            "select count(*) from pg_stat_activity where datname = current_database() and backend_type like 'client%'"
        )
        async with asyncio.timeout(60):
            while await outside.fetchval(count) > 1:  # a server takes a moment to notice
                pass
    finally:
        await outside.close()


async def failing(settings: Settings) -> None:
    async with open_context(settings, {"a.b": ("x",)}, pool_size=1) as context:
        assert context.db.subscribers == {"a.b": ("x",)}
        await context.db.fetch("select 1")
        raise LookupError


async def test_after_the_block_nothing_can_be_used(cloned: Settings) -> None:
    async with open_context(cloned, {}) as context:
        pass
    with pytest.raises(UNAVAILABLE):
        await context.db.fetch("select 1")
    with pytest.raises(RuntimeError):
        await context.passwords.hash("x")


async def test_the_actor_belongs_to_one_task() -> None:
    assert origin.get() == Origin(None, None, None)

    async def act(address: str) -> str | None:
        origin.set(Origin(address=address))
        await asyncio.sleep(0)
        return origin.get().address

    assert list(await asyncio.gather(act("a"), act("b"))) == ["a", "b"]
