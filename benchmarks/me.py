"""GET /users/me by bearer token, compared to the floors and the reference stack, and the cost of production
features."""

import contextlib
import functools
import itertools
import json
from collections.abc import Iterator, Sequence

from api.kernel.http.cookies import ACCESS
from benchmarks.accounts import ME, Account, bearer, gets, on_the_reference_stack, open_accounts
from benchmarks.bench import HEADING, Bench, Table, Verdict, loading, median_row, ratio
from benchmarks.load import Load, request
from benchmarks.ping import PATH
from benchmarks.production import as_in_production
from benchmarks.servers import Server, environment_for, reference_stack, serving, this_backend

STRANGERS = 8192
"""More than the verified tokens that a process caches, and more than can repeat within a second."""
BY_COOKIE = "this backend, by cookie"
FLOORS = {
    "floor: Starlette + asyncpg + joserfc by hand": "floor:query",
    "Starlette, no queries": "floor:bare",
    "an ASGI callable, no queries": "floor:raw",
}


def ask(bench: Bench) -> Table:
    with contextlib.ExitStack() as running:
        start = running.enter_context
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
        reference = start(reference_stack(bench.services))
        theirs = on_the_reference_stack(bench.services, accounts)
        _equal_in_substance(ours, floors[0], accounts[0], reference, theirs[0])
        measures = {
            server.name: loading(server, functools.partial(gets, ME, accounts))
            for server in (ours, strangers, production, ping, *floors, reference)
        }
        many = open_accounts(bench.services, STRANGERS)
        measures[strangers.name] = loading(strangers, functools.partial(gets, ME, many))
        measures[BY_COOKIE] = loading(ours, functools.partial(gets_by_cookie, accounts))
        measures[ping.name] = loading(ping, functools.partial(gets, "/api" + PATH, accounts))
        measures[reference.name] = loading(reference, functools.partial(gets, ME, theirs))
        loads = bench.alternate(measures)
    mine, floor = loads[ours.name], loads[floors[0].name]
    return Table(
        "GET /users/me, bearer, session revocable within a second",
        "≥ 1.0 × the floor, ≥ 25 × the reference stack; limits, traces and the access log cost ≤ 15%, a cookie ≤ 15%",
        HEADING,
        [median_row(name, rounds, floor) for name, rounds in loads.items()],
        _note(bench, len(accounts), mine, loads[production.name]),
        [
            _verdict("≥ 1.0 × the floor by hand", ratio(mine, floor), 1.0, ".2f"),
            _verdict("≥ 25 × the reference stack", ratio(mine, loads[reference.name]), 25, ".1f"),
            _verdict("with limits, traces and log ≥ 0.85 × without", ratio(loads[production.name], mine), 0.85, ".2f"),
            _verdict("by cookie ≥ 0.85 × by header", ratio(loads[BY_COOKIE], mine), 0.85, ".2f"),
        ],
    )


def gets_by_cookie(accounts: Sequence[Account], number: int, connections: int = 16) -> Iterator[bytes]:
    """Like `gets`, but as a browser sends them; a GET needs no XSRF header."""
    cookies = (f"XSRF-TOKEN={account.id.hex}; {ACCESS}={account.token}" for account in accounts[number::connections])
    return itertools.cycle([request("GET", ME, {"cookie": cookie}) for cookie in cookies])


def _verdict(aim: str, measured: float, least: float, form: str) -> Verdict:
    return Verdict(aim, f"{measured:{form}} ×", measured >= least)


def _note(bench: Bench, accounts: int, mine: Sequence[Load], production: Sequence[Load]) -> str:
    each = sum(load.rate for load in mine) / len(mine) / accounts
    return (
        f"{accounts} accounts take turns, each with about {each:.0f} requests a second; with {STRANGERS:,} nearly "
        "every request is the first of its account in a second: nothing is cached, and two queries are needed "
        "where the floor needs one. Limits counted in Redis, 1% of traces sent to a collector and a JSON access log "
        f"leave {ratio(production, mine):.2f} of the rate without. The profile below shows the cost of each."
    )


def _equal_in_substance(ours: Server, floor: Server, account: Account, reference: Server, theirs: Account) -> None:
    """Check that all answer with the same account, before the measurements."""
    answers = [
        json.loads(server.get(ME, bearer(who))[1])
        for server, who in ((ours, account), (floor, account), (reference, theirs))
    ]
    for name in ("id", "email", "is_active", "is_superuser"):
        assert len({answer[name] for answer in answers}) == 1, answers
    assert ours.get(ME, {"authorization": "Bearer x"})[0] == 401
