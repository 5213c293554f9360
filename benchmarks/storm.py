"""The effect of many concurrent logins on other requests: latencies of a steady load, idle and during the storm, and
the answers to the storm's own clients."""

import asyncio
import collections
import contextlib
import time
from collections.abc import AsyncIterator, Sequence

import uvloop

from benchmarks.accounts import ME, Account, bearer, login, open_accounts
from benchmarks.bench import Bench, Table, Verdict, at_most
from benchmarks.load import LOAD_CORE, on_core, request
from benchmarks.servers import this_backend

LIVE = "/api/health/live"
A_SECOND = 100
CLIENTS = 200
CONNECTIONS = 10
TIMEOUT_SECONDS = 30
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def ask(bench: Bench) -> Table:
    seconds = 3 * bench.seconds
    with this_backend(bench.services) as server, on_core(LOAD_CORE):
        accounts = open_accounts(bench.services)
        idle, _ = uvloop.run(_measure(server.port, seconds, accounts, 0))
        storm, statuses = uvloop.run(_measure(server.port, seconds, accounts, CLIENTS))
    times = _p99(storm[ME]) / _p99(idle[ME])
    others = sum(statuses.values()) - statuses["200"] - statuses["503"]
    answers = f"{statuses['200']} × 200, {statuses['503']} × 503 with Retry-After, {others} others"
    return Table(
        f"{CLIENTS} clients log in at once",
        "the others' p99 ≤ 2 × idle; health p99 ≤ 50 ms; every login 200, or 503 with Retry-After",
        ("", "idle p50 ms", "idle p99 ms", "storm p50 ms", "storm p99 ms", "p99 × idle"),
        [_row(path, idle[path], storm[path]) for path in (ME, LIVE)],
        f"{A_SECOND} requests a second of each path, whether or not earlier ones are answered, timed from "
        f"their scheduled time. The logins were answered {answers}; a refused client retries "
        "after Retry-After. Clients start spread over a second, so that they do not retry at once. "
        "The hashing threads share the server's core with its event loop.",
        [
            at_most("others' p99 in a storm of logins ≤ 2 × idle", times, 2, "×", 1),
            at_most("health p99 in it ≤ 50 ms", _p99(storm[LIVE]), 50, "ms", 1),
            Verdict("all logins: 200, or 503 with Retry-After", answers, others == 0, others, 0, "other answers"),
        ],
    )


def _row(path: str, idle: Sequence[float], storm: Sequence[float]) -> list[str]:
    figures = [idle[len(idle) // 2], _p99(idle), storm[len(storm) // 2], _p99(storm)]
    return [f"GET {path}", *(f"{figure:.1f}" for figure in figures), f"{_p99(storm) / _p99(idle):.1f}"]


def _p99(latencies: Sequence[float]) -> float:
    return latencies[int(len(latencies) * 0.99)]


async def _measure(
    port: int, seconds: float, accounts: Sequence[Account], clients: int
) -> tuple[dict[str, list[float]], collections.Counter[str]]:
    """Return the sorted milliseconds of each steady path, and the statuses of the storm's logins."""
    statuses = collections.Counter[str]()
    until = time.perf_counter() + 1 + seconds
    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(_log_in(port, accounts[number % len(accounts)], number / clients, until, statuses))
        await asyncio.sleep(1)  # all clients have started
        steady = {path: group.create_task(_steady(port, path, accounts, seconds)) for path in (ME, LIVE)}
    return {path: sorted(task.result()) for path, task in steady.items()}, statuses


async def _steady(port: int, path: str, accounts: Sequence[Account], seconds: float) -> list[float]:
    began, latencies = time.perf_counter(), list[float]()

    async def one(first: int) -> None:
        async with _connected(port) as connection:
            for number in range(first, int(A_SECOND * seconds), CONNECTIONS):
                due = began + number / A_SECOND
                await asyncio.sleep(due - time.perf_counter())
                status, _ = await _ask(connection, request("GET", path, bearer(accounts[number % len(accounts)])))
                assert status == "200", f"{path}: {status}"
                latencies.append((time.perf_counter() - due) * 1000)

    async with asyncio.TaskGroup() as group:
        for first in range(CONNECTIONS):
            group.create_task(one(first))
    return latencies


async def _log_in(port: int, account: Account, delay: float, until: float, statuses: collections.Counter[str]) -> None:
    """One client of the storm: logs in repeatedly, after so many seconds."""
    await asyncio.sleep(delay)
    sent = login(account.email)
    async with _connected(port) as connection:
        while time.perf_counter() < until:
            try:
                async with asyncio.timeout(TIMEOUT_SECONDS):
                    status, retry_after = await _ask(connection, sent)
            except TimeoutError:
                statuses["timed out"] += 1
                return
            if status == "503" and retry_after is None:
                status = "503 without Retry-After"
            statuses[status] += 1
            await asyncio.sleep(float(retry_after or 0))


async def _ask(connection: Connection, sent: bytes) -> tuple[str, str | None]:
    """Return the answer's status and its Retry-After."""
    reader, writer = connection
    writer.write(sent)
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
    await reader.readexactly(int(fields["content-length"]))
    return head[9:12], fields.get("retry-after")


@contextlib.asynccontextmanager
async def _connected(port: int) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
