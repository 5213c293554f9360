"""The real services, started once (or given by DATABASE_URL, REDIS_URL, KAFKA_BOOTSTRAP_SERVERS, SMTP_URL). Each test
runs in a transaction that is rolled back. A test that needs commits uses `cloned`, its own database."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import hypothesis
import msgspec
import psycopg
import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette

from api.app import create_app
from api.features import FEATURES
from api.kernel import telemetry
from api.kernel.client import HttpClient
from api.kernel.context import Context, open_context
from api.kernel.data.cache import Cache, open_cache
from api.kernel.data.database import Database, uuid7
from api.kernel.data.pool import Pool
from api.kernel.feature import personal_of, settings_of, tasks_of
from api.kernel.identity.auth import Tokens
from api.kernel.identity.limits import Limiter
from api.kernel.identity.passwords import Passwords
from api.kernel.live.hub import Live
from api.kernel.mail import MemoryMailer
from api.kernel.outbox.tasks import subscribers
from api.kernel.settings import Settings, load
from dev.environment import forget_libpq
from dev.stack import Services, embedded
from migrations.__main__ import migrate
from tests.applications import with_context
from tests.collecting import pytest_collection, pytest_collection_modifyitems, pytest_runtest_protocol
from tests.documented import documented
from tests.factories import PASSWORD, make_user
from tests.leaving import Leaving
from tests.patience import patience, production
from tests.patient import SECONDS
from tests.processes import MailServer
from tests.served import Served
from tests.transactions import Lent

__all__ = ["patience", "production", "pytest_collection", "pytest_collection_modifyitems", "pytest_runtest_protocol"]
# CI uses the same examples in each run, a laptop new ones. No deadline for an example: the machine is busy.
hypothesis.settings.register_profile("tests", deadline=None, derandomize="CI" in os.environ)
hypothesis.settings.load_profile("tests")

forget_libpq()
SUBSCRIBERS, KINDS, PERSONAL = subscribers(tasks_of(FEATURES)), settings_of(FEATURES), personal_of(FEATURES)
ENVIRONMENT = {
    "ENVIRONMENT": "development",
    "PUBLIC_URL": "http://localhost:8000",
    "ALLOWED_ORIGINS": "http://localhost:4200",
    "SECRET_KEY": "tests-only: 7c1f0b52e6d94a83b1c5d7e9f2a4c6e8",
    "LOG_FORMAT": "json",
    "WEB_DIR": "web/public",  # whether web/ is built or not
    "RATE_LIMIT_ANONYMOUS": "off",
    "RATE_LIMIT_SIGNED_IN": "off",
    "RATE_LIMIT_CREDENTIALS": "off",
}


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with embedded(tmp_path_factory.mktemp("stack"), durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def environment(services: Services) -> dict[str, str]:
    """Return the environment variables of the processes."""
    return ENVIRONMENT | {
        "DATABASE_URL": services.database_url,
        "REDIS_URL": services.redis_url,
        "KAFKA_BOOTSTRAP_SERVERS": services.kafka_bootstrap_servers,
        "SMTP_URL": services.smtp_url,
    }


@pytest.fixture(scope="session")
def settings(environment: dict[str, str]) -> Settings:
    loaded = load(environment, KINDS)
    migrate(loaded.database_url)
    # The template of `clone`. Never used, because PostgreSQL copies a database only without connections to it.
    name = database_name(loaded)
    with psycopg.connect(with_database(loaded, "postgres"), autocommit=True) as admin:
        admin.execute(f'drop database if exists "{name}_template" with (force)')
        admin.execute(f'create database "{name}_template" template "{name}"')
    return loaded


@pytest.fixture(scope="session")
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    async with asyncpg.create_pool(settings.database_url, min_size=0, max_size=4) as opened:
        yield Pool(opened)


@pytest.fixture(scope="session")
def passwords() -> Iterator[Passwords]:
    made = Passwords()
    yield made
    made.close()


@pytest.fixture
async def cache(settings: Settings) -> AsyncIterator[Cache]:
    """Return an empty Redis."""
    async with open_cache(settings) as opened:
        await opened.execute("FLUSHDB")
        yield opened


@pytest.fixture
async def db(request: pytest.FixtureRequest, settings: Settings, pool: Pool) -> AsyncIterator[Database]:
    """One connection, shared with the code under test. Commits are savepoints, and everything is rolled back. As with a
    pool, a statement on `db` fails while a transaction is open, because it would run on another connection."""
    async with contextlib.AsyncExitStack() as opened:
        if request.node.get_closest_marker("fresh"):
            own = await opened.enter_async_context(clone(settings))
            driver = await opened.enter_async_context(asyncpg.create_pool(own.database_url, min_size=0, max_size=4))
            pool = Pool(driver)
        connection = await pool.acquire(SECONDS)
        opened.push_async_callback(pool.release, connection, SECONDS)
        transaction = connection.transaction()
        await transaction.start()
        opened.push_async_callback(transaction.rollback)
        yield Lent(pool, connection, SUBSCRIBERS)


@pytest.fixture
def mailbox() -> MemoryMailer:
    return MemoryMailer()


@pytest.fixture
def context(settings: Settings, db: Database, cache: Cache, mailbox: MemoryMailer, passwords: Passwords) -> Context:
    return Context(
        settings=settings,
        db=db,
        cache=cache,
        mail=mailbox,
        http=HttpClient(settings),
        tokens=Tokens(settings),
        limiter=Limiter(settings, cache),
        passwords=passwords,
        live=Live(db, asyncio.Event(), settings.max_connections),
        draining=asyncio.Event(),
        personal=PERSONAL,
    )


@pytest.fixture(scope="session")
def compiled(settings: Settings) -> Starlette:
    return create_app(settings)


@pytest.fixture
def app(compiled: Starlette, context: Context) -> Starlette:
    return with_context(compiled, context)


@pytest.fixture
async def client(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as made:
        yield made


@pytest.fixture
async def signed_in(client: httpx.AsyncClient, context: Context) -> httpx.AsyncClient:
    """The client with the access token of a new, verified account in `client.headers`."""
    user = await make_user(context)
    pair = (await client.post("/api/auth/jwt/login", data={"username": user.email, "password": PASSWORD})).json()
    client.headers["authorization"] = f"Bearer {pair['access_token']}"
    return client


@pytest.fixture
async def cloned(settings: Settings) -> AsyncIterator[Settings]:
    """Settings for an empty, migrated database and Kafka topics of this test. Redis is emptied too."""
    async with clone(settings) as made:
        yield made


@contextlib.asynccontextmanager
async def clone(settings: Settings) -> AsyncIterator[Settings]:
    name = f"test_{uuid7().hex}"
    admin = await asyncpg.connect(settings.database_url, database="postgres")
    try:
        await admin.execute(f'create database "{name}" template "{database_name(settings)}_template"')
        async with open_cache(settings) as emptied:
            await emptied.execute("FLUSHDB")
        kafka = msgspec.structs.replace(settings.kafka, prefix=f"{name}.")
        yield msgspec.structs.replace(settings, database_url=with_database(settings, name), kafka=kafka)
    finally:
        await admin.execute(f'drop database if exists "{name}" with (force)')
        await admin.close()


def database_name(settings: Settings) -> str:
    return urlsplit(settings.database_url).path[1:]


def with_database(settings: Settings, name: str) -> str:
    return urlsplit(settings.database_url)._replace(path=f"/{name}").geturl()


@pytest.fixture
async def live(cloned: Settings) -> AsyncIterator[Context]:
    """A Context as the processes open it: a pool, commits, real SMTP."""
    async with open_context(cloned, SUBSCRIBERS, personal=PERSONAL) as opened:
        yield opened


@pytest.fixture
async def mail_server() -> AsyncIterator[MailServer]:
    async with MailServer() as started:
        yield started


@pytest.fixture
async def live_client(compiled: Starlette, live: Context) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(with_context(compiled, live)) as opened:
        yield opened


def client_of(app: Starlette) -> httpx.AsyncClient:
    """Return a client that checks every answer against the OpenAPI document: undocumented statuses and codes fail the
    test."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(Leaving(app), raise_app_exceptions=False),
        base_url="http://localhost:8000",
        event_hooks={"response": [documented]},
    )


