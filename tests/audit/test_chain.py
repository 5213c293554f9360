"""The chain of hashes: detects changes, and can be recomputed without this project's code."""

import asyncio
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import hypothesis
import hypothesis.strategies as st
import msgspec
import pytest

from api.audit.chain import AT_ONCE, START, Broken, Walked, seal, walk
from api.audit.types import Head
from api.kernel.context import Context, Origin
from api.kernel.data.database import uuid7
from api.kernel.outbox.events import record
from api.users.events import UserDisabled
from tests.audit.entries import announce, chain_of
from tests.transactions import Another

pytestmark = [pytest.mark.asvs("16.4.2"), pytest.mark.cwe(345)]


async def last(context: Context, expected: Head | None = None) -> Walked:
    """Return the end of a walk over the whole chain."""
    return [walked async for walked in walk(context.db, expected)][-1]


async def broken(context: Context, expected: Head | None = None) -> str:
    with pytest.raises(Broken) as refusal:
        await last(context, expected)
    return str(refusal.value)


def canonical(*parts: Any) -> bytes:
    return json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


async def test_the_chain_can_be_recomputed(context: Context) -> None:
    """With the standard library only, as docs/security.md describes it."""
    await chain_of(context, 3)
    previous = "00" * 32
    rows = await context.db.fetch("select * from audit_entries order by position")
    for position, row in enumerate(rows, 1):
        data = hashlib.sha256(canonical(str(row["data_salt"]), json.loads(row["data"]))).hexdigest()
        origin = hashlib.sha256(canonical(str(row["origin_salt"]), row["address"], row["user_agent"])).hexdigest()
        link = canonical(
            previous,
            position,
            str(row["id"]),
            row["type"],
            str(row["key"]),
            row["principal_id"] and str(row["principal_id"]),
            instant(row["created_at"]),
            row["traceparent"],
            data,
            origin,
        )
        previous = hashlib.sha256(link).hexdigest()
        assert (row["position"], row["hash"].hex()) == (position, previous)
    assert await last(context) == Walked(Head(3, bytes.fromhex(previous)), 0, 0)


ALTERATIONS = {
    "a type": "update audit_entries set type = 'users.verified' where position = 3",
    "a key": "update audit_entries set key = gen_random_uuid() where position = 3",
    "who": "update audit_entries set principal_id = gen_random_uuid() where position = 3",
    "a time": "update audit_entries set created_at = created_at - interval '1 microsecond' where position = 3",
    "a trace": "update audit_entries set traceparent = '00-' where position = 3",
    "an id": "update audit_entries set id = gen_random_uuid() where position = 3",
    "data": "update audit_entries set data = jsonb_set(data, '{changed}', '[]') where position = 3",
    "data away": "update audit_entries set data = null where position = 3",
    "data with an erased salt": "update audit_entries set data_salt = null where position = 3",
    "an address": "update audit_entries set address = '198.51.100.1' where position = 3",
    "an address away": "update audit_entries set address = null where position = 3",
    "a user agent": "update audit_entries set user_agent = 'curl' where position = 3",
    "a digest": "update audit_entries set data_digest = sha256('') where position = 3",
    "a hash": "update audit_entries set hash = sha256('') where position = 3",
    "an entry removed": "delete from audit_entries where position = 3",
    "an entry taken out": "update audit_entries set position = null, data_digest = null, origin_digest = null,"
    " hash = null where position = 3",
    "the rest moved up": "with gone as (delete from audit_entries where position = 3)"
    " update audit_entries set position = position - 100 where position > 3",
}


@pytest.mark.parametrize("alteration", ALTERATIONS.values(), ids=ALTERATIONS.keys())
async def test_an_alteration_is_reported_by_its_position(context: Context, alteration: str) -> None:
    await chain_of(context, 5)
    await context.db.fetch(alteration)
    assert (await broken(context)).startswith(("position 3 ", "position 1 is missing; the next is -96"))


async def test_swapped_entries_are_noticed(context: Context) -> None:
    await chain_of(context, 5)
    await context.db.fetch("update audit_entries set position = 100 where position = 2")
    await context.db.fetch("update audit_entries set position = 2 where position = 4")
    await context.db.fetch("update audit_entries set position = 4 where position = 100")
    assert (await broken(context)).startswith("position 2 ")


