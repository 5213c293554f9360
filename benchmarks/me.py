"""GET /users/me by bearer token, compared to hand-written servers, and the cost of production features."""

import contextlib
import functools
import itertools
import json
from collections.abc import Iterator, Sequence

from api.kernel.http.cookies import ACCESS
from benchmarks.accounts import ME, PEOPLE, Account, bearer, gets, open_accounts
from benchmarks.bench import HEADING, Bench, Table, at_least, loading, median_row, ratio
from benchmarks.load import CONNECTIONS, request
from benchmarks.ping import PATH
from benchmarks.production import as_in_production
from benchmarks.servers import Server, data_on_the_servers_core, environment_for, serving, this_backend

STRANGERS = 8192
"""More than the verified tokens that a process caches."""
BY_COOKIE = "this backend, by cookie"
FLOORS = {
    "floor: Starlette + asyncpg + joserfc by hand": "floor:query",
    "Starlette, no queries": "floor:bare",
    "an ASGI callable, no queries": "floor:raw",
}


def ask(bench: Bench) -> Table:
    with contextlib.ExitStack() as running:
        start = running.enter_context
        start(data_on_the_servers_core(bench.services))
        ours = start(this_backend(bench.services))
        accounts = open_accounts(bench.services)
        strangers = start(
            serving(f"this backend, {STRANGERS:,} accounts in turn", ["api"], environment_for(bench.services, 9202))
        )
        production = start(as_in_production(bench.services, accounts))
        ping = start(
            serving(
                "this backend, a signed-in route without a query",
                ["benchmarks.ping"],
                environment_for(bench.services, 9204),
            )
        )
        floors = [
            start(serving(name, ["benchmarks.serve", app], environment_for(bench.services, 9210 + number)))
            for number, (name, app) in enumerate(FLOORS.items())
        ]
        _equal_in_substance(ours, floors[0], accounts[0])
        measures = {
            server.name: loading(server, functools.partial(gets, ME, accounts))
            for server in (ours, strangers, production, ping, *floors)
        }
        many = open_accounts(bench.services, STRANGERS)
        measures[strangers.name] = loading(strangers, functools.partial(gets, ME, many))
        measures[BY_COOKIE] = loading(ours, functools.partial(gets_by_cookie, accounts))
        measures[ping.name] = loading(ping, functools.partial(gets, "/api" + PATH, accounts))
        loads = bench.alternate(measures)
    mine, floor, served = loads[ours.name], loads[floors[0].name], loads[production.name]
    return Table(
        f"GET /users/me, bearer, {PEOPLE} people in turn, session revocable at once",
        f"≥ 1.9 × the floor, ≥ 1.5 × with limits, traces and the access log, ≥ 1.7 × with {STRANGERS:,} people; "
        "limits, traces and the log cost ≤ 10%, a cookie ≤ 15%",
        HEADING,
        [median_row(name, rounds, floor) for name, rounds in loads.items()],
        f"{PEOPLE} accounts take turns over {CONNECTIONS} connections, or {STRANGERS:,} where a line says so; "
        "PostgreSQL and Redis run on the server's core. This backend and the floor read the session and the account "
        "for each request. Limits are counted in Redis, 1% of the traces are sent to a collector, the access log is "
        "JSON. The profile below shows the cost of each.",
        [
            at_least("≥ 1.9 × the floor by hand", ratio(mine, floor), 1.9),
            at_least("with limits, 1% of traces and the access log ≥ 1.5 × the floor", ratio(served, floor), 1.5),
            at_least(f"{STRANGERS:,} people in turn ≥ 1.7 × the floor", ratio(loads[strangers.name], floor), 1.7),
            at_least("with limits, traces and log ≥ 0.90 × without", ratio(served, mine), 0.9),
            at_least("by cookie ≥ 0.85 × by header", ratio(loads[BY_COOKIE], mine), 0.85),
        ],
    )


def gets_by_cookie(accounts: Sequence[Account], number: int, connections: int = CONNECTIONS) -> Iterator[bytes]:
    """Like `gets`, but as a browser sends them; a GET needs no XSRF header."""
    cookies = (f"XSRF-TOKEN={account.id.hex}; {ACCESS}={account.token}" for account in accounts[number::connections])
    return itertools.cycle([request("GET", ME, {"cookie": cookie}) for cookie in cookies])


def _equal_in_substance(ours: Server, floor: Server, account: Account) -> None:
    """Check that both answer with the same account, before the measurements."""
    answers = [json.loads(server.get(ME, bearer(account))[1]) for server in (ours, floor)]
    for name in ("id", "email", "is_active", "is_superuser", "is_verified"):
        assert len({answer[name] for answer in answers}) == 1, answers
    assert ours.get(ME, {"authorization": "Bearer x"})[0] == 401
