"""Delivers webhooks: leases due deliveries in PostgreSQL, sends them, and stores each attempt.

Nothing is lost: a trigger inserts the deliveries in the transaction of the event (0048_webhooks.sql), so that they
exist if and only if the event does; Redis and Kafka take no part. A delivery is pending until an attempt succeeds or
was the last one. A worker leases it; if the worker dies, the lease ends, and another worker delivers.

Nothing is delivered twice without need: (endpoint, event) is unique, and a result is stored only by the holder of the
lease. A worker that dies between the endpoint's answer and the commit causes a repetition, with the same `webhook-id`,
by which the receiver drops it. No protocol over HTTP can exclude that."""

import asyncio
import contextlib
import json
import logging
import random
from collections import Counter
from datetime import UTC, datetime

from api.kernel import Context, Problem, meter, record, span
from api.webhooks import queries
from api.webhooks.addresses import Resolve, networks
from api.webhooks.events import EndpointDisabled, EndpointFailing
from api.webhooks.names import resolve
from api.webhooks.results import Results
from api.webhooks.secrets import SecretLost, sign, unseal
from api.webhooks.sending import Answer, Sender
from api.webhooks.settings import WebhookSettings
from api.webhooks.types import Health, Job, Made, Payload

logger = logging.getLogger(__name__)
attempts = meter.create_counter("webhooks.attempts", "{attempt}", "Attempts to deliver webhooks, by outcome")

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
DELAYS = (5.0, 30.0, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, *(n * HOUR for n in (2, 5, 10, 14, 20, 24, 24)))
"""Seconds after each failed attempt: 13 attempts in 4.2 days."""
JITTER = 0.2
SLOW_DOWN = {429: 30.0, 502: 30.0, 504: 30.0}
"""Seconds without deliveries to an endpoint after these statuses, if it has not sent Retry-After."""
NOTICE_SECONDS, DISABLE_SECONDS = 3 * DAY, 5 * DAY
PLACES, FAILING_PLACES = 100, 50
"""Deliveries in flight in this process: to healthy endpoints, and to failing ones."""
LANES = 2
"""Deliveries in flight to one endpoint."""
LEASE_SECONDS = 40.0
"""Longer than an attempt (15 s) and the storing of its result."""
PAUSE_SECONDS = 0.01
"""Between two claims. Deliveries that become due in the meantime are claimed together."""
POLL_SECONDS = 1.0
DELIVERIES = "webhooks.deliveries"
"""The hint to the owner of an endpoint at the begin and the end of attempts."""
ERASED = "the event's data was erased"
NO_TRACE = "00-" + 32 * "0"
LISTEN_SECONDS = 60.0
"""Interval at which the listening connection is replaced, because a dead connection may report no error."""


