"""The outbox relay: event rows → Kafka, in order, and task rows → arq. NOTIFY wakes it; a poll every second finds rows
that a notification missed and is sufficient by itself. A row leaves the outbox only when its receiver has it, so
pending rows survive the failure of any component."""

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
from api.kernel.live.feeds import SUPERUSERS
from api.kernel.outbox.tasks import LEASE_SECONDS, QUEUE, back_off, release_tasks
from api.kernel.process.failpoints import passing
from api.kernel.process.waiting import wait_until_set
from api.kernel.telemetry import trace_of
from api.kernel.telemetry.outages import words_of
from worker import queries
from worker.kafka import KafkaUnavailable, Publisher
from worker.sweeping import Sweeper
from worker.types import LeasedTask, OutboxEvent, Refusal

logger = logging.getLogger(__name__)

EVENTS_AT_ONCE = 500
EVENTS_IN_TRANSACTION = 4000
"""Events that may be published twice after a crash with a backlog. Without one, only the events of a few
milliseconds."""
TOPIC_SECONDS = 2.0
"""Time between two probes of a closed topic, each with one event."""
RELEASED_AT_ONCE = 5000
ATTEMPTS = 8
"""Refusals, within about four minutes, after which an event becomes a dead letter."""
TASKS_QUEUED = 30
"""Ten run and twenty wait. These start before their lease expires, even if each takes the 10 s of an unresponsive mail
server."""
POLL_SECONDS = 1.0
LISTEN_SECONDS = 60.0
"""Interval at which the listening connection is replaced, because a dead connection may report no error."""
LONGEST_PAUSE = 5.0
REPORT_SECONDS = 5.0
_EXPECTED = (KafkaUnavailable, RedisError, OSError, Problem)


async def sweep_published(context: Context) -> int:
    """Delete a batch of old published events. Returns their number. Raises Problem."""
    return await queries.sweep_published(context.db, EVENTS_AT_ONCE)


