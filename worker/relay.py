"""The outbox's relay: event rows → Kafka, in order, and task rows → arq. A NOTIFY wakes it; a poll every second finds
what a wake-up missed, and alone is correct. A row leaves the outbox only when its receiver has it, so that whatever
dies, what waits is found again."""

import asyncio
import functools
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from uuid import UUID

from arq.connections import ArqRedis
from redis.exceptions import RedisError

from api.kernel.context import Context
from api.kernel.data.database import Transaction
from api.kernel.errors import Problem
from api.kernel.feature import Sweep
from api.kernel.outbox.tasks import LEASE_SECONDS, QUEUE, back_off, release_tasks
from api.kernel.process.failpoints import passing
from api.kernel.telemetry import swept_at, swept_rows, trace_of
from api.kernel.telemetry.outages import words_of
from worker import queries
from worker.kafka import KafkaUnavailable, Publisher
from worker.types import LeasedTask, OutboxEvent, Refusal

logger = logging.getLogger(__name__)

EVENTS_AT_ONCE = 500
EVENTS_IN_TRANSACTION = 4000
"""So many may come twice after a crash in a backlog; without one it is what came within a few milliseconds."""
TOPIC_SECONDS = 2.0
"""Between two probes of a topic that Kafka does not take, with one event of it."""
RELEASED_AT_ONCE = 5000
ATTEMPTS = 8
"""In some four minutes: an event that Kafka refused so often is a dead letter."""
TASKS_QUEUED = 30
"""Ten run and twenty wait: they begin before their lease runs out, even where each takes the 10 s of a hanging mail
server."""
POLL_SECONDS = 1.0
LISTEN_SECONDS = 60.0
"""The listening connection is taken anew this often: one that died in silence says nothing."""
LONGEST_PAUSE = 5.0
_EXPECTED = (KafkaUnavailable, RedisError, OSError, Problem)


async def sweep_published(context: Context) -> int:
    """Remove events that were published long ago, one batch of them; how many. Raises Problem."""
    return await queries.sweep_published(context.db, EVENTS_AT_ONCE)


async def release_held(context: Context) -> int:
    """Make ready what waited behind an event that is out of the way, one batch of it; how many. The claim does so for
    a key whose refused event is tried again: this is for what came at the same moment. Raises Problem."""
    return await queries.release_held(context.db, RELEASED_AT_ONCE)