@pytest.fixture(scope="session")
def _telemetry() -> tuple[InMemorySpanExporter, InMemoryMetricReader]:
    """OpenTelemetry's providers can be set only once per process."""
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    telemetry.set_up(load(ENVIRONMENT | _NOWHERE), "tests", SimpleSpanProcessor(exporter), reader)
    return exporter, reader


@pytest.fixture
def spans(_telemetry: tuple[InMemorySpanExporter, InMemoryMetricReader]) -> InMemorySpanExporter:
    """The spans of this test."""
    _telemetry[0].clear()
    return _telemetry[0]


@pytest.fixture
def metrics(_telemetry: tuple[InMemorySpanExporter, InMemoryMetricReader]) -> InMemoryMetricReader:
    return _telemetry[1]


@pytest.fixture(params=["uvloop", "asyncio"])
def gallery(request: pytest.FixtureRequest, settings: Settings, spans: InMemorySpanExporter) -> Iterator[Any]:
    """The feature of tests/kernel/gallery.py on a server, in either event loop."""
    from tests.kernel.gallery import opened  # it declares queries that only its tests may see

    with opened(settings, request.param) as running:
        yield running


@pytest.fixture
def served(gallery: tuple[Served, Any]) -> Served:
    return gallery[0]


_NOWHERE = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere",
    "REDIS_URL": "redis://127.0.0.1:1",
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "SMTP_URL": "smtp://127.0.0.1:1",
}


@pytest.fixture
def nowhere() -> Settings:
    """Settings whose dependencies all refuse the connection."""
    return load(ENVIRONMENT | _NOWHERE, KINDS)


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).parents[1]
