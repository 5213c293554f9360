"""Argon2id, outside of the event loop and bounded; and bcrypt, for imported hashes."""

import asyncio
import statistics
import time
from collections.abc import Iterator
from contextvars import ContextVar

import argon2
import bcrypt
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from api.kernel.errors import UNAVAILABLE
from api.kernel.identity import passwords as module
from api.kernel.identity.hashes import ARGON2, read
from api.kernel.identity.passwords import WAITING, WAITING_OTHERS, Passwords

pytestmark = pytest.mark.hashing
RIGHT = "correct hörse 🐎"
# Like other systems' hashes, but cheaper; the salt is fixed, for stable test names.
OLD = bcrypt.hashpw(RIGHT.encode(), b"$2b$04$" + b"a" * 21 + b"e").decode()


@pytest.fixture
def own() -> Iterator[Passwords]:
    made = Passwords()
    yield made
    made.close()


async def test_a_hash_has_owasps_parameters_and_a_salt_of_its_own(passwords: Passwords) -> None:
    one, other = await passwords.hash("correct horse"), await passwords.hash("correct horse")
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert one != other


async def test_only_the_right_password_matches(passwords: Passwords) -> None:
    kept = await passwords.hash("correct hörse 🐎")
    assert await passwords.verify(kept, "correct hörse 🐎")
    for wrong in ("", "correct horse", "correct hörse 🐎 ", "correct hörse 🐎\x00"):
        assert not await passwords.verify(kept, wrong)


@pytest.mark.parametrize(
    "corrupt",
    [
        "",
        "x",
        "$argon2id$v=19$m=19456,t=2,p=1$$",
        "$argon2id$v=19$m=1,t=0,p=0$YWJjZGVmZ2g$YWJjZGVmZ2g",
        "$2b$12$abc",
        "$2b$04$" + "!" * 53,
        "$2b$00$" + OLD[7:],
        "$2b$99$" + OLD[7:],
        "$2x$04$" + OLD[7:],
        "$2b$٠٤$" + OLD[7:],
        OLD + "x",
        "\n" + OLD,
        "$argon2id$v=19$m=-8,t=1,p=1$YWJjZGVmZ2g$YWJjZGVmZ2g",
        "ü",
    ],
)
async def test_a_malformed_hash_matches_no_password(passwords: Passwords, corrupt: str) -> None:
    assert await passwords.verify(corrupt, "x") is False


@hypothesis_settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(), st.text())
async def test_no_hash_causes_a_failure(passwords: Passwords, corrupt: str, password: str) -> None:
    assert await passwords.verify(corrupt, password) is False
    assert await passwords.verify("$argon2id$" + corrupt, password) is False


@pytest.mark.parametrize("version", ["2a", "2b", "2y"])
async def test_a_bcrypt_hash_is_verified(passwords: Passwords, version: str) -> None:
    kept = f"${version}{OLD[3:]}"
    assert await passwords.verify(kept, RIGHT)
    for wrong in ("", RIGHT + " ", RIGHT[:-1], RIGHT + "\x00", "\ud800"):
        assert not await passwords.verify(kept, wrong)


async def test_a_hash_with_other_parameters_needs_a_rehash(passwords: Passwords) -> None:
    """C-59."""
    assert not passwords.outdated(await passwords.hash(RIGHT), RIGHT)
    assert passwords.outdated(OLD, RIGHT)
    for passes, memory, lanes in ((3, 19_456, 1), (2, 8192, 1), (2, 19_456, 2)):
        other = argon2.PasswordHasher(passes, memory, lanes).hash(RIGHT)
        assert passwords.outdated(other, RIGHT)
        assert await passwords.verify(other, RIGHT), "it still matches"
    other = argon2.PasswordHasher(2, 19_456, 1, type=argon2.Type.I).hash(RIGHT)
    assert passwords.outdated(other, RIGHT)


@pytest.mark.parametrize(
    "greedy",
    [
        "$argon2id$v=19$m=4194304,t=1,p=1$YWJjZGVmZ2g$YWJjZGVmZ2g",
        "$argon2id$v=19$m=19456,t=100000,p=1$YWJjZGVmZ2g$YWJjZGVmZ2g",
        "$argon2id$v=19$m=65536,t=1,p=5000$YWJjZGVmZ2g$YWJjZGVmZ2g",
        "$argon2id$v=19$m=999999999999999999999,t=1,p=1$YWJjZGVmZ2g$YWJjZGVmZ2g",
        "$2b$16$" + OLD[7:],
        "$2b$31$" + OLD[7:],
    ],
)
async def test_an_expensive_hash_costs_as_much_as_any_other(passwords: Passwords, greedy: str) -> None:
    """C-59: 4 GiB or days for a sign-in."""
    async with asyncio.timeout(30):
        assert not await passwords.verify(greedy, "x")


