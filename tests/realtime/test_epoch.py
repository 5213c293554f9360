"""C-415: a database that was restored from a backup, which assigns its latest positions again."""

from api.kernel.context import Context
from api.kernel.live import queries
from tests.live.following import Follower
from tests.realtime.conftest import signed_in
from tests.wire import Web

RESTORE = (
    "alter sequence outbox_live_positions owned by none",
    "create table restored (like outbox_live including all)",
    "insert into restored select * from outbox_live where position < $1",
    "drop table outbox_live",
    "alter table restored rename to outbox_live",
)
"""What pg_restore does with the table, at a time when it had fewer rows."""


async def test_positions_of_another_epoch_are_not_resumed(newsroom: Web, archive: Context) -> None:
    async with signed_in(newsroom, archive) as ada:
        async with ada.follow() as follower:
            await follower.opened()
            await ada.ask("PATCH", "/users/me", json={"name": "Lost"})
            while (sent := await follower.next()) and sent.name != "users.updated":
                pass
            assert sent is not None
        before = (await queries.find_live_bounds(archive.db)).epoch
        for statement in RESTORE:
            await archive.db.fetch(statement, *([sent.position] if "$1" in statement else []))
        await archive.db.fetch("select setval('outbox_live_positions', $1)", sent.position - 1)
        await ada.ask("PATCH", "/users/me", json={"name": "After"})  # gets the position of the lost one
        headers = {"authorization": f"Bearer {ada.token}", "last_event_id": follower.last}
        async with Follower(newsroom.port, "/events", **headers) as again:
            resync = await again.next()
            assert resync is not None
            assert (resync.name, resync.data) == ("resync", {"reason": "unknown"})
            await ada.ask("PATCH", "/users/me", json={"name": "Live"})
            while (sent := await again.next()) and sent.name != "users.updated":
                pass
            assert sent is not None
            epoch = sent.id.partition(".")[0]
        assert epoch == (await queries.find_live_bounds(archive.db)).epoch != before
