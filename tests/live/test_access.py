"""C-351: streams and sockets end with the access of their caller, however and in whichever process it ends. Heartbeats,
at which callers are checked as well, are minutes apart here."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.kernel.context import Context
from api.users.types import User
from api.users.upkeep import delete_due
from tests.factories import PASSWORD, make_user
from tests.live.conftest import MODULE, client_of, comment
from tests.live.following import Follower
from tests.live.test_ends import reason
from tests.live.test_sockets import ask, begun, code, opening
from tests.wire import Web, serving

BEAT_SECONDS = "600"


class Person:
    """An account that is signed in, and a superuser, who both ask another process than the one that streams."""

    def __init__(self, user: User, pair: dict[str, str], client: httpx.AsyncClient, admin: dict[str, str]) -> None:
        self.user, self.pair, self.client, self.admin = user, pair, client, admin
        self.token = {"authorization": f"Bearer {pair['access_token']}"}

    async def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **sent: Any) -> httpx.Response:
        answer = await self.client.request(method, path, headers=headers or self.token, **sent)
        assert answer.is_success, answer.text
        return answer

    async def elsewhere(self) -> dict[str, str]:
        """The token of another session of the account."""
        return {"authorization": f"Bearer {(await sign_in(self.client, self.user))['access_token']}"}


async def sign_in(client: httpx.AsyncClient, user: User) -> dict[str, str]:
    answer = await client.post("/auth/jwt/login", data={"username": user.email, "password": PASSWORD})
    pair: dict[str, str] = answer.json()
    return pair


@pytest.fixture(scope="module")
def streaming(newsroom_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    environment = newsroom_environment | {"BEAT_SECONDS": BEAT_SECONDS}
    with serving(environment, tmp_path_factory.mktemp("streaming"), MODULE) as web:
        yield web
        assert "Traceback" not in web.logged()


@pytest.fixture
async def person(newsroom: Web, archive: Context) -> AsyncIterator[Person]:
    user = await make_user(archive, roles=["editor"])
    admin = await make_user(archive, superuser=True)
    async with client_of(newsroom) as client:
        token = (await sign_in(client, admin))["access_token"]
        yield Person(user, await sign_in(client, user), client, {"authorization": f"Bearer {token}"})


async def sign_out(person: Person, archive: Context) -> None:
    await person.ask("POST", "/auth/jwt/logout")


async def end_elsewhere(person: Person, archive: Context) -> None:
    token = await person.elsewhere()
    sessions = (await person.ask("GET", "/sessions", token)).json()
    [other] = [each["id"] for each in sessions if not each["current"]]
    await person.ask("DELETE", f"/sessions/{other}", token)


async def end_others(person: Person, archive: Context) -> None:
    await person.ask("DELETE", "/sessions", await person.elsewhere())


async def end_by_superuser(person: Person, archive: Context) -> None:
    await person.ask("POST", f"/users/{person.user.id}/revoke-sessions", person.admin)


async def change_password(person: Person, archive: Context) -> None:
    body = {"current_password": PASSWORD, "new_password": "a staple of batteries 37"}
    await person.ask("POST", "/users/change-password", await person.elsewhere(), json=body)


async def deactivate(person: Person, archive: Context) -> None:
    await person.ask("PATCH", f"/users/{person.user.id}", person.admin, json={"is_active": False})


async def lose_the_role(person: Person, archive: Context) -> None:
    await person.ask("PATCH", f"/users/{person.user.id}", person.admin, json={"roles": []})


async def leave(person: Person, archive: Context) -> None:
    await person.ask("DELETE", "/users/me", json={"current_password": PASSWORD})


async def be_deleted(person: Person, archive: Context) -> None:
    """By retention: the sweep over accounts whose time has come."""
    change = "update users set deletion_requested_at = now(), delete_after = now() where id = $1"
    await archive.db.fetch(change, person.user.id)
    while await delete_due(archive):
        pass


async def use_a_token_twice(person: Person, archive: Context) -> None:
    """A refresh token of two renewals ago."""
    token = person.pair["refresh_token"]
    for _ in range(2):
        token = (await person.client.post("/auth/refresh", json={"refresh_token": token})).json()["refresh_token"]
    answer = await person.client.post("/auth/refresh", json={"refresh_token": person.pair["refresh_token"]})
    assert answer.json()["code"] == "REFRESH_TOKEN_REUSED"


WAYS = [
    sign_out,
    end_elsewhere,
    end_others,
    end_by_superuser,
    change_password,
    deactivate,
    lose_the_role,
    leave,
    be_deleted,
    use_a_token_twice,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
async def test_a_stream_ends_with_its_access(
    streaming: Web, person: Person, archive: Context, way: Callable[[Person, Context], Awaitable[None]]
) -> None:
    async with Follower(streaming.port, "/news/editors/live", **person.token) as follower:
        await follower.opened()
        await way(person, archive)
        assert reason(await follower.rest()) == "signed_out"
        assert follower.beats == 0, "it was the heartbeat that ended it"


async def test_a_socket_ends_with_its_access(streaming: Web, person: Person, archive: Context) -> None:
    """And what is not of this caller goes on."""
    other = await make_user(archive)
    path = "/news/00000000-0000-7000-8000-000000000000/socket"
    async with contextlib.AsyncExitStack() as stack:
        tokens = person.pair["access_token"], (await sign_in(person.client, other))["access_token"]
        ended, kept = [await stack.enter_async_context(opening(streaming, path, token)) for token in tokens]
        await begun(ended)
        await begun(kept)
        await sign_out(person, archive)
        assert await code(ended) == 4401
        assert await ask(kept, {"number": 1}) == {"event": "reply", "data": {"number": 1, "text": ""}}


async def test_a_change_that_ends_nothing_leaves_the_streams(streaming: Web, person: Person, archive: Context) -> None:
    """An account is checked after each change of it, and its own events go on."""
    async with Follower(streaming.port, "/news/editors/live", **person.token) as follower:
        await follower.opened()
        await person.ask("PATCH", "/users/me", json={"name": "Ada"})
        await person.ask("PATCH", f"/users/{person.user.id}", person.admin, json={"roles": ["editor", "author"]})
        await comment(archive, person.user.id, 1)
        assert await follower.numbers(1) == [1]
        await sign_out(person, archive)
        assert reason(await follower.rest()) == "signed_out"


async def test_a_process_without_notify_ends_streams_as_well(
    newsroom_environment: dict[str, str], person: Person, archive: Context, tmp_path: Path
) -> None:
    """It polls: its pool is too small for a connection that listens."""
    environment = newsroom_environment | {"BEAT_SECONDS": BEAT_SECONDS, "DATABASE_POOL_SIZE": "2"}
    with serving(environment, tmp_path, MODULE) as web:
        async with Follower(web.port, "/news/editors/live", **person.token) as follower:
            await follower.opened()
            await sign_out(person, archive)
            assert reason(await follower.rest()) == "signed_out"
