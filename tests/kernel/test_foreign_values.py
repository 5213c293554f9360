"""Foreign values in Redis under this application's keys: no request fails, and the next one finds a valid key."""

from collections.abc import Sequence
from typing import Any

import pytest
from starlette.applications import Starlette

from api.kernel.context import Context
from api.kernel.data.cache import MAX_VALUE_BYTES, Cache
from api.kernel.errors import RATE_LIMITED
from api.kernel.identity.limits import Limit, Limiter, Verdict
from api.kernel.outbox.consumers import KNOWN_SECONDS, ConsumerLag, Incoming, consume, read_lag, report_lag
from api.kernel.outbox.tasks import HEARTBEAT_KEY
from api.kernel.settings import Rate, Settings
from api.system.routes import measure_parts
from tests.conftest import client_of
from tests.kernel.things import Holder, Thing, find_thing

TYPES: list[Sequence[Any]] = [
    ("RPUSH", "KEY", "x"),
    ("RPUSH", "KEY", 1, "x", 1),
    ("RPUSH", "KEY", 1, 2**62, 1),
    ("SADD", "KEY", "x"),
    ("ZADD", "KEY", 1, "x"),
    ("HSET", "KEY", "x", "y"),
    ("XADD", "KEY", "*", "x", "y"),
    ("SET", "KEY", "x"),
    ("SET", "KEY", b"\xff\x00"),
    ("SET", "KEY", b"[" * 5000),
    ("SET", "KEY", b"x" * (MAX_VALUE_BYTES * 4)),
]
NUMBERS = [("SET", "KEY", value) for value in ("nan", "-nan", "inf", "-inf", "1e308", "-1", "0", "9" * 500, " ", "0x")]
LOGGED = "unusable value in redis deleted"
RATE = Rate(2, 60)


async def plant(cache: Cache, command: Sequence[Any], key: str) -> None:
    await cache.execute("DEL", key)
    await cache.execute(*(key if part == "KEY" else part for part in command))


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the keys that the log names."""
    return [record.fields["key"] for record in caplog.records if record.message == LOGGED]  # type: ignore[attr-defined]


def left(verdict: Verdict) -> list[int]:
    return [count.left for count in verdict.counts]


def is_up(caplog: pytest.LogCaptureFixture) -> bool:
    return "redis is not available" not in [record.message for record in caplog.records]


@pytest.mark.parametrize("command", TYPES, ids=str)
async def test_an_invalid_cached_answer_is_a_miss(
    cache: Cache, caplog: pytest.LogCaptureFixture, command: Sequence[Any]
) -> None:
    """C-197."""
    holder, key = Holder(cache), find_thing.key(1)
    await plant(cache, command, key)
    assert [await find_thing(holder, 1) for _ in range(3)] == [Thing(1, "it")] * 3
    assert (holder.calls, told(caplog), is_up(caplog)) == (1, [key], True)


@pytest.mark.parametrize("command", [*TYPES, *NUMBERS], ids=str)
async def test_a_limit_with_an_invalid_key_counts_anew(
    settings: Settings, cache: Cache, caplog: pytest.LogCaptureFixture, command: Sequence[Any]
) -> None:
    """C-197: other limits, of the same or of another request, are not affected."""
    limiter = Limiter(settings, cache)
    bad, good = Limit("limit:bad", "bad", RATE), Limit("limit:good", "good", RATE)
    await limiter.charge([good])
    await plant(cache, command, bad.key)
    assert left(await limiter.charge([bad, good])) == [1, 0]
    with pytest.raises(RATE_LIMITED):
        await limiter.charge([good])
    assert left(await limiter.charge([bad])) == [0]
    with pytest.raises(RATE_LIMITED):
        await limiter.charge([bad])
    assert (told(caplog), is_up(caplog)) == ([bad.key], True)


@pytest.mark.parametrize("command", [*TYPES, *NUMBERS], ids=str)
async def test_a_refund_to_an_invalid_key_does_nothing(
    settings: Settings, cache: Cache, caplog: pytest.LogCaptureFixture, command: Sequence[Any]
) -> None:
    """C-197."""
    limiter, bad, good = Limiter(settings, cache), Limit("limit:bad", "bad", RATE), Limit("limit:good", "good", RATE)
    verdict = await limiter.charge([bad, good])
    await plant(cache, command, bad.key)
    await limiter.refund(verdict)
    assert left(await limiter.charge([bad, good])) == [1, 1]
    assert (told(caplog), is_up(caplog)) == ([bad.key], True)


@pytest.mark.parametrize(
    "command",
    [
        *TYPES,
        ("HSET", "KEY", "x", "[1]"),
        ("HSET", "KEY", "x", '["t","g",1,"x"]'),
        ("HSET", "KEY", "x", b"\xff"),
        ("HSET", "KEY", "x", b"[" * 5000),
        ("HSET", "KEY", *(str(number) for number in range(20_004))),
    ],
    ids=lambda command: str(command)[:40],
)
async def test_an_unreadable_lag_is_unknown_until_a_worker_reports_it(
    app: Starlette, cache: Cache, caplog: pytest.LogCaptureFixture, command: Sequence[Any]
) -> None:
    """C-197."""
    key = "consumers:lag"
    await plant(cache, command, key)
    async with client_of(app) as client:
        answer = await client.get("/api/health/full")
        assert answer.status_code == 200
        consumer = consume("orders", CloseOrder, handle)
        await report_lag(cache, consumer, {0: 2})  # also repairs a key that was never read
        await report_lag(cache, consumer, {0: 2})
        assert await read_lag(cache) == [ConsumerLag("orders", consumer.group, 2)]
        assert await cache.execute("TTL", key) <= KNOWN_SECONDS
    assert (told(caplog), is_up(caplog)) == ([key], True)


@pytest.mark.parametrize("command", TYPES, ids=lambda command: str(command)[:40])
async def test_reporting_a_lag_repairs_its_key(
    cache: Cache, caplog: pytest.LogCaptureFixture, command: Sequence[Any]
) -> None:
    """C-197."""
    await plant(cache, command, "consumers:lag")
    consumer = consume("orders", CloseOrder, handle)
    for _ in range(2):
        await report_lag(cache, consumer, {0: 2})
    assert len(await read_lag(cache)) <= 1
    assert is_up(caplog)


@pytest.mark.parametrize("command", TYPES, ids=lambda command: str(command)[:40])
async def test_an_invalid_heartbeat_counts_as_none(app: Starlette, cache: Cache, command: Sequence[Any]) -> None:
    """C-197: a worker's own expires within seconds."""
    await plant(cache, command, HEARTBEAT_KEY)
    report = await measure_parts(app.state.context)
    assert report.checks
    assert report.checks["worker"] == "down"


class CloseOrder(Incoming, frozen=True, tag="orders.close"):
    order_id: str


async def handle(context: Context, db: Any, message: Any) -> None: ...
