"""Turns: few places, shared fairly."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from api.kernel.errors import UNAVAILABLE
from api.kernel.identity.turns import Turns


async def waiting(turns: Turns, *networks: str, most: int = 8) -> list[asyncio.Task[str]]:
    """Start tasks that wait for a place, in this order."""

    async def wait(network: str) -> str:
        await turns.take(network, most)
        return network

    tasks = [asyncio.create_task(wait(network)) for network in networks]
    await asyncio.sleep(0)
    return tasks


async def served(turns: Turns, tasks: list[asyncio.Task[str]]) -> str:
    """Return the order in which they get their place, each returning it at once."""
    order = ""
    pending = set(tasks)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            order += task.result()
            turns.give()
    return order


async def test_networks_take_turns() -> None:
    """C-174."""
    turns = Turns(1)
    await turns.take("x", 8)
    tasks = await waiting(turns, "a", "a", "a", "a", "b", "c", "b")
    turns.give()
    assert await served(turns, tasks) == "abcabaa"


async def test_in_a_full_queue_the_largest_network_gives_way_to_a_smaller_one() -> None:
    """C-174."""
    turns = Turns(1)
    await turns.take("x", 8)
    crowd = await waiting(turns, *"aaaaaaa")
    [newcomer] = await waiting(turns, "b")
    await asyncio.sleep(0)
    assert [task.done() for task in crowd] == [False] * 6 + [True]
    assert isinstance(crowd[-1].exception(), UNAVAILABLE)
    assert not newcomer.done()
    with pytest.raises(UNAVAILABLE):
        await turns.take("a", 8)
    turns.give()
    assert await served(turns, [*crowd[:-1], newcomer]) == "abaaaaa"


STEPS = st.lists(st.tuples(st.sampled_from(["take", "take", "give", "leave"]), st.integers(0, 3)), max_size=60)


@given(STEPS, st.integers(1, 3), st.integers(3, 8))
@examples(deadline=None)
async def test_no_place_is_lost_or_given_twice(steps: list[tuple[str, int]], places: int, most: int) -> None:
    turns, tasks, given = Turns(places), list[asyncio.Task[str]](), 0
    for step, number in steps:
        if step == "take":
            tasks += await waiting(turns, "abcd"[number], most=most)
        elif step == "leave" and tasks:
            tasks[number % len(tasks)].cancel()
        elif given < len(holding(tasks)):
            given += 1
            turns.give()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(holding(tasks)) - given <= places
        queued = [task for task in tasks if not task.done()]
        assert len(queued) + len(holding(tasks)) - given <= most
        assert not queued or len(holding(tasks)) - given == places, "who waits, waits for a place that is taken"
    for _ in range(len(tasks)):
        if given < len(holding(tasks)):
            given += 1
            turns.give()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert all(task.done() for task in tasks)
    assert turns._free == places


def holding(tasks: list[asyncio.Task[str]]) -> list[asyncio.Task[str]]:
    """Return those that got a place."""
    return [task for task in tasks if task.done() and not task.cancelled() and not task.exception()]
