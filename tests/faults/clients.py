"""Experiments with clients of their own, beside those of the ledger."""

import asyncio
import random
import time
from typing import Any
from uuid import uuid4

import httpx

from dev.ports import free_port
from tests.factories import PASSWORD
from tests.faults.ledger import Account
from tests.faults.rig import HARM_SECONDS, Rig, connected
from tests.processes import Process
from tests.proxy import Proxy

POOL = 8
CALLERS = 3 * POOL
"""More than the web process has connections to PostgreSQL."""
ANSWER_SECONDS = 3.5
"""The maximum duration of an answer while a table is locked: PostgreSQL's lock_timeout, or the wait for a connection,
and a busy machine."""
LIVE_SECONDS = 0.05
CANCELLED = 200
WAITING = "select from pg_stat_activity where wait_event = 'relation'"
STUCK = """select from pg_stat_activity
            where datname = current_database() and state <> 'idle' and now() - xact_start > interval '2 s'"""


async def roll_web(rig: Rig) -> int:
    """Deploy like a PaaS: the router switches to the new process, then the old one gets SIGTERM. With one retry no call
    fails."""
    _, headers = await open_account(rig)
    port, failed, calls, ending = free_port(), 0, 0, asyncio.Event()
    first, second = int(rig.environment["PORT"]), port

    async def call(router: Proxy) -> None:
        nonlocal calls, failed
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{router.port}", trust_env=False) as client:
            while not ending.is_set():
                calls += 1
                good = await _good(client, headers) or await _good(client, headers)
                failed += not good  # not before the await: others add meanwhile
                await asyncio.sleep(0.05)

    async with Proxy(("127.0.0.1", first)) as router, asyncio.TaskGroup() as group:
        for _ in range(CALLERS // 3):
            group.create_task(call(router))
        other = Process("api", {**rig.environment, "PORT": str(second)}, rig.folder / "web-2.log")
        try:
            await rig.ready(f"http://127.0.0.1:{second}")
            router.to = ("127.0.0.1", second)
            await _stopped(rig.web.process)
            await rig.ready()
            router.to = ("127.0.0.1", first)
            await _stopped(other)
        finally:
            other.kill()
            ending.set()
    assert calls > 50
    assert failed == 0, f"{failed} of {calls} calls failed twice"
    return 2


async def _stopped(process: Process) -> None:
    status, seconds = await process.stop()
    assert (status, seconds < 10) == (0, True), f"status {status} after {seconds:.1f} s"


async def _good(client: httpx.AsyncClient, headers: dict[str, str]) -> bool:
    try:
        return (await client.get("/api/users/me", headers=headers)).is_success
    except httpx.TransportError:
        return False


async def lock_users(rig: Rig) -> int:
    """Callers get 503 in time, the process stays live, and the whole pool is available afterwards."""
    async with asyncio.TaskGroup() as group:
        living = group.create_task(_liveness(rig, HARM_SECONDS))
        answers = await _lock(rig, "users", HARM_SECONDS)
    assert {status for status, _ in answers} == {503}
    slowest = max(seconds for _, seconds in answers)
    assert slowest < ANSWER_SECONDS, f"an answer took {slowest:.1f} s"
    assert living.result() < LIVE_SECONDS, f"health took {living.result():.3f} s"
    await _all_given_back(rig)
    return 1


async def _liveness(rig: Rig, seconds: float) -> float:
    """Return the 95th percentile of the duration of /health/live."""
    ends, took = time.monotonic() + seconds, []
    async with httpx.AsyncClient(base_url=rig.url, trust_env=False) as client:
        while time.monotonic() < ends:
            began = time.monotonic()
            assert (await client.get("/api/health/live")).is_success
            took.append(time.monotonic() - began)
            await asyncio.sleep(0.05)
    return sorted(took)[len(took) * 95 // 100]


async def _lock(rig: Rig, table: str, seconds: float) -> list[tuple[int, float]]:
    """Lock the table while more clients than the pool has connections sign in with unknown addresses. Returns each
    answer with its seconds; every connection of the pool waits for the lock."""

    async def sign_in() -> tuple[int, float]:
        form, began = {"username": f"{uuid4().hex}@example.com", "password": PASSWORD}, time.monotonic()
        status = (await client.post("/api/auth/jwt/login", data=form)).status_code
        return status, time.monotonic() - began

    async with (
        httpx.AsyncClient(base_url=rig.url, trust_env=False, timeout=20) as client,
        connected(rig.database_url) as connection,
        asyncio.TaskGroup() as group,
        connection.transaction(),
    ):
        await connection.execute(f"lock table {table} in access exclusive mode")
        began = time.monotonic()
        calls = [group.create_task(sign_in()) for _ in range(CALLERS)]
        async with asyncio.timeout(ANSWER_SECONDS):
            while len(await rig.rows(WAITING)) < POOL:  # noqa: ASYNC110  # in PostgreSQL
                await asyncio.sleep(0.02)
        await asyncio.sleep(began + seconds - time.monotonic())
    return [call.result() for call in calls]


async def _all_given_back(rig: Rig) -> None:
    """Check that no transaction is open, and that all connections of the pool are available."""
    async with asyncio.timeout(5):
        while await rig.rows(STUCK):  # noqa: ASYNC110  # in PostgreSQL
            await asyncio.sleep(0.2)
    answers = await _lock(rig, "sessions", 0.3)  # not from the worker
    assert {status for status, _ in answers} == {400}, "no call waited too long"


async def cancel_calls(rig: Rig) -> int:
    """Change one account's name concurrently, in one row, and reset each connection after sending the call."""
    account, headers = await open_account(rig)
    for number in range(CANCELLED):
        account.names.append((f"Gone {number}", "unknown"))
    limit = asyncio.Semaphore(CALLERS)

    async def go_away(name: str) -> None:
        async with limit:
            _, writer = await asyncio.open_connection("127.0.0.1", int(rig.environment["PORT"]))
            body = f'{{"name": "{name}"}}'
            head = {
                **headers,
                "Host": "localhost:8000",
                "Content-Type": "application/json",
                "Content-Length": len(body),
            }
            lines = [f"{key}: {value}\r\n" for key, value in head.items()]
            writer.write(f"PATCH /api/users/me HTTP/1.1\r\n{''.join(lines)}\r\n{body}".encode())
            await writer.drain()
            await asyncio.sleep(random.uniform(0, 0.1))
            writer.transport.abort()

    await asyncio.gather(*(go_away(name) for name, _ in account.names))
    [row] = await rig.rows("select name from users where email = $1", account.email)
    assert row["name"], "no call reached PostgreSQL"
    await _all_given_back(rig)
    return CANCELLED


async def repeat_posts(rig: Rig) -> int:
    """Create tiers while the web process is killed around commits and PostgreSQL crashes, and repeat each request with
    its key until it is answered. Each tier is created once: its name is unique, and a second effect is a refusal."""
    account, headers = await open_account(rig)
    await rig.rows("update users set is_superuser = true where email = $1", account.email)
    points = ("database.commit:40", "answer.kept:20", "answer.kept:30", "answer.kept:40")
    made: dict[str, int] = {}
    repeated, ending = 0, asyncio.Event()

    async def create(client: httpx.AsyncClient) -> None:
        nonlocal repeated
        while not ending.is_set():
            name = uuid4().hex
            sent = {"json": {"name": name}, "headers": headers | {"idempotency-key": name}}
            while (answer := await _answered(client, "/api/plans/tiers", sent)) is None:  # noqa: ASYNC110  # elsewhere
                await asyncio.sleep(0.1)
            repeated += answer.headers.get("idempotency-replayed") == "true"
            made[name] = answer.json()["id"]
            await asyncio.sleep(0.05)

    async with (
        httpx.AsyncClient(base_url=rig.url, trust_env=False, timeout=20) as client,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(4):
            group.create_task(create(client))
        for point in points:
            await rig.web.die_at(point)
            await rig.ready()
        rig.end_database()
        await rig.begin_database()
        await asyncio.sleep(1)
        ending.set()
    stored = await rig.rows("select name, id from plan_tiers where name = any($1)", list(made))
    assert {row["name"]: row["id"] for row in stored} == made
    assert repeated, "no answer was lost after its commit"
    return len(points) + 1


async def _answered(client: httpx.AsyncClient, path: str, sent: dict[str, Any]) -> httpx.Response | None:
    """Return the answer to a POST; None if it is unknown whether it was done."""
    try:
        answer = await client.post(path, **sent)
    except httpx.TransportError:
        return None
    if answer.status_code == 503 or (answer.status_code == 409 and "IN_PROGRESS" in answer.text):
        return None
    assert answer.status_code == 201, answer.text
    return answer


async def open_account(rig: Rig) -> tuple[Account, dict[str, str]]:
    """Return an account in the ledger, and the headers of its calls."""
    account = Account(f"{uuid4().hex}@example.com", "acked")
    async with httpx.AsyncClient(base_url=rig.url, trust_env=False, timeout=20) as client:
        body = {"email": account.email, "password": PASSWORD}
        assert (await client.post("/api/auth/register", json=body)).is_success
        rig.ledger.accounts.append(account)
        form = {"username": account.email, "password": PASSWORD}
        token = (await client.post("/api/auth/jwt/login", data=form)).json()["access_token"]
    return account, {"Authorization": f"Bearer {token}"}
