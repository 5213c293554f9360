"""People who write and read articles."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from api.kernel.context import Context
from api.users.types import User
from tests.factories import PASSWORD, make_user

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


class Person:
    """An account and its calls. `answer` is the last answer's JSON."""

    def __init__(self, client: httpx.AsyncClient, user: User, token: str) -> None:
        self.id, self.email = user.id, user.email
        self.token = token
        self._client = client

    async def ask(self, method: str, path: str, status: int = 200, **options: Any) -> httpx.Response:
        """Call a route below /api. Raises AssertionError for another status."""
        options["headers"] = {"authorization": f"Bearer {self.token}"} | options.get("headers", {})
        answer = await self._client.request(method, f"/api{path}", **options)
        assert answer.status_code == status, answer.text
        return answer

    async def publish(self, title: str = "A title", *tags: str) -> UUID:
        body = {"title": title, "body": "Some text.", "tags": list(tags)}
        return UUID((await self.ask("POST", "/articles", 201, json=body)).json()["id"])


class People:
    def __init__(self, client: httpx.AsyncClient, context: Context) -> None:
        self.client, self.context = client, context

    async def __call__(self, **state: Any) -> Person:
        user = await make_user(self.context, **state)
        form = {"username": user.email, "password": PASSWORD}
        pair = (await self.client.post("/api/auth/jwt/login", data=form)).json()
        return Person(self.client, user, pair["access_token"])


@pytest.fixture
def person(client: httpx.AsyncClient, context: Context) -> People:
    """`await person(roles=("editor",))` is a new account that is signed in."""
    return People(client, context)