@pytest.mark.parametrize("position", [0, 6])
async def test_an_inserted_entry_is_noticed(context: Context, position: int) -> None:
    await chain_of(context, 5)
    await context.db.fetch(
        "insert into audit_entries (id, type, key, traceparent, position, data_digest, origin_digest, hash)"
        " values (gen_random_uuid(), 'users.updated', gen_random_uuid(), '', $1, sha256(''), sha256(''), sha256(''))",
        position,
    )
    assert (await broken(context)).startswith(f"position {position or 1} ")


async def test_an_entry_marked_as_erased_is_noticed(context: Context) -> None:
    """No account was deleted with it."""
    await chain_of(context, 5)
    await context.db.fetch("update audit_entries set data = null, data_salt = null where position = 3")
    assert "the others were tampered with" in await broken(context)


async def test_a_truncated_chain_is_noticed_with_a_known_head(context: Context) -> None:
    await chain_of(context, 5)
    head = (await last(context)).head
    await context.db.fetch("delete from audit_entries where position > 3")
    assert (await last(context)).head.last == 3, "the rest is valid by itself"
    assert await broken(context, head) == "position 4 is missing, and all up to 5: the end was cut off."
    await announce(context, UserDisabled(user_id=uuid7()))
    await announce(context, UserDisabled(user_id=uuid7()))
    await seal(context)
    assert await broken(context, head) == "position 5 has another hash: the chain was rebuilt."


async def test_entries_may_follow_the_expected_link(context: Context) -> None:
    await chain_of(context, 2)
    head = (await last(context)).head
    await chain_of(context, 2)
    assert (await last(context, head)).head.last == 4


async def test_an_empty_chain_is_valid(context: Context) -> None:
    assert await last(context) == Walked(START, 0, 0)
    assert await seal(context) == 0


async def test_late_commits_come_later_in_the_chain(live: Context) -> None:
    """A transaction that began earlier and commits later has the lower number and the higher position."""
    slow, fast = uuid7(), uuid7()
    async with Another(live.db).transaction() as db:
        await record(db, UserDisabled(user_id=slow))
        await announce(live, UserDisabled(user_id=fast))
        assert await seal(live) == 1
    assert await seal(live) == 1
    rows = await live.db.fetch("select key from audit_entries order by position")
    assert [row["key"] for row in rows] == [fast, slow]
    assert (await last(live)).head.last == 2


async def test_several_workers_make_one_chain(live: Context) -> None:
    for _ in range(20):
        await announce(live, UserDisabled(user_id=uuid7()))
    sealed = await asyncio.gather(*(seal(live) for _ in range(4)))
    assert sum(sealed) == 20
    assert (await last(live)).head.last == 20


async def test_batches_are_limited_and_the_walk_continues(context: Context) -> None:
    await context.db.fetch(
        "insert into audit_entries (id, type, key, data, traceparent)"
        " select gen_random_uuid(), 'users.updated', gen_random_uuid(), '{}', '' from generate_series(1, $1::integer)",
        AT_ONCE + 1,
    )
    assert [await seal(context), await seal(context), await seal(context)] == [AT_ONCE, 1, 0]
    assert (await last(context)).head.last == AT_ONCE + 1


async def test_the_head_is_in_the_log(context: Context, caplog: pytest.LogCaptureFixture) -> None:
    """Outside of the database: the value for `--expect`."""
    caplog.set_level("INFO")
    await chain_of(context, 2)
    head = (await last(context)).head
    [line] = [line for line in caplog.records if line.message == "audit sealed"]
    assert line.fields == {"position": 2, "head": head.link.hex(), "entries": 2}  # type: ignore[attr-defined]


@hypothesis.given(
    st.text(max_size=50).filter(lambda text: "\x00" not in text),
    st.text(max_size=50).filter(lambda text: "\x00" not in text),
)
def test_the_canonical_form_is_that_of_rfc_8785(one: str, other: str) -> None:
    """Any JSON library spells every string the same."""
    spelled = msgspec.json.encode([{"b": one, "a": 1}, None, other, -5], order="sorted")
    assert (
        spelled
        == json.dumps(
            [{"a": 1, "b": one}, None, other, -5], ensure_ascii=False, sort_keys=True, separators=(",", ":")
        ).encode()
    )


async def test_a_user_agent_of_any_bytes_is_sealed(context: Context) -> None:
    await announce(context, UserDisabled(user_id=uuid7()), Origin(address="::1", user_agent='\x7f\u2028"\\\t\xff'))
    assert await seal(context) == 1
    assert (await last(context)).head.last == 1
