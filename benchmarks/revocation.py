"""Whether a process refuses at once what another has revoked: ended sessions, disabled accounts and withdrawn rights
are committed while the process is under load, and the next request must be refused."""

import asyncio
import contextlib
import statistics
import time
from collections.abc import Iterator, Sequence

import asyncpg
import msgspec
import uvloop

from benchmarks.accounts import ME, Account, bearer, gets, open_accounts, rows
from benchmarks.bench import Bench, Table, at_most
from benchmarks.load import CONNECTIONS, LOAD_CORE, driving, on_core, request
from benchmarks.servers import data_on_the_servers_core, this_backend

TOGETHER = 4
"""Revocations in progress at a time."""


class Revocation(msgspec.Struct, frozen=True):
    name: str
    statement: str
    """Revokes for the session `$1` of the account `$2`."""
    path: str
    """Answers 200 until then."""
    refusal: bytes


REVOCATIONS = (
    Revocation(
        "a session ends",
        "update sessions set ended_at = now(), end_reason = 'logout' where (id, user_id) = ($1::uuid, $2::uuid)",
        ME,
        b"401",
    ),
    Revocation(
        "an account is disabled",
        "update users set is_active = false where $1::uuid is not null and id = $2::uuid",
        ME,
        b"401",
    ),
    Revocation(
        "a superuser's rights end",
        "update users set is_superuser = false where $1::uuid is not null and id = $2::uuid",
        "/api/users?limit=1",
        b"403",
    ),
)


def ask(bench: Bench) -> Table:
    each = 40 if bench.quick else 200
    accounts = open_accounts(bench.services, CONNECTIONS + each * len(REVOCATIONS))
    loading, others = accounts[:CONNECTIONS], accounts[CONNECTIONS:]
    ids = [account.id for account in others]
    rows(bench.services, "update users set is_superuser = true where id = any($1)", ids)
    measured = {}
    with data_on_the_servers_core(bench.services), this_backend(bench.services) as server, on_core(LOAD_CORE):
        for number, revocation in enumerate(REVOCATIONS):
            mine = others[number * each : (number + 1) * each]
            measured[revocation.name] = uvloop.run(_under_load(bench, server.port, revocation, loading, mine))
    rows(bench.services, "update users set is_active = true, is_superuser = false")
    accepted = sum(delay > 0 for delays in measured.values() for delay in delays)
    return Table(
        "A revocation that another process committed",
        "the first request after the commit is refused",
        ("", "revocations", "accepted after the commit", "median ms until refused", "longest"),
        [_row(name, delays) for name, delays in measured.items()],
        f"Each is committed in PostgreSQL by another process, while {CONNECTIONS} connections load the server and "
        "right after the account itself was answered; 0 ms: the first request sent after the commit was refused.",
        [at_most("requests accepted after a committed revocation: 0", accepted, 0, "requests", 0)],
    )


def _row(name: str, delays: Sequence[float]) -> list[str]:
    accepted = sum(delay > 0 for delay in delays)
    return [name, f"{len(delays)}", f"{accepted}", f"{statistics.median(delays):.0f}", f"{max(delays):.0f}"]


async def _under_load(
    bench: Bench, port: int, revocation: Revocation, loading: Sequence[Account], revoked: Sequence[Account]
) -> list[float]:
    """Return the milliseconds from each commit until a request was refused; 0 if the first one was."""
    delays, over = list[float](), asyncio.Event()

    def until_over(number: int) -> Iterator[bytes]:
        for each in gets(ME, loading, number):
            if over.is_set():
                return
            yield each

    async def one(first: int) -> None:
        connection = await asyncpg.connect(bench.services.database_url)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.closing(writer):
            for account in revoked[first::TOGETHER]:
                sent = request("GET", revocation.path, bearer(account))
                assert await _status(reader, writer, sent) == b"200"
                await connection.execute(revocation.statement, account.session, account.id)
                committed, first_answer = time.perf_counter(), True
                while await _status(reader, writer, sent) != revocation.refusal:
                    first_answer = False
                delays.append(0 if first_answer else (time.perf_counter() - committed) * 1000)
        await connection.close()

    load = asyncio.create_task(driving(port, 600, until_over))
    async with asyncio.TaskGroup() as group:
        for first in range(TOGETHER):
            group.create_task(one(first))
    over.set()
    assert (await load).refused == 0
    return delays


async def _status(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> bytes:
    writer.write(sent)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n", 1)[0]))
    return head[9:12]
