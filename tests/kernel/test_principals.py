"""Principals: how long a process caches a session."""

from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.errors import UNAVAILABLE
from api.kernel.identity import auth
from api.kernel.identity.auth import REMEMBERED_SECONDS, TOKEN_INVALID, Claims, Principal, Principals


class World:
    """The state of two sessions in the database, and the recorded lookups."""

    def __init__(self) -> None:
        self.now, self.names, self.asked = 1000.0, {1: 0, 2: 0}, 0

    def claims(self, session: int) -> Claims:
        return Claims(
            iss="",
            aud="",
            sub=UUID(int=9),
            sid=UUID(int=session),
            jti="",
            iat=0,
            nbf=0,
            exp=0,
            email="",
            name=None,
            roles=(),
        )

    async def ask(self, claims: Claims) -> Principal:
        self.asked += 1
        known = self.names[claims.sid.int]
        self.now += 0.3  # a slow lookup: its result is as old as its start
        return Principal(id=claims.sub, sid=claims.sid, is_superuser=False, is_verified=True, roles=(str(known),))


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "change", "forget", "wait"]), st.sampled_from([1, 2]), st.floats(0, 1.2)),
    max_size=40,
)


@given(STEPS)
async def test_no_principal_is_cached_longer_than_a_second(steps: list[tuple[str, int, float]]) -> None:
    world, changes = World(), {1: [(0.0, 0)], 2: [(0.0, 0)]}
    principals = Principals(lambda: world.now)
    for step, session, seconds in steps:
        if step == "change":
            world.names[session] += 1
            changes[session].append((world.now, world.names[session]))
        elif step == "forget":
            principals.forget(UUID(int=session))
            asked = world.asked
            await principals.find(world.claims(session), world.ask)
            assert world.asked == asked + 1
        elif step == "wait":
            world.now += seconds
        else:
            began = world.now
            principal = await principals.find(world.claims(session), world.ask)
            true_then = [name for at, name in changes[session] if at <= began - REMEMBERED_SECONDS]
            assert int(principal.roles[0]) >= max(true_then), "older than a second"


async def test_concurrent_requests_look_up_once_and_an_account_is_forgotten_whole() -> None:
    world = World()
    principals = Principals(lambda: 1000.0)
    for _ in range(5):
        await principals.find(world.claims(1), world.ask)
        await principals.find(world.claims(2), world.ask)
    assert world.asked == 2
    principals.forget(UUID(int=9))
    await principals.find(world.claims(1), world.ask)
    await principals.find(world.claims(2), world.ask)
    assert world.asked == 4


async def test_one_session_is_forgotten_without_the_accounts_others() -> None:
    world, principals = World(), Principals(lambda: 1000.0)
    for session in (1, 2, 1, 2):
        found = await principals.find(world.claims(session), world.ask)
        assert found.sid == UUID(int=session), "each session has its own entry"
    principals.forget(UUID(int=1))
    for session in (1, 2, 1, 2):
        await principals.find(world.claims(session), world.ask)
    assert world.asked == 3


async def test_a_session_does_not_use_the_entry_of_another() -> None:
    world, principals = World(), Principals(lambda: 1000.0)
    await principals.find(world.claims(1), world.ask)
    stranger = msgspec.structs.replace(world.claims(1), sub=UUID(int=8))
    assert (await principals.find(stranger, world.ask)).id == UUID(int=8)
    assert world.asked == 2


async def test_an_ended_session_is_looked_up_once_a_second() -> None:
    """C-168: for any number of requests."""
    world = World()
    principals, asked = Principals(lambda: world.now), 0

    async def nobody(claims: Claims) -> Principal:
        nonlocal asked
        asked += 1
        raise TOKEN_INVALID

    for _ in range(400):
        with pytest.raises(TOKEN_INVALID) as refused:
            await principals.find(world.claims(1), nobody)
        assert refused.value.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert asked == 1
    world.now += REMEMBERED_SECONDS
    assert (await principals.find(world.claims(1), world.ask)).sid == UUID(int=1)


async def test_an_outage_of_the_database_is_not_cached() -> None:
    world, principals = World(), Principals(lambda: 1000.0)

    async def down(claims: Claims) -> Principal:
        raise UNAVAILABLE

    with pytest.raises(UNAVAILABLE):
        await principals.find(world.claims(1), down)
    assert (await principals.find(world.claims(1), world.ask)).sid == UUID(int=1)


async def test_the_cache_of_principals_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "_MOST_REMEMBERED", 3)
    world, principals = World(), Principals()
    world.names = dict.fromkeys(range(10), 0)
    for session in range(10):
        await principals.find(world.claims(session), world.ask)
        assert len(principals._known) <= 3
