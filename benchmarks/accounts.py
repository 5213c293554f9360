"""Signed-in accounts on this backend and on the reference stack, inserted directly into their tables, which avoids
hashing. There are enough of them that no server benefits from a single hot row."""

import asyncio
import contextlib
import dataclasses
import itertools
import time
import urllib.parse
from collections.abc import Iterator, Sequence
from uuid import UUID

import asyncpg
import msgspec
from joserfc import jwk, jwt

from api.kernel.data.database import uuid7
from api.kernel.identity.auth import Tokens
from api.kernel.identity.hashes import ARGON2
from api.kernel.settings import load
from benchmarks.load import CONNECTIONS, request
from benchmarks.servers import SECRET_KEY, environment_for
from dev.stack import Services

ME = "/api/users/me"
PEOPLE = 500
"""Accounts that take turns where a table does not say otherwise."""
PASSWORD = "correct horse battery staple"
_OPEN = """
with opened as (
    insert into users (id, email, password_hash)
    select gen_random_uuid(), 'account' || number || '@example.com', $2 from generate_series(1, $1::integer) as number
    on conflict (email) do update set updated_at = now()
    returning id, email
)
insert into sessions (id, user_id, idle_expires_at, expires_at)
select gen_random_uuid(), id, now() + interval '1 day', now() + interval '1 day' from opened
returning id, user_id, (select email from opened where opened.id = user_id) as email
"""
_OPEN_REFERENCE = """
insert into reference_users (id, email, hashed_password, is_active, is_superuser, is_verified)
select id, email, password_hash, is_active, is_superuser, is_verified from users where id = any($1)
on conflict do nothing
"""


class Account(msgspec.Struct, frozen=True):
    """An account with PASSWORD and the access token of its own session."""

    id: UUID
    email: str
    session: UUID
    token: str


def open_accounts(services: Services, count: int = PEOPLE) -> list[Account]:
    """Return the first `count` accounts, created if missing, each with a new session."""
    tokens = Tokens(load(environment_for(services, 8000)))
    accounts = []
    for row in rows(services, _OPEN, count, ARGON2.hash(PASSWORD)):
        id, email, session = row["user_id"], row["email"], row["id"]
        token = tokens.issue(sub=id, sid=session, jti=uuid7(), email=email, name=None, roles=())
        accounts.append(Account(id, email, session, token))
    return accounts


def on_the_reference_stack(services: Services, accounts: Sequence[Account]) -> list[Account]:
    """Create the accounts on the reference stack, once it has created its table. Returns them with tokens as FastAPI
    Users issues them."""
    rows(services, _OPEN_REFERENCE, [account.id for account in accounts])
    key, expires = jwk.OctKey.import_key(SECRET_KEY), int(time.time()) + 3600
    copies = []
    for account in accounts:
        claims = {"sub": str(account.id), "aud": ["fastapi-users:auth"], "exp": expires}
        copies.append(msgspec.structs.replace(account, token=jwt.encode({"alg": "HS256"}, claims, key)))
    return copies


def gets(path: str, accounts: Sequence[Account], number: int, connections: int = CONNECTIONS) -> Iterator[bytes]:
    """Yield GET requests without end, for the accounts of one of the connections in turn."""
    mine = [request("GET", path, bearer(account)) for account in accounts[number::connections]]
    return itertools.cycle(mine)


def login(email: str) -> bytes:
    """Return a request that signs in with PASSWORD."""
    form = urllib.parse.urlencode({"username": email, "password": PASSWORD}).encode()
    return request("POST", "/api/auth/jwt/login", {"content-type": "application/x-www-form-urlencoded"}, form)


def bearer(account: Account) -> dict[str, str]:
    return {"authorization": f"Bearer {account.token}"}


@contextlib.contextmanager
def own_database(services: Services, name: str) -> Iterator[Services]:
    """Yield the stack with a new, empty database, dropped afterwards."""
    url = urllib.parse.urlsplit(services.database_url)._replace(path=f"/{name}").geturl()
    rows(services, f"drop database if exists {name}")
    rows(services, f"create database {name}")
    try:
        yield dataclasses.replace(services, database_url=url)
    finally:
        rows(services, f"drop database {name} with (force)")


def rows(services: Services, statement: str, *arguments: object) -> list[asyncpg.Record]:
    """Run a statement on a connection of its own."""

    async def fetch() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(services.database_url)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    return asyncio.run(fetch())