class Relay:
    def __init__(
        self,
        context: Context,
        publisher: Publisher,
        queue: ArqRedis,
        task_names: Sequence[str],
        sweeps: Sequence[Sweep] = (),
        urgent: Sequence[str] = (),
    ) -> None:
        self._context = context
        self._publisher = publisher
        self._queue = queue
        self._urgent = list(urgent)
        self._others = [name for name in task_names if name not in urgent]
        self._credit = 0.0
        self._sweeps = [Sweep(sweep_published), Sweep(release_held), *sweeps]
        self._wake_events = asyncio.Event()
        self._wake_tasks = asyncio.Event()

    async def run(self) -> None:
        """Until the process drains; what is being published then is finished first."""
        draining = self._context.draining
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._repeat(self.publish_events, EVENTS_AT_ONCE, self._wake_events, POLL_SECONDS))
            loops.create_task(self._repeat(self.queue_tasks, TASKS_QUEUED, self._wake_tasks, POLL_SECONDS))
            for sweep in self._sweeps:
                step = functools.partial(self._sweep, sweep)
                step.__name__ = sweep.run.__name__  # type: ignore[attr-defined]
                loops.create_task(self._repeat(step, 1, draining, sweep.seconds))
            if not self._context.settings.database_transaction_pooling:  # which hears no NOTIFY: the poll is enough
                loops.create_task(self._repeat(self._listen, 0, draining, 0))
            await draining.wait()
            self._wake()

    async def _sweep(self, sweep: Sweep) -> int:
        done, labels = await sweep.run(self._context), {"sweep": sweep.run.__name__}
        swept_rows.add(done, labels)
        swept_at.set(time.time(), labels)
        return done

    def want_tasks(self) -> None:
        """Look for due tasks now: arq has room for one more."""
        self._wake_tasks.set()

    def _wake(self) -> None:
        self._wake_events.set()
        self._wake_tasks.set()

    async def publish_events(self) -> int:
        """What waits to Kafka, in one transaction that commits once Kafka has acknowledged it; how many. Raises
        KafkaUnavailable, Problem."""
        self._wake_events.clear()
        done = 0
        async with self._context.db.transaction() as db:
            if not await queries.try_lock(db):
                return 0  # another process publishes; it alone does until its transaction ends
            events = await self._claim(db)
            while events:
                passing("relay.claimed")
                done += len(events)
                more = len(events) == EVENTS_AT_ONCE and done < EVENTS_IN_TRANSACTION
                following, unpublished = await self._publish(db, events, more)
                passing("relay.published")
                await self._reopen(db, events, unpublished)
                if unpublished:
                    # What was claimed meanwhile may be of the same keys: it is chosen anew, by the new state.
                    if any(unpublished.values()) or len(unpublished) < len(events):
                        self._wake_events.set()  # there is room for others, which need not wait for the poll
                    return done - await self._set_aside(db, unpublished, following)
                events = following
        return done

    async def _publish(
        self, db: Transaction, events: Sequence[OutboxEvent], more: bool
    ) -> tuple[list[OutboxEvent], dict[OutboxEvent, Refusal | None]]:
        """Publish these while PostgreSQL marks the next ones; the answer is those, and what was not published."""

        async def claim() -> list[OutboxEvent]:
            return await self._claim(db) if more else []

        # The claim first: PostgreSQL must have the statement before the records are made, which takes this thread.
        publishing = self._publisher.publish(events)
        following, unpublished = await asyncio.gather(claim(), publishing, return_exceptions=True)
        if isinstance(unpublished, BaseException):
            raise unpublished
        if isinstance(following, BaseException):
            raise following
        return following, unpublished

    async def _claim(self, db: Transaction) -> list[OutboxEvent]:
        """What to publish next. Where a batch brought events to light that must wait, there may be more to look at."""
        claimed = await queries.claim_events(db, EVENTS_AT_ONCE)
        events = [event for event in claimed if not event.held]
        if len(events) < len(claimed):
            self._wake_events.set()
        return events

    async def _reopen(
        self, db: Transaction, events: Sequence[OutboxEvent], unpublished: dict[OutboxEvent, Refusal | None]
    ) -> None:
        """Forget that topics were closed of which Kafka has just taken an event, and look for more of them."""
        topics = {event.topic for event in events if event.closed and event not in unpublished}
        if topics:
            await queries.open_topics(db, sorted(topics))
            logger.info("kafka takes a topic again", extra={"fields": {"topics": " ".join(sorted(topics))}})
            self._wake_events.set()

    async def _close(self, db: Transaction, unpublished: dict[OutboxEvent, Refusal | None]) -> None:
        """Let the topics wait that Kafka does not take: no event of theirs has had an attempt."""
        reasons = {event.topic: refusal.reason for event, refusal in unpublished.items() if refusal and refusal.topic}
        if reasons:
            await queries.close_topics(db, list(reasons), list(reasons.values()), TOPIC_SECONDS)
        for topic in reasons.keys() - {event.topic for event in unpublished if event.closed}:
            fields = {"topic": topic, "reason": reasons[topic], "remedy": "python -m worker topics"}
            logger.error("kafka has no such topic, or not for us: its events wait", extra={"fields": fields})

    async def _set_aside(
        self, db: Transaction, unpublished: dict[OutboxEvent, Refusal | None], following: Sequence[OutboxEvent]
    ) -> int:
        """Let what Kafka refused wait for its next attempt, or keep it as a dead letter, and give back what merely
        waits for it; how many of all these are no dead letters."""
        await self._close(db, unpublished)
        refused = {event: refusal for event, refusal in unpublished.items() if refusal and not refusal.topic}
        waits: list[float | None] = []
        for event, refusal in refused.items():
            attempt = event.attempts + 1
            final = refusal.final or attempt >= ATTEMPTS
            waits.append(None if final else back_off(attempt))
            fields = {"event": event.id, "reason": refusal.reason, "attempt": attempt, "dead": final}
            fields["trace_id"] = trace_of(event.traceparent)
            # A dead letter is somebody's to decide on, and what is logged as an error is what somebody is told of.
            logger.log(logging.ERROR if final else logging.WARNING, "kafka refused an event", extra={"fields": fields})
        reasons = [refusal.reason for refusal in refused.values()]
        await queries.mark_failed(db, [event.id for event in refused], reasons, waits)
        held = unpublished.keys() - refused.keys()
        await queries.put_back(db, [event.id for event in (*held, *following)])
        return len(unpublished) - waits.count(None)

    async def queue_tasks(self) -> int:
        """Lease due tasks and hand them to arq, as many as it has room for; how many. Raises RedisError, OSError,
        Problem."""
        self._wake_tasks.clear()
        room = TASKS_QUEUED - await self._count_queued()
        if room <= 0:
            return 0
        leased: list[LeasedTask] = []
        waiting: dict[UUID, int] = {}
        try:
            for names, most in self._shares(room):
                if not names or most == len(leased):
                    continue
                found = await queries.lease_tasks(self._context.db, names, most - len(leased), LEASE_SECONDS)
                waiting |= {task.id: task.lease for task in found}
                leased += found
            for task in leased:
                job = f"{task.id}:{task.lease}"
                ahead = -LEASE_SECONDS if task.task in self._urgent else None  # arq takes the earliest first
                await self._queue.enqueue_job(task.task, str(task.id), task.lease, _job_id=job, _defer_by=ahead)
                del waiting[task.id]
        finally:
            if waiting:
                await release_tasks(self._context.db, list(waiting), list(waiting.values()))
        return len(leased)

    def _shares(self, room: int) -> Iterator[tuple[list[str], int]]:
        """Which tasks to lease in turn, and how many there may be then. Urgent ones go first; they leave every fourth
        place to others, and have what these do not take."""
        self._credit += room / 4
        reserved = int(self._credit)
        self._credit -= reserved
        yield self._urgent, room - reserved
        yield self._others, room
        yield self._urgent, room

    async def _count_queued(self) -> int:
        """How many jobs arq has. Those that are not of the last minute are removed: the leases of ours have run out by
        then, and arq may never take or remove what others put there."""
        now = time.time()
        async with self._queue.pipeline(transaction=False) as pipe:
            pipe.zremrangebyscore(QUEUE, "-inf", (now - 2 * LEASE_SECONDS) * 1000)
            pipe.zremrangebyscore(QUEUE, (now + 2 * LEASE_SECONDS) * 1000, "+inf")
            pipe.zcard(QUEUE)
            late, early, queued = await pipe.execute()
        if late or early:
            logger.warning("jobs removed from the queue", extra={"fields": {"key": QUEUE, "jobs": late + early}})
        return int(queued)

    async def _listen(self) -> int:
        async with self._context.db.listen("outbox", self._wake):
            await _first(self._context.draining.wait(), LISTEN_SECONDS)
        return 0

    async def _repeat(self, step: Callable[[], Awaitable[int]], full: int, wake: asyncio.Event, poll: float) -> None:
        """Run the step while it does as much as it can at once, then when woken or the poll is due; after a failure
        wait, longer each time."""
        failures = 0
        while not self._context.draining.is_set():
            try:
                done = await step()
                failures = 0
            except Exception as error:  # whatever stops one step, the others go on
                failures += 1
                pause = min(LONGEST_PAUSE, 0.1 * 2**failures) * random.uniform(0.5, 1.0)  # noqa: S311  # jitter
                told = isinstance(error, KafkaUnavailable | RedisError | OSError)
                cause = words_of(error) if told else type(error).__name__
                fields = {"step": step.__name__, "cause": cause, "seconds": round(pause, 1)}
                foreseen = isinstance(error, _EXPECTED)
                logger.warning("the relay waits", exc_info=None if foreseen else error, extra={"fields": fields})
                await _first(self._context.draining.wait(), pause)
                continue
            if done < full:
                await _first(wake.wait(), poll)


async def _first(event: Awaitable[object], seconds: float) -> None:
    """Wait for an event, but no longer than that."""
    try:
        await asyncio.wait_for(event, seconds)
    except TimeoutError:
        return
