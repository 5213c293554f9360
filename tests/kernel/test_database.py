"""Transactions, the meaning of PostgreSQL's errors, and ids."""

import asyncio
import datetime
import logging
import time
from uuid import UUID

import asyncpg
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from api.kernel.context import Context
from api.kernel.data import database
from api.kernel.data.database import (
    SERIALIZATION_FAILURE,
    Database,
    Violation,
    constraint_problem,
    open_database,
    uuid7,
)
from api.kernel.errors import CONFLICT, NOT_FOUND, UNAVAILABLE, VALIDATION_FAILED
from api.kernel.settings import Settings
from tests.kernel.signals import points
from tests.transactions import Another

CANARY = "canary-value-77"


@pytest.mark.deadlines
async def test_a_session_has_the_documented_limits(small: Database) -> None:
    statement = "select name, current_setting(name) as value from unnest($1::text[]) as name"
    rows = await small.fetch(statement, list(database.SERVER_SETTINGS))
    assert {row["name"]: row["value"] for row in rows} == database.SERVER_SETTINGS
    assert (database.ACQUIRE_SECONDS, database.COMMAND_SECONDS, database.CONNECT_SECONDS) == (1.0, 3.0, 0.9)


async def test_a_transaction_is_all_or_nothing(small: Database) -> None:
    async def work() -> None:
        async with small.transaction() as db:
            await db.fetch("insert into things values (1, 'a')")
            raise NOT_FOUND

    with pytest.raises(NOT_FOUND):
        await work()
    assert await small.fetch("select 1 from things") == []
    async with small.transaction() as db:
        await db.fetch("insert into things values (1, 'a')")
        assert await Another(small).fetch("select 1 from things") == [], "the row is not visible before the commit"
    assert len(await small.fetch("select 1 from things")) == 1


async def test_transactions_nest_as_savepoints(small: Database) -> None:
    async with small.transaction() as outer:
        await outer.fetch("insert into things values (1, 'a')")

        async def work() -> None:
            async with outer.transaction() as inner:
                await inner.fetch("insert into things values (2, 'b')")
                await inner.fetch("insert into things values (1, 'again')")

        with pytest.raises(Violation):
            await work()
        async with outer.transaction() as inner:
            await inner.fetch("insert into things values (3, 'c')")
    assert [row["id"] for row in await small.fetch("select id from things order by id")] == [1, 3]


async def test_subscribers_belong_to_the_transaction(small: Database) -> None:
    db = Database(small._pool, subscribers={"a.b": ("x",)})
    async with db.transaction() as outer, outer.transaction() as inner:
        assert inner.subscribers == {"a.b": ("x",)}


async def test_a_constraint_is_reported_by_its_name(small: Database) -> None:
    with pytest.raises(Violation) as violated:
        await small.fetch("insert into things values (1, '')")
    assert violated.value.constraint == "things_name"
    assert isinstance(constraint_problem(violated.value, {"things_name": NOT_FOUND}), NOT_FOUND)


async def test_an_unmapped_constraint_is_a_conflict(caplog: pytest.LogCaptureFixture) -> None:
    assert isinstance(constraint_problem(Violation("things_name"), {}), CONFLICT)
    [record] = caplog.records
    assert (record.levelname, record.fields) == ("ERROR", {"constraint": "things_name"})  # type: ignore[attr-defined]


LATE = datetime.timezone(datetime.timedelta(hours=14))


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("select $1::text", f"{CANARY}\x00"),
        ("select $1::text", f"{CANARY}\ud800"),
        ("select $1::text[]", [f"{CANARY}\x00"]),
        ("select $1::text::jsonb", f'"{CANARY}\\u0000"'),
        ("select $1::text::jsonb", f'["{CANARY}"' + "[" * 20_000),
        ("select $1::int", 2**31),
        ("select $1::bigint", 2**63),
        ("select $1::float8", 10**400),
        ("select $1::uuid", CANARY),
        ("select $1::timestamptz", datetime.datetime(1, 1, 1, tzinfo=LATE)),
        ("select 1 / $1::int", 0),
        ("select 'x' ~ $1::text", f"({CANARY}"),
    ],
    ids=range(12),
)
async def test_a_value_that_postgresql_rejects_is_a_client_error_and_counted(
    db: Database, metrics: InMemoryMetricReader, caplog: pytest.LogCaptureFixture, statement: str, value: object
) -> None:
    def counted() -> int:
        return sum(point.value for point in points(metrics, "db.refused_values"))

    before = counted()
    with pytest.raises(VALIDATION_FAILED) as refused:
        async with db.transaction() as inner:
            await inner.fetch(statement, value)
    assert counted() == before + 1
    told = f"{refused.value!r} {refused.value.detail} {refused.value.__cause__} {caplog.text}"
    assert CANARY not in told
    assert refused.value.__suppress_context__


async def test_a_programming_error_is_not_an_outage(small: Database) -> None:
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await small.fetch("selekt 1")


