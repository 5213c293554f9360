"""C-291: how long events are kept for reconnecting clients, and which are never sent again."""

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.live import queries
from api.kernel.live.queries import Row
from api.kernel.outbox.events import record
from tests.kernel.work import ThingMade
from tests.live.conftest import comment
from worker.main import sweep_live


async def numbered(context: Context) -> list[Row]:
    await queries.number_live(context.db, 100)
    return await queries.list_live(context.db, 0, 100)


async def test_events_are_kept_for_a_day_and_the_newest_position_stays(live: Context) -> None:
    id = uuid7()
    await comment(live, id, 1, 2, 3)
    rows = await numbered(live)
    assert [row.at for row in rows] == sorted({row.at for row in rows})
    assert await sweep_live(live) == 0
    await live.db.fetch("update outbox_live set created_at = now() - interval '25 hours'")
    await comment(live, id, 4)
    while await sweep_live(live):
        pass
    assert [row.data for row in await numbered(live)][-1].count('"number": 4') == 1
    bounds = await queries.find_live_bounds(live.db)
    assert (bounds.oldest, bounds.newest) == (rows[-1].at, rows[-1].at + 1)


async def test_events_without_a_position_are_swept_as_well(live: Context) -> None:
    await comment(live, uuid7(), 1)
    await live.db.fetch("update outbox_live set created_at = now() - interval '25 hours'")
    assert await sweep_live(live) == 1
    assert await numbered(live) == []


async def test_erased_events_are_not_sent_again(live: Context) -> None:
    """Their person was deleted: a reconnecting client must not see them."""
    id = uuid7()
    await comment(live, id, 1, 2)
    await live.db.fetch("update outbox_events set erased = true where data ->> 'number' = '1'")
    assert len(await numbered(live)) == 1
    assert len(await queries.list_missed(live.db, ["news.commented"], id, 0, 100)) == 1


async def test_an_event_that_is_not_live_has_no_row(live: Context) -> None:
    async with live.db.transaction() as db:
        await record(db, ThingMade(thing_id=uuid7(), name="x"))
    assert await live.db.fetch("select 1 from outbox_events")
    assert await numbered(live) == []
