"""The cost of plans on GET /users/me: each account with a tier of its own and rate limits, and none."""

import functools
import time
import urllib.request
from collections.abc import Sequence

from benchmarks.accounts import ME, PEOPLE, Account, bearer, gets, open_accounts, rows
from benchmarks.bench import HEADING, Bench, Measure, Table, at_least, at_most, loading, median_row, ratio
from benchmarks.load import Load
from benchmarks.servers import Server, data_on_the_servers_core, environment_for, serving

WITHOUT, WITH = "without plans", "with a tier and three rate limits for each account"
ROUTE = "users_me"
PROCESS = {"RATE_LIMIT_SIGNED_IN": "1000000/hour", "RATE_LIMIT_ANONYMOUS": "off", "RATE_LIMIT_CREDENTIALS": "1"}
_CLEAR = """
with rules as (delete from plan_rules), targets as (delete from plan_targets), tiers as (delete from plan_tiers)
update plan_version set version = version + 1
"""
_FILL = """
with tier as (
    insert into plan_tiers (name) select 'tier ' || number from generate_series(1, 5) as number returning id
), target as (
    insert into plan_targets (tier_id, target_type, target_id, user_id, is_active)
    select (select min(id) from tier) + row_number() over () % 5, 'U', id::text, id, true
      from users
     where email like 'account%'
    returning id
), rules as (
    insert into plan_rules (tier_target_id, name, path, most, seconds)
    select id, path, path, 1000000, 3600 from target cross join unnest(array['users_me', 'webhooks*', '*']) as path
)
update plan_version set version = version + 1
"""


def ask(bench: Bench) -> Table:
    accounts = open_accounts(bench.services)
    with (
        data_on_the_servers_core(bench.services),
        serving("this backend, with limits", ["api"], environment_for(bench.services, 9216, **PROCESS)) as server,
    ):
        costs: dict[str, list[float]] = {WITHOUT: [], WITH: []}
        measures = {
            name: _measure(bench, server, accounts, statement, quota, costs[name])
            for name, statement, quota in ((WITHOUT, _CLEAR, "all"), (WITH, _FILL, ROUTE))
        }
        loads = bench.alternate(measures)
    rows(bench.services, _CLEAR)
    # Other work of the machine only adds to CPU time.
    least = {name: min(found[1:]) for name, found in costs.items()}
    return Table(
        f"The cost of plans on GET /users/me, {PEOPLE} accounts in turn",
        "≤ 3% of the requests per second, and of the CPU time",
        [*HEADING[:-1], "× without plans", "CPU µs/request"],
        [[*median_row(name, found, loads[WITHOUT]), f"{least[name]:,.0f}"] for name, found in loads.items()],
        f"Rounds alternate on one server, which counts every request in Redis. {PEOPLE:,} targets in five tiers have "
        f"three rate limits each. CPU time is that of the server's process, the least of the rounds.",
        [
            at_least("with plans ≥ 0.97 × without", ratio(loads[WITH], loads[WITHOUT]), 0.97),
            at_most("CPU time with plans ≤ 1.03 × without", least[WITH] / least[WITHOUT], 1.03, "×"),
        ],
    )


def _measure(
    bench: Bench, server: Server, accounts: Sequence[Account], statement: str, quota: str, costs: list[float]
) -> Measure:
    """Return the measurement with the plans that the statement writes."""
    drive = loading(server, functools.partial(gets, ME, accounts))

    def measure(seconds: float) -> Load:
        rows(bench.services, _CLEAR)
        rows(bench.services, statement)
        while not _policy(server, accounts[0]).startswith(f'"{quota}"'):
            time.sleep(0.05)
        before = server.cpu_seconds
        load = drive(seconds)
        costs.append((server.cpu_seconds - before) * 1e6 / (load.rate * seconds))
        return load

    return measure


def _policy(server: Server, account: Account) -> str:
    """Return the policies of a request: within a second those of the plans in PostgreSQL."""
    asked = urllib.request.Request(f"http://127.0.0.1:{server.port}{ME}", headers=bearer(account))
    with urllib.request.urlopen(asked) as answer:
        return str(answer.headers["ratelimit-policy"])
