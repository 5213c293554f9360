"""C-466: names that are not answered delay neither other endpoints nor the process."""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from api.webhooks import names

real = socket.getaddrinfo


class Resolver:
    """Names below `silent.example` are answered after `release`."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.asked: Counter[str] = Counter()

    def __call__(self, host: str, *more: Any, **options: Any) -> Any:
        self.asked[host] += 1
        if host.endswith("silent.example"):
            self.released.wait(120)
            raise socket.gaierror("no answer")
        return real(host, *more, **options)


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Resolver]:
    made = Resolver()
    monkeypatch.setattr(socket, "getaddrinfo", made)
    yield made
    made.released.set()


async def test_a_name_is_resolved_while_many_others_are_not_answered(resolver: Resolver) -> None:
    silent = [asyncio.create_task(names.resolve(f"{n}.silent.example", 443)) for n in range(100)]
    async with asyncio.timeout(60):
        assert set(await names.resolve("localhost", 443)) <= {"127.0.0.1", "::1"}
    resolver.released.set()
    async with asyncio.timeout(60):
        found = await asyncio.gather(*silent, return_exceptions=True)
    assert {type(each) for each in found} == {socket.gaierror}


async def test_a_name_is_looked_up_once_at_a_time_also_after_a_caller_gave_up(resolver: Resolver) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await names.resolve("a.silent.example", 443)
    again = [asyncio.create_task(names.resolve("a.silent.example", 443)) for _ in range(20)]
    await asyncio.sleep(0)
    resolver.released.set()
    async with asyncio.timeout(60):
        found = await asyncio.gather(*again, return_exceptions=True)
    assert {type(each) for each in found} == {socket.gaierror}
    assert resolver.asked["a.silent.example"] == 1


async def test_look_ups_in_progress_are_bounded(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "MOST_LOOKUPS", 1)
    first = asyncio.create_task(names.resolve("b.silent.example", 443))
    await asyncio.sleep(0)
    with pytest.raises(OSError, match="too many"):
        await names.resolve("localhost", 443)
    resolver.released.set()
    with pytest.raises(socket.gaierror):
        await first
    assert await names.resolve("localhost", 443), "there is room again"
