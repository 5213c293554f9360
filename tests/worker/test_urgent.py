"""An urgent mail does not queue behind thousands of others, and these do not wait forever."""

import pytest
from arq.connections import ArqRedis

from api.features import FEATURES
from api.kernel.context import Context
from api.kernel.feature import tasks_of
from api.kernel.outbox.tasks import QUEUE
from tests.worker.jobs import add_tasks
from worker.relay import TASKS_QUEUED, Relay

pytestmark = pytest.mark.case(227)
URGENT, OTHER = "users.send_reset", "audit.erase"


@pytest.fixture
def relay(live: Context, queue: ArqRedis) -> Relay:
    return Relay(live, None, queue, [OTHER, URGENT], (), [URGENT])  # type: ignore[arg-type]  # it publishes nothing here


async def leased(live: Context) -> dict[str, int]:
    rows = await live.db.fetch("select task, count(*) from outbox_tasks where locked_until is not null group by task")
    return {row["task"]: row["count"] for row in rows}


async def make_room(live: Context, queue: ArqRedis) -> None:
    """Mark one job as finished."""
    [(job, _)] = await queue.zpopmin(QUEUE)
    await live.db.fetch("delete from outbox_tasks where id = $1", job.decode().partition(":")[0])


async def test_an_urgent_task_is_leased_first_and_runs_before_queued_ones(
    live: Context, queue: ArqRedis, relay: Relay
) -> None:
    await add_tasks(live.db, OTHER, 300)
    assert await relay.queue_tasks() == TASKS_QUEUED
    [reset] = await add_tasks(live.db, URGENT)
    await make_room(live, queue)
    assert await relay.queue_tasks() == 1
    [first] = await queue.zrange(QUEUE, 0, 0)
    assert first.decode() == f"{reset}:1"


async def test_other_tasks_have_a_share_during_many_urgent_ones(live: Context, queue: ArqRedis, relay: Relay) -> None:
    await add_tasks(live.db, URGENT, 300)
    await add_tasks(live.db, OTHER, 300)
    assert await relay.queue_tasks() == TASKS_QUEUED
    assert await leased(live) == {URGENT: 23, OTHER: 7}
    await live.db.fetch("delete from outbox_tasks where locked_until is not null and task = $1", URGENT)
    for _ in range(8):
        await queue.zpopmin(QUEUE)
        assert await relay.queue_tasks() == 1
    assert await leased(live) == {URGENT: 6, OTHER: 9}, "with room for one, every fourth time"


async def test_an_unused_share_is_given_to_the_others(live: Context, relay: Relay) -> None:
    await add_tasks(live.db, URGENT, 28)
    await add_tasks(live.db, OTHER, 1)
    assert await relay.queue_tasks() == 29


def test_mails_that_users_wait_for_are_urgent() -> None:
    urgent = {task.name for task in tasks_of(FEATURES) if task.urgent}
    assert {
        "users.send_reset",
        "users.send_verification",
        "users.send_invitation",
        "users.send_password_changed",
    } < urgent
    assert {"sessions.send_new_device", "sessions.send_token_reused"} < urgent
    assert OTHER not in urgent