async def release_held(context: Context) -> int:
    """Release a batch of events held behind an event that was published or discarded. Returns their number. The claim
    does this for keys whose refused event is retried; this sweep covers concurrent changes. Raises Problem."""
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
        """Raises TypeError if two sweeps have one name."""
        self._context = context
        self._publisher = publisher
        self._queue = queue
        self._urgent = list(urgent)
        self._others = [name for name in task_names if name not in urgent]
        self._credit = 0.0
        self._sweeper = Sweeper(context, [Sweep(sweep_published), Sweep(release_held), *sweeps])
        self._hints: set[str] = set()
        """Given after the transaction."""
        self._wake_events = asyncio.Event()
        self._wake_tasks = asyncio.Event()

    async def run(self) -> None:
        """Relay until the process drains. Events being published then are finished first."""
        draining = self._context.draining
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._repeat(self.publish_events, EVENTS_AT_ONCE, self._wake_events, POLL_SECONDS))
            loops.create_task(self._repeat(self.queue_tasks, TASKS_QUEUED, self._wake_tasks, POLL_SECONDS))
            for sweep in self._sweeper.sweeps:
                step = functools.partial(self._sweeper.run, sweep)
                step.__name__ = sweep.run.__name__  # type: ignore[attr-defined]
                loops.create_task(self._repeat(step, 1, draining, sweep.seconds))
            loops.create_task(self._repeat(self._sweeper.report, 1, draining, REPORT_SECONDS))
            if not self._context.settings.database_transaction_pooling:  # a pooler passes no NOTIFY: poll
                loops.create_task(self._repeat(self._listen, 0, draining, 0))
            await draining.wait()
            self._wake()

    def want_tasks(self) -> None:
        """Look for due tasks now, because arq has room for another."""
        self._wake_tasks.set()

    def _wake(self) -> None:
        self._wake_events.set()
        self._wake_tasks.set()

    async def publish_events(self) -> int:
        """Publish pending events in one transaction that commits after Kafka's acknowledgement. Returns their number.
        Raises KafkaUnavailable, Problem."""
        try:
            return await self._publish_events()
        finally:  # also after a failure: the events wait
            hints, self._hints = self._hints, set()
            for name in hints:
                self._context.hints.give(name, SUPERUSERS)

    async def _publish_events(self) -> int:
        self._wake_events.clear()
        done = 0
        async with self._context.db.transaction() as db:
            if not await queries.try_lock(db):
                return 0  # another process publishes until its transaction ends
            events = await self._claim(db)
            while events:
                passing("relay.claimed")
                self._hints.add("outbox.events")
                done += len(events)
                more = len(events) == EVENTS_AT_ONCE and done < EVENTS_IN_TRANSACTION
                following, unpublished = await self._publish(db, events, more)
                passing("relay.published")
                await self._reopen(db, events, unpublished)
                if unpublished:
                    # Events claimed meanwhile may have the same keys: they are selected again, by their new state.
                    if any(unpublished.values()) or len(unpublished) < len(events):
                        self._wake_events.set()  # other events can be published without waiting for the poll
                    return done - await self._set_aside(db, unpublished, following)
                events = following
        return done

    async def _publish(
        self, db: Transaction, events: Sequence[OutboxEvent], more: bool
    ) -> tuple[list[OutboxEvent], dict[OutboxEvent, Refusal | None]]:
        """Publish the events while PostgreSQL claims the next ones. Returns those, and the events that were not
        published."""

        async def claim() -> list[OutboxEvent]:
            return await self._claim(db) if more else []

        # Start the claim first: PostgreSQL needs the statement before the records are built, which blocks this thread.
        publishing = self._publisher.publish(events)
        following, unpublished = await asyncio.gather(claim(), publishing, return_exceptions=True)
        if isinstance(unpublished, BaseException):
            raise unpublished
        if isinstance(following, BaseException):
            raise following
        return following, unpublished

    async def _claim(self, db: Transaction) -> list[OutboxEvent]:
        """Claim the next events to publish. If the batch contains events that must wait, more may be ready."""
        claimed = await queries.claim_events(db, EVENTS_AT_ONCE)
        events = [event for event in claimed if not event.held]
        if len(events) < len(claimed):
            self._wake_events.set()
        return events

    async def _reopen(
        self, db: Transaction, events: Sequence[OutboxEvent], unpublished: dict[OutboxEvent, Refusal | None]
    ) -> None:
        """Mark topics as open after Kafka has accepted an event of theirs, and look for more of their events."""
        topics = {event.topic for event in events if event.closed and event not in unpublished}
        if topics:
            await queries.open_topics(db, sorted(topics))
            logger.info("kafka accepts a topic again", extra={"fields": {"topics": " ".join(sorted(topics))}})
            self._wake_events.set()

    async def _close(self, db: Transaction, unpublished: dict[OutboxEvent, Refusal | None]) -> None:
        """Close the topics that Kafka refuses. No attempt is counted for their events."""
        reasons = {event.topic: refusal.reason for event, refusal in unpublished.items() if refusal and refusal.topic}
        if reasons:
            await queries.close_topics(db, list(reasons), list(reasons.values()), TOPIC_SECONDS)
        for topic in reasons.keys() - {event.topic for event in unpublished if event.closed}:
            fields = {"topic": topic, "reason": reasons[topic], "remedy": "python -m worker topics"}
            logger.error("a topic is missing or forbidden in kafka: its events wait", extra={"fields": fields})

    async def _set_aside(
        self, db: Transaction, unpublished: dict[OutboxEvent, Refusal | None], following: Sequence[OutboxEvent]
    ) -> int:
        """Schedule the next attempt of refused events or make them dead letters, and return the events behind them.
        Returns the number of these events that are not dead letters."""
        await self._close(db, unpublished)
        refused = {event: refusal for event, refusal in unpublished.items() if refusal and not refusal.topic}
        waits: list[float | None] = []
        for event, refusal in refused.items():
            attempt = event.attempts + 1
            final = refusal.final or attempt >= ATTEMPTS
            waits.append(None if final else back_off(attempt))
            fields = {"event": event.id, "reason": refusal.reason, "attempt": attempt, "dead": final}
            fields["trace_id"] = trace_of(event.traceparent)
            # A dead letter needs an operator's decision, so it is logged as an error.
            logger.log(logging.ERROR if final else logging.WARNING, "kafka refused an event", extra={"fields": fields})
        reasons = [refusal.reason for refusal in refused.values()]
        await queries.mark_failed(db, [event.id for event in refused], reasons, waits)
        if None in waits:
            self._hints.add("outbox.dead_letters")
        held = unpublished.keys() - refused.keys()
        await queries.put_back(db, [event.id for event in (*held, *following)])
        return len(unpublished) - waits.count(None)

    async def queue_tasks(self) -> int:
        """Lease due tasks and queue as many in arq as it has room for. Returns their number. Raises RedisError,
        OSError, Problem."""
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
            if leased:
                self._context.hints.give("outbox.tasks", SUPERUSERS)
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
        """Yield the task names to lease in turn, and the maximum number for each. Urgent tasks go first but leave every
        fourth place to others, and take the places that remain."""
        self._credit += room / 4
        reserved = int(self._credit)
        self._credit -= reserved
        yield self._urgent, room - reserved
        yield self._others, room
        yield self._urgent, room

    async def _count_queued(self) -> int:
        """Return the number of jobs in arq's queue. Removes jobs that are not from the last minute: our leases have
        expired by then, and arq may never take or remove jobs written by others."""
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
            await wait_until_set(self._context.draining, LISTEN_SECONDS)
        return 0

    async def _repeat(self, step: Callable[[], Awaitable[int]], full: int, wake: asyncio.Event, poll: float) -> None:
        """Run the step repeatedly while it processes full batches, otherwise when woken or when the poll is due. Waits
        longer after each failure."""
        failures = 0
        while not self._context.draining.is_set():
            try:
                done = await step()
                failures = 0
            except Exception as error:  # a failing step does not stop the others
                failures += 1
                pause = min(LONGEST_PAUSE, 0.1 * 2**failures) * random.uniform(0.5, 1.0)  # noqa: S311  # jitter
                is_server_error = isinstance(error, KafkaUnavailable | RedisError | OSError)
                cause = words_of(error) if is_server_error else type(error).__name__
                fields = {"step": step.__name__, "cause": cause, "seconds": round(pause, 1)}
                trace = None if isinstance(error, _EXPECTED) else error
                logger.warning("a step of the relay failed", exc_info=trace, extra={"fields": fields})
                await wait_until_set(self._context.draining, pause)
                continue
            if done < full:
                await wait_until_set(wake, poll)