@pytest.mark.alone
async def test_an_unknown_account_costs_as_much_as_a_wrong_password(passwords: Passwords) -> None:
    kept = await passwords.hash("correct horse")

    async def seconds(password_hash: str | None) -> float:
        began = time.perf_counter()
        assert not await passwords.verify(password_hash, "wrong")
        return time.perf_counter() - began

    pairs = [(await seconds(kept), await seconds(None)) for _ in range(15)]
    known, unknown = (statistics.median(side) for side in zip(*pairs, strict=True))
    assert 0.5 < unknown / known < 2


@pytest.mark.alone
async def test_a_refusal_costs_the_same_for_every_kind_of_hash(passwords: Passwords) -> None:
    """C-156: CPU time of the process, alternating, so that other programs do not matter."""
    costly = [
        bcrypt.hashpw(b"right", bcrypt.gensalt(10)).decode(),
        argon2.PasswordHasher(3, 32_768, 1).hash("right"),
        "$scrypt$ln=14,r=8,p=1$AAAA$" + "A" * 43,
        "$P$F" + "a" * 30,
        "$pbkdf2-sha256$60000$AAAA$" + "A" * 43,
        "$pbkdf2-sha256$240000$AAAA$" + "A" * 43,
        await passwords.hash("right"),
    ]
    kinds = [read(each).kind for each in costly]
    spent: dict[str | None, list[float]] = {each: [] for each in (*costly, None)}
    for _ in range(5):
        for each, seconds in spent.items():
            began = time.process_time()
            assert not await passwords.verify(each, "wrong", kinds)
            seconds.append(time.process_time() - began)
    medians = [statistics.median(seconds) for seconds in spent.values()]
    assert max(medians) / min(medians) < 1.5, medians


@pytest.mark.parametrize(
    "kind", ["", "junk", "$2b$99$", "$2b$31$", "$argon2id$v=19$m=4194304,t=9,p=1$", "$argon2x$m=1$"]
)
async def test_an_unknown_or_expensive_kind_costs_nothing(passwords: Passwords, kind: str) -> None:
    """C-59."""
    async with asyncio.timeout(30):
        assert not await passwords.verify(None, "wrong", [kind])


async def test_a_storm_is_refused_before_it_queues(own: Passwords) -> None:
    storm = [asyncio.create_task(own.verify(None, "x", signing_in=True)) for _ in range(WAITING + 10)]
    done, _ = await asyncio.wait(storm, return_when=asyncio.FIRST_COMPLETED)
    refused = [task for task in done if task.exception()]
    assert len(refused) == 10, "at once, without waiting"
    assert {type(task.exception()) for task in refused} == {UNAVAILABLE}
    with pytest.raises(UNAVAILABLE):
        own.refuse_when_full()
    with pytest.raises(UNAVAILABLE):
        await own.verify(None, "x", signing_in=True)
    for task in storm:
        task.cancel()  # their clients disconnected
    await asyncio.wait(storm)
    async with asyncio.timeout(60):
        assert not await own.verify(None, "x"), "there is room again, and cancelled callers are not served"
    own.refuse_when_full()


async def test_registrations_leave_room_for_sign_ins(own: Passwords) -> None:
    """C-174."""
    storm = [asyncio.create_task(own.hash("x")) for _ in range(WAITING)]
    done, _ = await asyncio.wait(storm, return_when=asyncio.FIRST_COMPLETED)
    assert len([task for task in done if task.exception()]) == WAITING - WAITING_OTHERS
    own.refuse_when_full()
    assert not await own.verify(None, "x", signing_in=True)
    await asyncio.gather(*storm, return_exceptions=True)


async def test_a_network_that_fills_the_queue_does_not_block_others() -> None:
    """C-174: ten callers from elsewhere, concurrently with two hundred from one network."""
    network = ContextVar("network", default="here")
    passwords = Passwords(network.get)
    try:
        crowd = [asyncio.create_task(passwords.verify(None, "x", signing_in=True)) for _ in range(200)]
        await asyncio.sleep(0)
        network.set("elsewhere")
        answers = await asyncio.gather(*(passwords.verify(None, "x", signing_in=True) for _ in range(10)))
        assert answers == [False] * 10
        assert not all(task.done() for task in crowd), "and they do not wait for the crowd"
        refused = [answer for answer in await asyncio.gather(*crowd, return_exceptions=True) if answer is not False]
        assert {type(answer) for answer in refused} == {UNAVAILABLE}
    finally:
        passwords.close()


async def test_the_event_loop_continues_while_passwords_are_hashed(own: Passwords) -> None:
    hashing = asyncio.gather(*(own.hash("x") for _ in range(20)))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert len(await hashing) == 20
    assert turns > 200, "many turns of the loop for each hash"


async def test_a_closed_hasher_refuses() -> None:
    made = Passwords()
    made.close()
    with pytest.raises(RuntimeError):
        await made.hash("x")


def test_no_password_matches_the_decoy() -> None:
    assert ARGON2.hash(b"") != module._DUMMY
    assert module._DUMMY.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
