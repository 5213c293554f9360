"""GET /users/me by bearer token: against the floors, and against the reference stack."""

import contextlib
import itertools
import json
from collections.abc import Iterator

from benchmarks.bench import HEADING, Bench, Table, median_row
from benchmarks.load import request
from benchmarks.servers import Server, environment_for, reference_stack, serving, this_backend

ACCOUNT = {"email": "ada@example.com", "password": "correct horse battery staple"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
LOGIN = b"username=ada%40example.com&password=correct+horse+battery+staple"


def sign_in(server: Server) -> str:
    """An access token of an account on that server."""
    server.post_json("/api/auth/register", ACCOUNT)
    status, body = server.send("POST", "/api/auth/jwt/login", FORM, LOGIN)
    assert status == 200, body
    return str(json.loads(body)["access_token"])


def ask(bench: Bench) -> Table:
    with contextlib.ExitStack() as running:
        ours = running.enter_context(this_backend(bench.services))
        floors = [
            running.enter_context(
                serving(name, ["benchmarks.serve", app], environment_for(bench.services, 9210 + number))
            )
            for number, (name, app) in enumerate(
                {
                    "floor: Starlette + asyncpg + joserfc by hand": "floor:query",
                    "Starlette, nothing asked": "floor:bare",
                    "an ASGI callable, nothing asked": "floor:raw",
                }.items()
            )
        ]
        reference = running.enter_context(reference_stack(bench.services))
        token, theirs = sign_in(ours), sign_in(reference)
        _equal_in_substance(ours, floors[0], token, reference, theirs)
        servers = [ours, *floors, reference]

        def requests(bearer: str) -> Iterator[bytes]:
            return itertools.repeat(request("GET", "/api/users/me", {"authorization": f"Bearer {bearer}"}))

        sent = {server.name: lambda _, t=token: requests(t) for server in servers}
        sent[reference.name] = lambda _: requests(theirs)
        loads = bench.alternate(servers, sent)
        rows = [median_row(server.name, loads[server.name], loads[floors[0].name]) for server in servers]
    return Table(
        "GET /users/me, bearer, session revocable at once",
        "≥ 1.0 × the floor, ≥ 25 × the reference stack",
        HEADING,
        rows,
        "The floor verifies the token and asks one query; this backend asks two: who is this now, and the account.",
    )


def _equal_in_substance(ours: Server, floor: Server, token: str, reference: Server, theirs: str) -> None:
    """All answer with the same account before anything is timed."""
    answers = [
        json.loads(server.get("/api/users/me", {"authorization": f"Bearer {bearer}"})[1])
        for server, bearer in ((ours, token), (floor, token), (reference, theirs))
    ]
    assert answers[0]["id"] == answers[1]["id"], answers
    for name in ("email", "is_active", "is_superuser"):
        assert len({answer[name] for answer in answers}) == 1, answers
    assert ours.get("/api/users/me", {"authorization": "Bearer x"})[0] == 401
