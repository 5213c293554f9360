"""GET /users, a page of 20: among a thousand and a million accounts, compared to a typical list on the reference stack.
Each number of accounts has its own database."""

import asyncio
import contextlib
import dataclasses
import functools
import json
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode, urlsplit

import asyncpg

from benchmarks.accounts import Account, bearer, gets, on_the_reference_stack, open_accounts
from benchmarks.bench import HEADING, Bench, Table, Verdict, loading, median_row, ratio
from benchmarks.servers import REFERENCE, Server, environment_for, serving
from dev.stack import Services
from migrations.__main__ import migrate

CLIENTS = 4
FEW = 1_000
_FILL = """
insert into users (id, email, name, password_hash)
select gen_random_uuid(), 'person' || number || '@example.com', 'Person ' || number, 'none'
  from generate_series(1, $1) as number
"""
_FILL_REFERENCE = """
insert into reference_users (id, email, hashed_password, is_active, is_superuser, is_verified)
select id, email, password_hash, is_active, is_superuser, is_verified from users on conflict do nothing
"""


def ask(bench: Bench) -> Table:
    many = 100_000 if bench.quick else 1_000_000
    with contextlib.ExitStack() as running:
        measures = {}
        for place, count in enumerate((FEW, many)):
            services = running.enter_context(_filled(bench.services, count))
            ours, theirs, held = _serve(running, services, count, 9230 + 10 * place)
            wanted = f"person{count // 2}"  # equal matches on both: one, or a few with this prefix
            _equal_in_substance(ours, theirs, held, wanted)
            for what, q in (("the first page", ""), ("a search", wanted)):
                for server, account, name in ((ours, held[0], "this backend"), (theirs, held[1], "reference stack")):
                    path = f"/api/users?{urlencode({'limit': 20, 'q': q})}"
                    requests = functools.partial(gets, path, [account] * CLIENTS, connections=CLIENTS)
                    measures[f"{name}: {what} of {count:,}"] = loading(server, requests, CLIENTS)
        loads = bench.alternate(measures)
    first, first_theirs, search, search_theirs, *more = loads.values()
    big, big_theirs, big_search, big_search_theirs = more
    flat = min(ratio(big, first), ratio(big_search, search))
    few = ratio(first, first_theirs), ratio(search, search_theirs)
    among_many = ratio(big, big_theirs), ratio(big_search, big_search_theirs)
    return Table(
        f"GET /users, a page of 20 among {FEW:,} and {many:,} accounts",
        "as fast with many accounts as with few; ≥ 10 × the reference stack",
        (*HEADING[:-1], f"× the first page of {FEW:,}"),
        [median_row(name, rounds, first) for name, rounds in loads.items()],
        f"{CLIENTS} concurrent clients. A total is counted up to 10,000 here and completely there; pages use keys here "
        "and offsets there. The searches match one account or a few.",
        [
            Verdict(f"≥ 0.8 × as fast among {many:,} as among {FEW:,}", f"{flat:.2f} ×", flat >= 0.8),
            _verdict(FEW, *few),
            _verdict(many, *among_many),
        ],
    )


def _verdict(count: int, page: float, search: float) -> Verdict:
    aim = f"≥ 10 × the reference stack among {count:,}, a page and a search"
    return Verdict(aim, f"{page:.1f} × and {search:.1f} ×", min(page, search) >= 10)


@contextlib.contextmanager
def _filled(services: Services, count: int) -> Iterator[Services]:
    """Yield the stack with another database with that many accounts, dropped afterwards."""
    name = f"list_{count}"
    url = urlsplit(services.database_url)._replace(path=f"/{name}").geturl()
    asyncio.run(_execute(services.database_url, f"drop database if exists {name}", f"create database {name}"))
    try:
        migrate(url)
        asyncio.run(_execute(url, _FILL.replace("$1", str(count))))
        yield dataclasses.replace(services, database_url=url)
    finally:
        asyncio.run(_execute(services.database_url, f"drop database {name}"))


def _serve(
    running: contextlib.ExitStack, services: Services, count: int, port: int
) -> tuple[Server, Server, tuple[Account, Account]]:
    """Start both servers on these accounts. Returns them and a superuser of each."""
    environment, other = environment_for(services, port), environment_for(services, port + 1)
    ours = running.enter_context(serving("this backend", ["api"], environment))
    command = ["benchmarks.serve", "reference_stack:app"]
    theirs = running.enter_context(serving("reference stack", command, other, REFERENCE))
    [account] = open_accounts(services, 1)
    asyncio.run(
        _execute(services.database_url, "update users set is_superuser = true where email = 'account1@example.com'")
    )
    [copy] = on_the_reference_stack(services, [account])
    asyncio.run(_execute(services.database_url, _FILL_REFERENCE, "vacuum analyze users, user_words, reference_users"))
    return ours, theirs, (account, copy)


def _equal_in_substance(ours: Server, theirs: Server, held: Sequence[Account], wanted: str) -> None:
    """Check that both find the same accounts, before the measurements."""
    path = f"/api/users?{urlencode({'limit': 100, 'q': wanted})}"
    found = [json.loads(server.get(path, bearer(who))[1]) for server, who in zip((ours, theirs), held, strict=True)]
    emails = [sorted(item["email"] for item in page["items"]) for page in found]
    assert emails[0] == emails[1] != [], found
    assert found[0]["total"] == found[1]["total"] == len(emails[0])


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
