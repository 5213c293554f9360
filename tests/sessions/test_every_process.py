"""What one process commits is in force in the next request to any other."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.app import create_app
from api.kernel.context import Context, open_context
from api.kernel.settings import Settings
from tests.conftest import SUBSCRIBERS, client_of
from tests.factories import make_user
from tests.sessions.signing import bearer, login

Pair = dict[str, str]
ACTIONS = ["log in", "log out", "end others", "end one", "end all", "disable", "enable", "promote", "demote"]


@pytest.fixture
async def processes(cloned: Settings, live_client: httpx.AsyncClient) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Two, with a pool of their own each, on one database."""
    app = create_app(cloned)
    async with open_context(cloned, SUBSCRIBERS) as app.state.context, client_of(app) as other:
        yield [live_client, other]


class World:
    """An account, and what should be true of it and its sessions."""

    def __init__(self, processes: list[httpx.AsyncClient], root: Pair, id: str, email: str) -> None:
        self.processes, self.root, self.id, self.email = processes, root, id, email
        self.live: list[Pair] = []
        self.over: list[Pair] = []
        self.active, self.superuser = True, False

    async def act(self, action: str, here: httpx.AsyncClient) -> None:
        """Do it in one process. Actions that have no subject do nothing."""
        if action == "log in" and self.active:
            self.live.append((await login(here, self.email)).json())
        elif action in ("disable", "enable", "promote", "demote"):
            await self._change(action, here)
        elif action == "end all":
            path = f"/api/users/{self.id}/revoke-sessions"
            assert (await here.post(path, headers=bearer(self.root))).status_code == 204
            self._end(self.live)
        elif self.live and action != "enable":
            await self._end_by_owner(action, here)

    async def _change(self, action: str, here: httpx.AsyncClient) -> None:
        body = {"is_active": action == "enable"} if action in ("disable", "enable") else {}
        body |= {"is_superuser": action == "promote"} if action in ("promote", "demote") else {}
        if action == "promote" and not self.active:
            return
        answer = await here.patch(f"/api/users/{self.id}", json=body, headers=bearer(self.root))
        assert answer.status_code == 200, answer.text
        self.active, self.superuser = answer.json()["is_active"], answer.json()["is_superuser"]
        if action == "enable":
            self.over = []  # the worker ends them
        if action == "disable":
            self._end(self.live)

    async def _end_by_owner(self, action: str, here: httpx.AsyncClient) -> None:
        pair = self.live[-1]
        headers = bearer(pair)
        if action == "log out":
            assert (await here.post("/api/auth/jwt/logout", headers=headers)).status_code == 204
            self._end([pair])
        elif action == "end others":
            assert (await here.delete("/api/sessions", headers=headers)).status_code == 204
            self._end(self.live[:-1])
        elif action == "end one":
            listed = (await here.get("/api/sessions", headers=bearer(self.live[0]))).json()
            [own] = [each["id"] for each in listed if each["current"]]
            assert (await here.delete(f"/api/sessions/{own}", headers=headers)).status_code == 204
            self._end([self.live[0]])

    def _end(self, pairs: list[Pair]) -> None:
        self.over += pairs
        self.live = [pair for pair in self.live if pair not in pairs]

    async def holds(self) -> None:
        """Every process admits exactly the sessions that live, to exactly what the account may do."""
        for here in self.processes:
            asked = [*self.live, *self.over]
            got = await asyncio.gather(*(status(here, path, pair) for pair in asked for path in PATHS))
            allowed = [200, 200 if self.superuser else 403]
            assert got == allowed * len(self.live) + [401, 401] * len(self.over)


PATHS = ("/api/users/me", "/api/users")


async def status(client: httpx.AsyncClient, path: str, pair: Pair) -> int:
    return (await client.get(path, headers=bearer(pair))).status_code


@contextlib.asynccontextmanager
async def asking(world: World) -> AsyncIterator[None]:
    """Requests of two sessions to all processes, so that answers from before an action are always on their way."""
    pairs = world.live[:2]

    async def ask(client: httpx.AsyncClient, pair: Pair) -> None:
        while True:
            assert await status(client, "/api/users/me", pair) in (200, 401)

    tasks = [asyncio.create_task(ask(client, pair)) for client in world.processes for pair in pairs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended


@pytest.mark.case(342)
@pytest.mark.timeout(600)
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 1)), min_size=1, max_size=8))
async def test_what_one_process_commits_every_process_obeys_at_once(
    live: Context, processes: list[httpx.AsyncClient], steps: list[tuple[str, int]]
) -> None:
    admin, user = await make_user(live, superuser=True), await make_user(live)
    root = (await login(processes[0], admin.email)).json()
    world = World(processes, root, str(user.id), user.email)
    for number in (0, 1, 0):
        await world.act("log in", processes[number])
    for action, number in steps:
        async with asking(world):
            await world.act(action, processes[number])
            await world.holds()
