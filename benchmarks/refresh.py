"""POST refresh and POST register, compared to the equivalent number of hand-written statements."""

import contextlib
import functools
import itertools
import json
from collections.abc import Iterator, Sequence

from api.kernel.identity.auth import derive_key
from api.sessions import tokens
from benchmarks.accounts import PASSWORD, Account, open_accounts
from benchmarks.bench import HEADING, Bench, Table, at_least, loading, median_row, ratio
from benchmarks.load import CONNECTIONS, Answered, Requests, request
from benchmarks.servers import SECRET_KEY, data_on_the_servers_core, environment_for, serving, this_backend

CLIENTS = 4
"""Clients of register: as many as may wait for a hash."""
REFRESH_FLOOR = "floor: two statements in a transaction, by hand"
REGISTER_FLOOR = "floor: Argon2id and three statements in a transaction, by hand"


def ask(bench: Bench) -> Table:
    with contextlib.ExitStack() as running:
        running.enter_context(data_on_the_servers_core(bench.services))
        ours = running.enter_context(this_backend(bench.services))
        environment = environment_for(bench.services, 9214)
        floor = running.enter_context(serving("floor", ["benchmarks.serve", "floor:statements"], environment))
        accounts = open_accounts(bench.services, CONNECTIONS)
        refreshing, answered = refreshes(accounts)
        by_hand = {"password": PASSWORD}
        loads = bench.alternate(
            {
                "POST /auth/refresh": loading(ours, refreshing, answered=answered),
                REFRESH_FLOOR: loading(floor, functools.partial(statements, 2, accounts, {})),
            }
        ) | bench.alternate(
            {
                "POST /auth/register": loading(ours, _registers(), CLIENTS),
                REGISTER_FLOOR: loading(floor, functools.partial(statements, 3, accounts, by_hand), CLIENTS),
            }
        )
    refreshed, two, registered, three = loads.values()
    ratios = ratio(refreshed, two), ratio(registered, three)
    return Table(
        "POST refresh, which rotates; POST register",
        "≥ 1.2 × the floor's two statements; registration at most the time of Argon2id and three",
        (*HEADING[:-1], "× its floor"),
        [
            median_row(name, rounds, floor)
            for (name, rounds), floor in zip(loads.items(), (two, two, three, three), strict=True)
        ],
        "Round trips to PostgreSQL: a refresh makes one, a registration four (begin, account, event with its tasks, "
        "commit); the floors four and five, and one more to reset the connection, as asyncpg's pool does by itself. "
        "The floor of a refresh neither checks nor signs a token.",
        [
            at_least("refresh ≥ 1.2 × two statements by hand", ratios[0], 1.2),
            at_least("register ≥ 1.0 × Argon2id and three statements", ratios[1], 1.0),
        ],
    )


def _json(path: str, value: object) -> bytes:
    return request("POST", path, {"content-type": "application/json"}, json.dumps(value).encode())


def refreshes(accounts: Sequence[Account]) -> tuple[Requests, Answered]:
    """Return the requests of one account for each connection, each with the token of the previous answer, and the
    function that keeps that token."""
    key = derive_key(SECRET_KEY, "refresh-token")
    held = [tokens.make(key, account.session, 1) for account in accounts]

    def requests(number: int) -> Iterator[bytes]:
        while True:
            yield _json("/api/auth/refresh", {"refresh_token": held[number]})

    def keep(number: int, answer: bytes) -> None:
        held[number] = json.loads(answer)["refresh_token"]

    return requests, keep


def _registers() -> Requests:
    fresh = itertools.count()  # over all connections and rounds
    return lambda _: (
        _json("/api/auth/register", {"email": f"fresh{number}@example.com", "password": PASSWORD}) for number in fresh
    )


def statements(count: int, accounts: Sequence[Account], more: dict[str, str], number: int) -> Iterator[bytes]:
    return itertools.repeat(_json(f"/statements/{count}", {"session": str(accounts[number].session), **more}))
