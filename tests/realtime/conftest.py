"""A web process and its database, as in tests/live, and accounts that sign in there."""

import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest

from api.kernel.context import Context
from api.users.types import User
from tests.factories import PASSWORD, make_user
from tests.live.conftest import archive, client_of, newsroom, newsroom_environment, shared
from tests.live.following import Follower
from tests.wire import Web

__all__ = ["archive", "newsroom", "newsroom_environment", "shared"]


class Person:
    """An account with a session."""

    def __init__(self, web: Web, user: User, client: httpx.AsyncClient) -> None:
        self.web, self.user, self.client = web, user, client
        self.token = ""

    async def sign_in(self) -> str:
        """Start a session and return its access token."""
        form = {"username": self.user.email, "password": PASSWORD}
        pair = await self.client.post("/auth/jwt/login", data=form)
        self.token = str(pair.json()["access_token"])
        return self.token

    def follow(self, last: str | None = None) -> Follower:
        headers = {"authorization": f"Bearer {self.token}"} | ({"last_event_id": last} if last else {})
        return Follower(self.web.port, "/events", **headers)

    async def ask(self, method: str, path: str, **sent: object) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token}"}
        answer = await self.client.request(method, path, headers=headers, **sent)  # type: ignore[arg-type]  # httpx's
        assert answer.is_success, answer.text
        return answer


@contextlib.asynccontextmanager
async def signed_in(web: Web, context: Context, *, superuser: bool = False) -> AsyncIterator[Person]:
    user = await make_user(context, superuser=superuser)
    async with client_of(web) as client:
        person = Person(web, user, client)
        await person.sign_in()
        yield person


@pytest.fixture
async def ada(newsroom: Web, archive: Context) -> AsyncIterator[Person]:
    async with signed_in(newsroom, archive) as person:
        yield person


@pytest.fixture
async def grace(newsroom: Web, archive: Context) -> AsyncIterator[Person]:
    async with signed_in(newsroom, archive) as person:
        yield person


@pytest.fixture
async def admin(newsroom: Web, archive: Context) -> AsyncIterator[Person]:
    async with signed_in(newsroom, archive, superuser=True) as person:
        yield person
