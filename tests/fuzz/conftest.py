"""A web process with its own database and a collector of its metrics, and as many accounts as calls, so that no call
affects the caller of the next."""

import http.server
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from uuid import UUID

import msgspec
import psycopg
import pytest

from api.kernel.data.database import uuid7
from api.kernel.identity.auth import Tokens
from api.kernel.identity.passwords import Passwords
from api.kernel.settings import Settings
from tests.conftest import database_name, with_database
from tests.factories import PASSWORD
from tests.wire import Web, serving

# Inserted directly: there are thousands, and hashing is slow by design.
_SIGN_UP = """
with opened as (
    insert into users (id, email, password_hash, is_verified, is_superuser)
    values (%(id)s, %(email)s, %(password_hash)s, true, %(is_superuser)s)
    returning id
)
insert into sessions (id, user_id, idle_expires_at, expires_at)
select %(sid)s, id, clock_timestamp() + interval '1 day', clock_timestamp() + interval '1 day' from opened
"""


class Collector(http.server.BaseHTTPRequestHandler):
    """An OTLP collector that stores what it receives."""

    server: "Collecting"

    def do_POST(self) -> None:
        self.server.received += self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Collecting(http.server.ThreadingHTTPServer):
    received = b""


@dataclass(frozen=True)
class Account:
    """A signed-in account; its password is PASSWORD."""

    id: UUID
    sid: UUID
    email: str
    token: str


@dataclass
class World:
    """The running system, and the calls so far."""

    web: Web
    settings: Settings
    db: "psycopg.Connection[tuple[object, ...]]"
    tokens: Tokens
    password_hash: str
    collecting: Collecting
    calls: Counter[str] = field(default_factory=Counter)
    """By operation."""
    signed_up: list[UUID] = field(default_factory=list, repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web.port}/api"

    def sign_up(self, *, is_superuser: bool = False) -> Account:
        id, sid = uuid7(), uuid7()
        email = f"{id.hex}@example.com"
        values = {"id": id, "sid": sid, "email": email, "is_superuser": is_superuser}
        self.db.execute(_SIGN_UP, values | {"password_hash": self.password_hash})
        self.signed_up.append(id)
        token = self.tokens.issue(sub=id, sid=sid, jti=uuid7(), email=email, name=None, roles=())
        return Account(id, sid, email, token)


@pytest.fixture(scope="module")
def own_database(settings: Settings) -> Iterator[Settings]:
    """Settings for the module's own database, migrated and empty."""
    name = f"test_{uuid7().hex}"
    with psycopg.connect(with_database(settings, "postgres"), autocommit=True) as admin:
        admin.execute(f'create database "{name}" template "{database_name(settings)}_template"')
        yield msgspec.structs.replace(settings, database_url=with_database(settings, name))
        admin.execute(f'drop database if exists "{name}" with (force)')


@pytest.fixture(scope="module")
def collecting() -> Iterator[Collecting]:
    with Collecting(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
async def world(
    environment: dict[str, str],
    own_database: Settings,
    collecting: Collecting,
    passwords: Passwords,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[World]:
    own = {
        "DATABASE_URL": own_database.database_url,
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"http://127.0.0.1:{collecting.server_port}/v1/metrics",
    }
    with (
        serving(environment | own, tmp_path_factory.mktemp("fuzz")) as web,
        psycopg.connect(own_database.database_url, autocommit=True) as db,
    ):
        yield World(web, own_database, db, Tokens(own_database), await passwords.hash(PASSWORD), collecting)