async def test_an_older_schema_is_an_outage_with_its_remedy(small: Database, caplog: pytest.LogCaptureFixture) -> None:
    for statement in ("select 1 from not_yet", "select not_yet from things"):
        with pytest.raises(UNAVAILABLE) as raised:
            await small.fetch(statement)
        assert raised.value.remedy is not None
        assert "python -m migrations" in raised.value.remedy
    assert caplog.text.count("postgresql is misconfigured") == 1, "once, not for each statement"


@pytest.mark.parametrize("state", ["53100", "53200", "53300"], ids=["disk", "memory", "connections"])
async def test_a_server_that_is_full_is_an_outage(small: Database, state: str) -> None:
    """F-37: PostgreSQL rolls back what it has no room for; with room again, the same connection works."""

    async def work() -> None:
        async with small.transaction() as db:
            await db.fetch("insert into things values (1, 'a')")
            await db.fetch(f"do $$ begin raise sqlstate '{state}'; end $$")

    with pytest.raises(UNAVAILABLE):
        await work()
    assert await small.fetch("select 1 from things") == []


async def test_a_serialization_failure_is_recognized(small: Database) -> None:
    """Two transactions that read what the other writes: one of them must retry."""
    await small.fetch("insert into things values (1, 'a'), (2, 'b')")

    async def work() -> None:
        async with Another(small).transaction() as one, Another(small).transaction() as two:
            for db in (one, two):
                await db.fetch("set transaction isolation level serializable")
                await db.fetch("select sum(id) from things")
            await one.fetch("insert into things values (3, 'c')")
            await two.fetch("insert into things values (4, 'd')")

    with pytest.raises(SERIALIZATION_FAILURE):
        await work()


async def test_a_deadlock_is_a_serialization_failure(small: Database) -> None:
    await small.fetch("insert into things values (1, 'a'), (2, 'b')")
    holding = asyncio.Barrier(2)

    async def update(first: int, then: int) -> None:
        async with small.transaction() as db:
            await db.fetch("update things set name = 'x' where id = $1", first)
            await holding.wait()
            await db.fetch("update things set name = 'x' where id = $1", then)

    outcomes = await asyncio.gather(update(1, 2), update(2, 1), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "SERIALIZATION_FAILURE"]


async def test_a_notification_is_received_while_listening(small: Database) -> None:
    heard = asyncio.Event()
    async with small.listen("canary", heard.set):
        async with small.transaction() as db:
            await db.fetch("select pg_notify('canary', '')")
            assert not heard.is_set()
        async with asyncio.timeout(60):
            await heard.wait()
    heard.clear()
    await small.fetch("select pg_notify('canary', '')")
    another = Another(small)
    async with another.transaction(), another.transaction() as db:  # the connection is back in the pool
        await db.fetch("select 1")
    assert not heard.is_set()


async def test_behind_a_transaction_pooler_nothing_is_prepared(cloned: Settings) -> None:
    pooled = msgspec.structs.replace(cloned, database_transaction_pooling=True)
    async with open_database(pooled, {}, 1) as db:
        await db.fetch("select $1::int", 1)
        assert await db.fetch("select 1 from pg_prepared_statements where statement = 'select $1::int'") == []
    async with open_database(cloned, {}, 1) as db:
        await db.fetch("select $1::int", 1)
        assert len(await db.fetch("select 1 from pg_prepared_statements where statement = 'select $1::int'")) == 1


async def test_a_revoked_password_is_an_outage(cloned: Settings, caplog: pytest.LogCaptureFixture) -> None:
    wrong = msgspec.structs.replace(cloned, database_url=cloned.database_url.replace("@", "x@"))
    async with open_database(wrong, {}) as db:
        with pytest.raises(UNAVAILABLE):
            await db.fetch("select 1")
    assert "starting without postgresql" in caplog.text


@given(st.integers(1, 200))
def test_ids_are_of_version_7_and_sort_by_their_time(count: int) -> None:
    earliest = time.time_ns() // 1_000_000
    made = [uuid7() for _ in range(count)]
    latest = time.time_ns() // 1_000_000
    assert {(each.version, each.variant) for each in made} == {(7, "specified in RFC 4122")}
    assert len(set(made)) == count
    times = [each.int >> 80 for each in made]
    assert times == sorted(times)
    assert earliest <= times[0] <= times[-1] <= latest
    assert UUID(str(made[0])) == made[0]


def test_an_id_sorts_as_text_and_as_bytes_by_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def at(nanoseconds: int) -> UUID:
        monkeypatch.setattr(time, "time_ns", lambda: nanoseconds)
        return uuid7()

    made = [at(1_000_000 * millisecond) for millisecond in (1, 255, 256, 10**6, 10**12, 2**48 - 1)]
    assert made == sorted(made) == sorted(made, key=str) == sorted(made, key=lambda each: each.bytes)


async def test_no_message_of_the_driver_is_logged(live: Context, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    statement = "insert into users (id, email, password_hash) values ($1, $2, $3)"
    await live.db.fetch(statement, uuid7(), f"{CANARY}@example.com", CANARY)
    with pytest.raises(Violation) as violated:
        await live.db.fetch(statement, uuid7(), f"{CANARY}@example.com", CANARY)
    assert CANARY not in caplog.text + repr(violated.value)
