"""Latencies of GET /users/me and POST /auth/refresh by the number of connections, compared to the hand-written floors,
whose pool is asyncpg's and as large. Shows whether requests wait for a connection in order of arrival."""

import contextlib
import functools
import itertools
import json
import statistics
from collections.abc import Iterator, Sequence

import msgspec

from api.kernel.identity.auth import derive_key
from api.sessions import tokens
from benchmarks.accounts import ME, Account, gets, open_accounts
from benchmarks.bench import Bench, Measure, Table, at_most, loading
from benchmarks.load import Load, request
from benchmarks.servers import SECRET_KEY, Server, environment_for, serving

CONNECTIONS = (8, 32, 128, 256)
AIMED = (32, 256)
"""The numbers of connections that have a target."""
SERVERS = {
    "this backend": ["api"],
    "floor of GET": ["benchmarks.serve", "floor:query"],
    "floor of refresh": ["benchmarks.serve", "floor:statements"],
}
JSON = {"content-type": "application/json"}
_MEASURED = ("requests/s", "p50 ms", "p99 ms")
HEADING = ("", "connections", *_MEASURED, *(f"floor's {name}" for name in _MEASURED), "p99 × floor")


def ask(bench: Bench) -> Table:
    shorter = msgspec.structs.replace(bench, seconds=bench.seconds / 2, rounds=min(bench.rounds, 3))
    rows, verdicts = [], []
    with contextlib.ExitStack() as running:
        ours, reading, writing = (
            running.enter_context(serving(name, command, environment_for(bench.services, 9230 + number)))
            for number, (name, command) in enumerate(SERVERS.items())
        )
        accounts = open_accounts(bench.services, max(CONNECTIONS))
        key = derive_key(SECRET_KEY, "refresh-token")
        held = [tokens.make(key, account.session, 1) for account in accounts]
        for route, floor in (("GET /users/me", reading), ("POST /auth/refresh", writing)):
            for connections in CONNECTIONS:
                measures = (
                    _reads(ours, floor, accounts, connections)
                    if floor is reading
                    else _refreshes(ours, floor, accounts, held, connections)
                )
                mine, theirs = shorter.alternate(measures).values()
                ratio = _p99_ratio(mine, theirs)
                rows.append([route, str(connections), *_medians(mine), *_medians(theirs), f"{ratio:.2f}"])
                if connections in AIMED:
                    aim = f"{route}: p99 of {connections} connections ≤ 1.0 × the floor's"
                    verdicts.append(at_most(aim, ratio, 1.0, "×", 2))
    return Table(
        "Latency by the number of connections",
        "p99 ≤ 1.0 × the floor's at 32 and at 256 connections",
        HEADING,
        rows,
        "All pools have 8 connections to PostgreSQL. The floor of GET verifies a token and makes one query; the floor "
        "of refresh runs two statements in a transaction, and neither checks nor signs a token.",
        verdicts,
    )


def _reads(ours: Server, floor: Server, accounts: Sequence[Account], connections: int) -> dict[str, Measure]:
    requests = functools.partial(gets, ME, accounts, connections=connections)
    return {each.name: loading(each, requests, connections) for each in (ours, floor)}


def _refreshes(
    ours: Server, floor: Server, accounts: Sequence[Account], held: list[str], connections: int
) -> dict[str, Measure]:
    """Each connection has its own session; `held` has the token of each."""

    def hold(number: int, answer: bytes) -> None:
        held[number] = json.loads(answer)["refresh_token"]

    def rotations(number: int) -> Iterator[bytes]:
        while True:
            yield _post("/api/auth/refresh", {"refresh_token": held[number]})

    def by_hand(number: int) -> Iterator[bytes]:
        return itertools.repeat(_post("/statements/2", {"session": str(accounts[number].session)}))

    return {
        ours.name: loading(ours, rotations, connections, hold),
        floor.name: loading(floor, by_hand, connections),
    }


def _post(path: str, value: object) -> bytes:
    return request("POST", path, JSON, json.dumps(value).encode())


def _medians(loads: Sequence[Load]) -> list[str]:
    rate, p50, p99 = (statistics.median(getattr(load, name) for load in loads) for name in ("rate", "p50", "p99"))
    return [f"{rate:,.0f}", f"{p50:.1f}", f"{p99:.1f}"]


def _p99_ratio(loads: Sequence[Load], base: Sequence[Load]) -> float:
    """Return the median ratio of p99 to `base`, round by round."""
    return statistics.median(load.p99 / other.p99 for load, other in zip(loads, base, strict=True))
