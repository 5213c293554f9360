"""The cache in Redis: kept answers, and one call for concurrent misses."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.data.cache import Cache, Script, cached, open_cache
from api.kernel.settings import Settings
from tests.kernel.things import Holder, Thing, find_thing


@cached(60)
async def fail(holder: Holder) -> Thing:
    holder.calls += 1
    await asyncio.sleep(0)
    raise LookupError("nothing")


class Gate:
    """Return a cached function that waits until it is opened."""

    def __init__(self) -> None:
        self.entered, self.open = asyncio.Event(), asyncio.Event()

        @cached(60)
        async def pass_gate(holder: Holder) -> int:
            holder.calls += 1
            self.entered.set()
            await self.open.wait()
            return holder.calls

        self.cross = pass_gate


@pytest.fixture
def holder(cache: Cache) -> Holder:
    return Holder(cache)


async def test_a_value_is_there_until_it_is_deleted(cache: Cache) -> None:
    assert await cache.get("a") is None
    await cache.set("a", b"\x00\xff", 60)
    await cache.set("b", b"2", 60)
    assert (await cache.get("a"), await cache.get("b")) == (b"\x00\xff", b"2")
    await cache.delete("a", "b")
    assert (await cache.get("a"), await cache.get("b")) == (None, None)


async def test_a_value_is_kept_for_its_seconds(cache: Cache) -> None:
    await cache.set("a", b"1", 12.5)
    assert 0 < await cache.execute("PTTL", "a") <= 12_500
    await cache.set("b", b"1", 0.01)
    async with asyncio.timeout(60):
        while await cache.get("b") is not None:
            pass


async def test_an_answer_is_computed_once_and_then_kept(holder: Holder) -> None:
    assert [await find_thing(holder, 1) for _ in range(3)] == [Thing(1, "it")] * 3
    assert holder.calls == 1
    await find_thing(holder, 2)
    assert holder.calls == 2
    assert 0 < await holder.cache.execute("PTTL", find_thing.key(1)) <= 60_000


async def test_equal_arguments_share_an_answer(holder: Holder) -> None:
    await find_thing(holder, 1)
    await find_thing(holder, id=1)
    await find_thing(holder, 1, "it")
    await find_thing(holder, name="it", id=1)
    assert holder.calls == 1
    await find_thing.invalidate(holder, id=1)
    await find_thing(holder, 1)
    assert holder.calls == 2


async def test_an_invalidated_answer_is_computed_again(holder: Holder) -> None:
    await find_thing(holder, 1)
    await find_thing(holder, 2)
    await find_thing.invalidate(holder, 1)
    await find_thing(holder, 1)
    await find_thing(holder, 2)
    assert holder.calls == 3


async def test_a_hundred_concurrent_misses_make_one_call(holder: Holder) -> None:
    gate = Gate()
    asking = [asyncio.create_task(gate.cross(holder)) for _ in range(100)]
    await gate.entered.wait()
    gate.open.set()
    assert await asyncio.gather(*asking) == [1] * 100
    assert holder.cache.flights == {}


async def test_a_cancelled_caller_does_not_cancel_the_others(holder: Holder) -> None:
    gate = Gate()
    asking = [asyncio.create_task(gate.cross(holder)) for _ in range(3)]
    await gate.entered.wait()
    asking[0].cancel()
    gate.open.set()
    first, *others = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(first, asyncio.CancelledError)
    assert others == [1, 1]


async def test_an_exception_reaches_all_callers_and_is_not_kept(holder: Holder) -> None:
    outcomes = await asyncio.gather(*(fail(holder) for _ in range(5)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {LookupError}
    assert holder.calls == 1
    with pytest.raises(LookupError):
        await fail(holder)
    assert holder.calls == 2
    assert holder.cache.flights == {}


async def test_an_exception_without_a_caller_is_not_reported(holder: Holder) -> None:
    heard: list[object] = []
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, told: heard.append(told))
    try:
        asking = asyncio.create_task(fail(holder))
        await asyncio.sleep(0)  # until it has started
        [flight] = holder.cache.flights.values()
        asking.cancel()
        await asyncio.wait([asking, flight])
        del flight
    finally:
        loop.set_exception_handler(before)
    assert heard == []


async def test_a_call_after_the_invalidation_does_not_get_the_earlier_answer(holder: Holder) -> None:
    gate = Gate()
    early = asyncio.create_task(gate.cross(holder))
    await gate.entered.wait()
    await gate.cross.invalidate(holder)
    gate.entered.clear()
    late = asyncio.create_task(gate.cross(holder))
    await gate.entered.wait()
    gate.open.set()
    await asyncio.gather(early, late)
    assert holder.calls == 2
    assert holder.cache.flights == {}


async def test_a_cancelled_call_is_forgotten(holder: Holder) -> None:
    gate = Gate()
    asking = asyncio.create_task(gate.cross(holder))
    await gate.entered.wait()
    [flight] = holder.cache.flights.values()
    flight.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert holder.cache.flights == {}


@pytest.mark.parametrize("kept", [b"nonsense", b'{"id":1}', b'{"id":"1","name":2}', b"null"])
async def test_an_answer_in_an_older_format_is_a_miss(holder: Holder, kept: bytes) -> None:
    await holder.cache.set(find_thing.key(1), kept, 60)
    assert await find_thing(holder, 1) == Thing(1, "it")
    assert holder.calls == 1
    assert await holder.cache.get(find_thing.key(1)) == b'{"id":1,"name":"it"}'


def test_a_cached_function_keeps_its_signature() -> None:
    assert (find_thing.__name__, find_thing.__doc__) == ("find_thing", "A thing.")  # type: ignore[attr-defined]


KEYS = """
from uuid import UUID
from api.kernel.data.cache import cached
from api.kernel.settings import Rate
async def f(context, id: UUID, names: set[str], options: dict[str, int], rate: Rate, flag: bool = False) -> int: ...
f.__module__, f.__qualname__ = "a", "f"
made = cached(1)(f)
names = {"b", "a", "c", "longer", "words"}
print(made.key(UUID(int=7), names, {"z": 1, "a": 2}, Rate(1, 2)), made.key(UUID(int=7), names, {}, Rate(1, 3), True))
"""


def test_keys_are_the_same_in_every_process(root: Path) -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", KEYS],
            cwd=root,
            env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    [keys] = told
    one, other = keys.split()
    assert one != other
    assert one.startswith("cached:a.f:")


@given(st.integers(), st.integers(), st.text(), st.text())
def test_other_arguments_have_another_answer(one: int, other: int, first: str, second: str) -> None:
    same = (one, first) == (other, second)
    try:
        assert (find_thing.key(one, first) == find_thing.key(other, second)) is same
    except (OverflowError, UnicodeEncodeError):  # values that JSON cannot represent are refused
        assert max(abs(one), abs(other)) >= 2**63 or any("\ud800" <= each <= "\udfff" for each in first + second)


async def test_a_script_is_sent_again_when_redis_lost_it(cache: Cache) -> None:
    script = Script("return {KEYS[1], ARGV[1]}")
    await cache.execute("SCRIPT", "FLUSH")
    for _ in range(2):
        assert await cache.evaluate(script, ["k"], [7]) == [b"k", b"7"]


async def test_a_burst_of_more_than_there_are_connections_is_served(settings: Settings) -> None:
    async with open_cache(settings) as cache:
        await cache.set("burst", b"1", 60)
        answers = await asyncio.gather(*(cache.get("burst") for _ in range(300)))
        assert answers == [b"1"] * 300
        assert await cache.execute("PING"), "no outage is reported"


async def test_an_id_and_a_time_are_keys_too(holder: Holder) -> None:
    @cached(60)
    async def find(holder: Holder, id: UUID) -> int:
        holder.calls += 1
        return holder.calls

    assert [await find(holder, UUID(int=1)), await find(holder, UUID(int=1)), await find(holder, UUID(int=2))] == [
        1,
        1,
        2,
    ]
