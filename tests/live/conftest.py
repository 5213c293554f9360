"""A newsroom: its own database, a web process, and functions that write to it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from api.kernel.context import Context, open_context
from api.kernel.outbox.events import Event, record
from api.kernel.settings import Settings
from tests.conftest import SUBSCRIBERS, clone
from tests.factories import PASSWORD, make_user
from tests.live.newsroom import Commented
from tests.wire import Web, serving

MODULE = "tests.live.newsroom"


@pytest.fixture(scope="module")
async def shared(settings: Settings) -> AsyncIterator[Settings]:
    """A database for all tests of a file."""
    async with clone(settings) as made:
        yield made


@pytest.fixture(scope="module")
async def archive(shared: Settings) -> AsyncIterator[Context]:
    async with open_context(shared, SUBSCRIBERS) as opened:
        yield opened


@pytest.fixture(scope="module")
def newsroom_environment(environment: dict[str, str], shared: Settings) -> dict[str, str]:
    return environment | {"DATABASE_URL": shared.database_url}


@pytest.fixture(scope="module")
def newsroom(newsroom_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with serving(newsroom_environment, tmp_path_factory.mktemp("newsroom"), MODULE) as web:
        yield web
        meant = ("a mistake", "cannot be shown")
        failures = web.logged().split("Traceback")[1:]
        assert [failure for failure in failures if not any(each in failure for each in meant)] == []


@pytest.fixture
def other_newsroom(newsroom_environment: dict[str, str], tmp_path: Path) -> Iterator[Web]:
    with serving(newsroom_environment, tmp_path, MODULE) as web:
        yield web


async def write(context: Context, event: Event) -> None:
    """Commit an event."""
    async with context.db.transaction() as db:
        await record(db, event)


async def comment(context: Context, article: UUID, *numbers: int, text: str = "") -> None:
    for number in numbers:
        await write(context, Commented(article_id=article, number=number, text=text))


async def sign_in(web: Web, context: Context) -> str:
    """Return the access token of a new account."""
    person = await make_user(context)
    async with client_of(web) as client:
        pair = await client.post("/auth/jwt/login", data={"username": person.email, "password": PASSWORD})
    return str(pair.json()["access_token"])


async def sign_out(web: Web, token: str) -> None:
    async with client_of(web) as client:
        answer = await client.post("/auth/jwt/logout", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 204


async def left(web: Web, many: int) -> None:
    """Wait until a process has at most this many streams and sockets."""
    async with client_of(web) as client, asyncio.timeout(60):
        while int((await client.get("/news/followers")).text) > many:  # noqa: ASYNC110  # it is another process
            await asyncio.sleep(0.05)


def client_of(web: Web) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{web.port}/api", trust_env=False, timeout=20)
