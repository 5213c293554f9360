"""F-29: wrong clocks. Expiries and leases depend only on PostgreSQL's; a process' own is used for its access tokens,
which clients renew."""

import re
import time
from pathlib import Path

import httpx
import msgspec
import pytest
from arq.connections import ArqRedis
from starlette.applications import Starlette

from api.app import create_app
from api.kernel.context import Context, open_context
from api.kernel.identity.auth import Tokens
from api.kernel.mail import MemoryMailer
from api.kernel.settings import Settings
from tests.conftest import SUBSCRIBERS, client_of
from tests.factories import make_user
from tests.mailed import mailed
from tests.sessions.signing import is_signed_in, login, refresh
from tests.worker.jobs import Gate, add_tasks, until, working
from worker.relay import Relay

WRONG = [-600, -90, 90, 600]
PASSWORD = "another horse battery staple"
# Files that read the process' clock, and their purpose.
CLOCKS = {
    "api/kernel/identity/auth.py": "access tokens, with 30 s of grace",
    "api/kernel/outbox/consumers.py": "how old a count of waiting messages is, in minutes",
    "api/kernel/outbox/remedies.py": "whether what a worker reported is less than a day old",
    "api/kernel/outbox/schedules.py": "when a new schedule is due first; PostgreSQL's clock decides",
    "api/kernel/client.py": "a Retry-After that is a date",
    "api/kernel/live/hub.py": "streams end with their access tokens",
    "api/kernel/data/database.py": "ids, whose order nothing relies on",
    "api/kernel/identity/limits.py": "the header Retry-After",
    "api/kernel/telemetry/logs.py": "lines of the log",
    "api/kernel/config/pem.py": "whether a certificate has expired, at the start",
    "api/webhooks/delivery.py": "the time in a signature, which receivers check, and of an attempt",
    "api/webhooks/sending.py": "when an attempt began, for its log",
    "api/webhooks/handlers/deliveries.py": "whether a repetition reaches back further than the log, in days",
    "api/audit/routes.py": "the time of an answer",
    "api/notifications/tasks.py": "the window of a digest, whose row has one mail; PostgreSQL sends it",
    "api/notifications/windows.py": "converts the number of a window",
    "api/operations/types.py": "converts the times that workers report",
    "api/personal/routes.py": "the time that a copy of personal data states",
    "api/personal/tasks.py": "the time that a copy of personal data states",
    "worker/relay.py": "jobs in arq's queue that are minutes old or ahead",
    "worker/sweeping.py": "when a sweep ran last, for the list of sweeps",
    "api/system/routes.py": "the time of an answer about health",
}


def test_no_other_file_reads_the_process_clock(root: Path) -> None:
    clock = re.compile(r"\btime\.(time|time_ns|gmtime|localtime)\b|\bdatetime\.(now|today|utcnow)\(|fromtimestamp\(")
    files = [path for folder in ("api", "worker") for path in (root / folder).rglob("*.py")]
    assert {str(path.relative_to(root)) for path in files if clock.search(path.read_text())} == set(CLOCKS)


async def reset(client: httpx.AsyncClient, context: Context, email: str) -> None:
    assert (await client.post("/api/auth/forgot-password", json={"email": email})).status_code == 202
    [(to, token)] = await mailed(context)
    done = await client.post("/api/auth/reset-password", json={"token": token, "password": PASSWORD})
    assert (to, done.status_code) == (email, 200)


@pytest.mark.parametrize("wrong", WRONG)
async def test_two_web_processes_with_different_clocks(
    settings: Settings, context: Context, app: Starlette, wrong: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    other_app = create_app(settings)
    other_app.state.context = msgspec.structs.replace(context, tokens=Tokens(settings, lambda: time.time() + wrong))
    user = await make_user(context)
    async with client_of(app) as right, client_of(other_app) as other:
        with monkeypatch.context() as patch:
            patch.setattr(time, "time_ns", lambda real=time.time_ns: real() + wrong * 10**9)
            pair = (await login(other, user.email)).json()
        assert await is_signed_in(other, pair)
        assert await is_signed_in(right, pair) is (wrong <= 30), "a token from the future is not valid yet"
        renewed = (await refresh(right, pair["refresh_token"])).json()
        again = (await refresh(other, pair["refresh_token"])).json()
        assert again["refresh_token"] == renewed["refresh_token"], "ten seconds of grace by one clock"
        assert await is_signed_in(right, renewed)
        [row] = await context.db.fetch("select extract(day from idle_expires_at - now())::int as days from sessions")
        assert row["days"] == 14
        await reset(other, context, user.email)
        assert not await is_signed_in(right, renewed)
        assert (await login(right, user.email, PASSWORD)).status_code == 200


async def test_a_database_in_another_time_zone(cloned: Settings) -> None:
    """A pooler's client does not know the time zone of its server session."""
    pooled = msgspec.structs.replace(cloned, database_transaction_pooling=True)
    async with open_context(pooled, SUBSCRIBERS) as first:
        name = "do $$ begin execute format('alter database %I set timezone to {}', current_database()); end $$"
        await first.db.fetch(name.format("''Pacific/Kiritimati''"))
    async with open_context(pooled, SUBSCRIBERS) as opened:
        assert (await opened.db.fetch("show timezone"))[0][0] == "Pacific/Kiritimati"
        context = msgspec.structs.replace(opened, mail=MemoryMailer())
        app = create_app(pooled)
        app.state.context = context
        user = await make_user(context)
        async with client_of(app) as client:
            pair = (await login(client, user.email)).json()
            renewed = (await refresh(client, pair["refresh_token"])).json()
            assert await is_signed_in(client, renewed)
            await reset(client, context, user.email)


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_dead_workers_task_is_leased_by_another_with_any_clock(
    live: Context, queue: ArqRedis, wrong: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """arq has the job for a later or much earlier time: the lease decides, and PostgreSQL ends it."""
    gate = Gate()
    gate.open.set()
    relay = Relay(live, None, queue, [gate.task.name])  # type: ignore[arg-type]  # it publishes nothing here
    await add_tasks(live.db)
    with monkeypatch.context() as patch:
        patch.setattr("arq.connections.timestamp_ms", lambda: int((time.time() + wrong) * 1000))
        assert await relay.queue_tasks() == 1
    await live.db.fetch("update outbox_tasks set locked_until = now() - interval '1 second'")
    async with working(live, queue, [gate.task]):
        await until(live.db, "select count(*) = 0 from outbox_tasks")
    assert gate.ended == 1