class Dispatcher:
    """Delivers in one process until it drains. Tests inject `resolve`."""

    def __init__(self, context: Context, resolve: Resolve = resolve) -> None:
        settings = context.settings
        self._context = context
        allowed = networks(settings.of(WebhookSettings).allowed_networks)
        self._sender = Sender(allowed, f"rest-angular-webhooks (+{settings.public_url})", resolve)
        self._results = Results(context.db)
        self._busy: Counter[bool] = Counter()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Deliver until the process drains, then finish the deliveries in flight."""
        with contextlib.closing(self):
            async with asyncio.TaskGroup() as group:
                group.create_task(self._end())
                if not self._context.settings.database_transaction_pooling:  # a pooler passes no NOTIFY: poll
                    group.create_task(self._listen())
                while not self._context.draining.is_set():
                    self._wake.clear()
                    with contextlib.suppress(Problem):  # PostgreSQL is away: try again after a poll
                        for job in await self._claim():
                            group.create_task(self._deliver(job))
                    await asyncio.sleep(PAUSE_SECONDS)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(POLL_SECONDS):
                            await self._wake.wait()

    def close(self) -> None:
        """Close the connections to endpoints."""
        self._sender.close()

    async def deliver_due(self) -> int:
        """Make one attempt of each delivery that is due now, and return their number. For tests."""
        done = 0
        while jobs := await self._claim():
            await asyncio.gather(*(self._deliver(job) for job in jobs))
            done += len(jobs)
        return done

    async def _end(self) -> None:
        await self._context.draining.wait()
        self._wake.set()

    async def _listen(self) -> None:
        while not self._context.draining.is_set():
            try:
                async with self._context.db.listen("outbox", self._wake.set):
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(LISTEN_SECONDS):
                            await self._context.draining.wait()
            except Problem:  # until then, the poll finds new deliveries
                await asyncio.sleep(POLL_SECONDS)

    async def _claim(self) -> list[Job]:
        free, failing = PLACES - self._busy[False], FAILING_PLACES - self._busy[True]
        jobs = await queries.claim(self._context.db, free, failing, LEASE_SECONDS, LANES)
        self._busy.update(job.is_failing for job in jobs)
        for job in jobs:
            self._context.hints.give(DELIVERIES, job.user_id)
        return jobs

    async def _deliver(self, job: Job) -> None:
        try:
            answer = await self._attempt(job)
            attempts.add(1, {"outcome": "delivered" if answer.delivered else "failed"})
            if answer.delivered:
                await self._results.store(job, answer.made)
            else:
                await store_failure(self._context, job, answer)
            self._context.hints.give(DELIVERIES, job.user_id)
        except asyncio.CancelledError:  # the worker stops: end the lease, so that another worker can deliver
            with contextlib.suppress(Problem):
                await asyncio.shield(queries.release(self._context.db, job.id, job.lease))
            raise
        except Exception as error:  # the lease ends, and the delivery is repeated with the same id
            trace = None if isinstance(error, Problem) else error
            fields = {"delivery": job.id, "cause": type(error).__name__}
            logger.warning("a webhook's attempt was not stored", exc_info=trace, extra={"fields": fields})
        finally:
            self._busy[job.is_failing] -= 1
            self._wake.set()

    async def _attempt(self, job: Job) -> Answer:
        body = body_of(job)
        if body is None:
            return _unsent(ERASED)
        try:
            secrets = [unseal(self._context.settings, job.endpoint_id, each) for each in job.sealed]
        except SecretLost:
            return _unsent("the secret cannot be decrypted; rotate it")
        moment = int(datetime.now(UTC).timestamp())
        headers = headers_of(job.event_id, moment, sign(secrets, str(job.event_id), moment, body))
        if not job.traceparent.startswith(NO_TRACE):
            headers["traceparent"] = job.traceparent
        with span("webhook", attributes={"webhook.delivery": str(job.id), "webhook.attempt": job.attempts}):
            return await self._sender.post(job.url, headers, body)


def body_of(job: Job | Payload) -> bytes | None:
    """Return the body of each attempt: `type`, `timestamp` of the event and `data`. None if the data was erased."""
    data = job.data
    if job.type == "webhook.test":
        data = json.dumps({"endpoint_id": str(job.endpoint_id)})
    if data is None:
        return None
    at = job.occurred_at.isoformat().replace("+00:00", "Z")
    return f'{{"type":{json.dumps(job.type)},"timestamp":"{at}","data":{data}}}'.encode()


def headers_of(id: object, moment: int, signature: str) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "accept-encoding": "identity",
        "webhook-id": str(id),
        "webhook-timestamp": str(moment),
        "webhook-signature": signature,
    }


async def store_failure(context: Context, job: Job, answer: Answer) -> None:
    """Store a failed attempt. What concerns the endpoint's owner is recorded in the same transaction, so that its mail
    is sent if and only if the state changed. Raises Problem."""
    async with context.db.transaction() as db:
        health = await queries.lock_health(db, job.endpoint_id)
        is_erased = answer.made.error == ERASED
        wait = None if job.once or is_erased else wait_after(job, answer)
        stored = await queries.mark_failed(db, job.id, job.lease, wait, answer.made)
        if health is None or stored is None or job.once or is_erased:
            return
        pause = answer.retry_after or SLOW_DOWN.get(answer.made.status or 0)
        reasons = reasons_of(health, answer.made.status, wait)
        notices = sorted({*health.notices, *reasons})
        await queries.mark_failing(db, job.endpoint_id, health.failures + 1, health.failing_seconds, pause, notices)
        for reason in reasons:
            await record(db, EndpointFailing(endpoint_id=job.endpoint_id, user_id=health.user_id, reason=reason))
        if disabled := disabling(health, answer.made.status):
            await queries.mark_disabled(db, job.endpoint_id, disabled)
            event = EndpointDisabled(endpoint_id=job.endpoint_id, user_id=health.user_id, reason=disabled)
            await record(db, event)


def wait_after(job: Job, answer: Answer) -> float | None:
    """Return the seconds until the next attempt, with ±20 % of jitter and not before Retry-After. None after the last
    one, except after 410, because the deliveries of a disabled endpoint are held."""
    if job.attempts > len(DELAYS):
        return 0.0 if answer.made.status == 410 else None
    jitter = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # no secret
    return max(DELAYS[job.attempts - 1] * jitter, answer.retry_after or 0.0)


def reasons_of(health: Health, status: int | None, wait: float | None) -> list[str]:
    """Return the notices that are due and were not sent since the last success."""
    due = {"exhausted": wait is None, "days": health.failing_seconds >= NOTICE_SECONDS}
    gone = disabling(health, status) is not None
    return [reason for reason, is_due in due.items() if is_due and not gone and reason not in health.notices]


def disabling(health: Health, status: int | None) -> str | None:
    """Return why this failure disables the endpoint: 410, or five days in which all attempts failed."""
    if not health.is_enabled:
        return None
    if status == 410:
        return "gone"
    return "failing" if health.failing_seconds >= DISABLE_SECONDS else None


def _unsent(error: str) -> Answer:
    return Answer(Made(datetime.now(UTC), None, error, None, None, None, None, 0.0, ""), None)
