"""GET /users, a page of 20: among a thousand and a million accounts, compared to a typical list on the reference stack.
Each number of accounts has its own database."""

import contextlib
import functools
import json
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from benchmarks.accounts import Account, bearer, gets, on_the_reference_stack, open_accounts, own_database, rows
from benchmarks.bench import HEADING, Bench, Table, Verdict, at_least, loading, median_row, ratio
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
            at_least(f"≥ 0.8 × as fast among {many:,} as among {FEW:,}", flat, 0.8),
            *_verdicts(FEW, *few),
            *_verdicts(many, *among_many),
        ],
    )


def _verdicts(count: int, page: float, search: float) -> list[Verdict]:
    return [
        at_least(f"{what} among {count:,} ≥ 10 × the reference stack", times, 10, digits=1)
        for what, times in (("a page", page), ("a search", search))
    ]


@contextlib.contextmanager
def _filled(services: Services, count: int) -> Iterator[Services]:
    """Yield the stack with another database with so many accounts, dropped afterwards."""
    with own_database(services, f"list_{count}") as filled:
        migrate(filled.database_url)
        rows(filled, _FILL, count)
        yield filled


def _serve(
    running: contextlib.ExitStack, services: Services, count: int, port: int
) -> tuple[Server, Server, tuple[Account, Account]]:
    """Start both servers on these accounts. Returns them and a superuser of each."""
    environment, other = environment_for(services, port), environment_for(services, port + 1)
    ours = running.enter_context(serving("this backend", ["api"], environment))
    command = ["benchmarks.serve", "reference_stack:app"]
    theirs = running.enter_context(serving("reference stack", command, other, (REFERENCE, "-m")))
    [account] = open_accounts(services, 1)
    rows(services, "update users set is_superuser = true where email = 'account1@example.com'")
    [copy] = on_the_reference_stack(services, [account])
    for statement in (_FILL_REFERENCE, "vacuum analyze users, user_words, reference_users"):
        rows(services, statement)
    return ours, theirs, (account, copy)


def _equal_in_substance(ours: Server, theirs: Server, held: Sequence[Account], wanted: str) -> None:
    """Check that both find the same accounts, before the measurements."""
    path = f"/api/users?{urlencode({'limit': 100, 'q': wanted})}"
    found = [json.loads(server.get(path, bearer(who))[1]) for server, who in zip((ours, theirs), held, strict=True)]
    emails = [sorted(item["email"] for item in page["items"]) for page in found]
    assert emails[0] == emails[1] != [], found
    assert found[0]["total"] == found[1]["total"] == len(emails[0])
