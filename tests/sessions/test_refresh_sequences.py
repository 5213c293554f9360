"""For any sequence of owner, second tabs, retries and thief, a session has at most one valid line of tokens."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import UUID

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from starlette.applications import Starlette

from api.app import create_app
from api.kernel.context import Context
from api.kernel.settings import Settings
from api.users.queries import change_password
from tests.conftest import client_of
from tests.factories import make_user
from tests.sessions.signing import bearer, is_signed_in, login, refresh
from tests.transactions import in_transaction

T = TypeVar("T")
EMAIL = "ada@example.com"
LINES = st.integers(0, 3)
TOKENS = st.integers(0, 5)


class Line(msgspec.Struct):
    """The model of a session: its pairs, the newest last, and whether it has ended."""

    pairs: list[dict[str, str]]
    in_grace: bool = False
    over: bool = False


class Sequences(RuleBasedStateMachine):
    """One account's sessions. The test sets the attributes."""

    loop: asyncio.AbstractEventLoop
    client: httpx.AsyncClient
    context: Context

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def line(self, number: int) -> Line:
        return self.lines[number % len(self.lines)]

    def sid(self, line: Line) -> UUID:
        return self.context.tokens.verify(line.pairs[0]["access_token"]).sid

    @initialize()
    def begin(self) -> None:
        self.run(self.context.db.fetch("delete from users"))
        self.user = self.run(make_user(self.context, EMAIL))
        self.lines: list[Line] = []
        self.sign_in()

    @precondition(lambda self: len(self.lines) < 4)
    @rule()
    def sign_in(self) -> None:
        self.lines.append(Line([self.run(login(self.client, EMAIL)).json()]))

    @rule(number=LINES, token=TOKENS)
    def refresh(self, number: int, token: int) -> None:
        line = self.line(number)
        index = token % len(line.pairs)
        answer = self.run(refresh(self.client, line.pairs[index]["refresh_token"]))
        if not line.over and index == len(line.pairs) - 1:
            assert answer.status_code == 200
            line.pairs.append(answer.json())
            line.in_grace = True
        elif not line.over and index == len(line.pairs) - 2 and line.in_grace:
            assert answer.json()["refresh_token"] == line.pairs[-1]["refresh_token"]
        else:
            assert answer.json()["code"] == ("REFRESH_TOKEN_INVALID" if line.over else "REFRESH_TOKEN_REUSED")
            line.over = True

    @rule(number=LINES, tabs=st.integers(2, 4))
    def refresh_in_many_tabs(self, number: int, tabs: int) -> None:
        line = self.line(number)
        answers = self.race(*[line.pairs[-1]["refresh_token"]] * tabs)
        if line.over:
            assert {answer.json()["code"] for answer in answers} == {"REFRESH_TOKEN_INVALID"}
        else:
            assert len({answer.json()["refresh_token"] for answer in answers}) == 1
            line.pairs.append(answers[0].json())
            line.in_grace = True

    @rule(number=LINES)
    def refresh_beside_a_thief(self, number: int) -> None:
        """C-70."""
        line = self.line(number)
        if len(line.pairs) > 1 and not (line.in_grace and len(line.pairs) == 2):
            self.race(*(pair["refresh_token"] for pair in (line.pairs[0], line.pairs[-1])))
            line.over = True

    @rule()
    def wait(self) -> None:
        self.run(self.context.db.fetch("update sessions set rotated_at = rotated_at - interval '11 seconds'"))
        for line in self.lines:
            line.in_grace = False

    @rule(number=LINES, token=TOKENS)
    def logout(self, number: int, token: int) -> None:
        line = self.line(number)
        headers = bearer(line.pairs[token % len(line.pairs)])
        assert self.run(self.client.post("/api/auth/jwt/logout", headers=headers)).status_code == 204
        line.over = True

    @rule(number=LINES, other=LINES)
    def revoke(self, number: int, other: int) -> None:
        mine, revoked = self.line(number), self.line(other)
        path = f"/api/sessions/{self.sid(revoked)}"
        answer = self.run(self.client.delete(path, headers=bearer(mine.pairs[-1])))
        assert answer.status_code == (401 if mine.over else 404 if revoked.over else 204)
        revoked.over = revoked.over or not mine.over

    @rule(number=LINES)
    def revoke_others(self, number: int) -> None:
        mine = self.line(number)
        answer = self.run(self.client.delete("/api/sessions", headers=bearer(mine.pairs[-1])))
        assert answer.status_code == (401 if mine.over else 204)
        if not mine.over:
            self.leave(mine)

    @rule(number=st.none() | LINES)
    def change_password(self, number: int | None) -> None:
        """In another process (N-6)."""
        kept = self.line(number) if number is not None else None
        if kept and kept.over:  # the actor of the change is signed in
            return
        [row] = self.run(self.context.db.fetch("select password_hash from users"))
        sid = self.sid(kept) if kept else None

        async def change() -> None:
            await in_transaction(self.context.db, change_password, self.user.id, row["password_hash"], sid)

        self.run(change())
        self.leave(kept)

    def leave(self, kept: Line | None) -> None:
        for line in self.lines:
            line.over = line.over or line is not kept

    def race(self, *tokens: str) -> list[httpx.Response]:
        async def all_at_once() -> list[httpx.Response]:
            return await asyncio.gather(*(refresh(self.client, token) for token in tokens))

        return self.run(all_at_once())

    @invariant()
    def no_access_token_of_a_dead_session_is_accepted(self) -> None:
        for line in getattr(self, "lines", []):
            for pair in line.pairs:
                assert self.run(is_signed_in(self.client, pair)) != line.over

    def teardown(self) -> None:
        """The last token of each line is valid, or none is."""
        for line in getattr(self, "lines", []):
            assert len({pair["refresh_token"] for pair in line.pairs}) == len(line.pairs)
            for pair in line.pairs if line.over else line.pairs[-1:]:
                answer = self.run(refresh(self.client, pair["refresh_token"]))
                assert answer.status_code == (401 if line.over else 200)


@pytest.fixture
def live_app(cloned: Settings, live: Context) -> Starlette:
    app = create_app(cloned)
    app.state.context = live
    return app


async def test_one_line_of_tokens_or_none(live_app: Starlette, live: Context) -> None:
    """C-66 to C-72, in any order."""
    async with client_of(live_app) as client:
        given = {"loop": asyncio.get_running_loop(), "client": client, "context": live}
        machine = type("Given", (Sequences,), given)
        chosen = settings(
            max_examples=25, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
        )
        await asyncio.to_thread(run_state_machine_as_test, machine, settings=chosen)
