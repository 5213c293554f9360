"""Tasks that wait or run, and repeated work."""

from uuid import UUID

from api.kernel import NOT_FOUND, CacheUnavailable, Context, Cursors, Page, Transaction, record
from api.kernel.outbox.sweeps import read_sweeps
from api.operations import queries
from api.operations.errors import TASK_NOT_WAITING, TASK_RUNNING
from api.operations.events import TaskCancelled, TaskRetried
from api.operations.types import LockedTask, PendingTask, Repetitions, SweepRun, TaskCounts, TaskQuery

CANCELLED = "cancelled by an operator"


async def list_tasks(context: Context, query: TaskQuery) -> Page[PendingTask]:
    """List the tasks that run or wait, oldest first, without their values.

    Tasks that failed permanently are dead letters. `total` counts up to 10,000."""
    cursors = Cursors(context.settings, "tasks", query.name, query.state)
    (after,) = cursors.read(query.cursor, int)
    found = await queries.list_tasks(context.db, query.name, query.state, after or 0, query.limit + 1)
    total = await queries.count_tasks(context.db, query.name, query.state)
    return cursors.page(found, query.limit, total, lambda task: (task.number,))


async def count_tasks(context: Context) -> TaskCounts:
    """Count the tasks by name and state, the oldest 10,000 at most."""
    return TaskCounts(await queries.count_tasks_by_name(context.db))


async def retry_task(context: Context, id: UUID) -> None:
    """Run a task now that waits for another attempt after a failure."""
    async with context.db.transaction() as db:
        task = await _lock(db, id)
        if task.state != "retrying":
            raise TASK_NOT_WAITING
        await queries.make_due(db, id)
        await record(db, TaskRetried(task_id=id, name=task.name))


async def cancel_task(context: Context, id: UUID) -> None:
    """Make a pending task a dead letter: it does not run unless it is retried there."""
    async with context.db.transaction() as db:
        task = await _lock(db, id)
        await queries.mark_cancelled(db, id, CANCELLED)
        await record(db, TaskCancelled(task_id=id, name=task.name))


async def _lock(db: Transaction, id: UUID) -> LockedTask:
    """Raises NOT_FOUND, TASK_RUNNING."""
    task = await queries.lock_task(db, id)
    if task is None:
        raise NOT_FOUND
    if task.state == "running":
        raise TASK_RUNNING
    return task


async def list_schedules(context: Context) -> Repetitions:
    """List the schedules and the sweeps with their last and next runs.

    `sweeps` is null while Redis is down, where workers report them."""
    try:
        sweeps = [SweepRun.of(run) for run in await read_sweeps(context.cache)]
    except CacheUnavailable:
        sweeps = None
    return Repetitions(await queries.list_schedules(context.db), sweeps)
