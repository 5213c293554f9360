"""Refused sign-ins: any number becomes a few events, which show the owner how many there were, and from where."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from api.audit.chain import seal, walk
from api.kernel.context import Context, Origin
from api.kernel.data.database import uuid7
from api.kernel.outbox.events import NOBODY
from api.sessions import queries
from api.sessions.events import SignInRefused
from api.sessions.upkeep import WINDOW, announce_refusals
from api.users.events import UserDeleted
from tests.audit.entries import announce
from tests.factories import make_user
from tests.sessions.conftest import ClientAt
from tests.sessions.signing import login
from tests.sessions.test_throttling import guess
from tests.transactions import Another

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def refuse(context: Context, user_id: UUID, network: str = "192.0.2.0/24", reason: str = "throttled") -> None:
    address = network.replace("0/24", "7")
    await queries.count_refusal(context.db, user_id, reason, network, address, "attack/1", TRACE)


async def close_windows(context: Context) -> None:
    """Wait a quarter of an hour and run the worker's tasks."""
    await context.db.fetch("update session_refusals set opened_at = opened_at - $1::interval", WINDOW * 2)
    while await announce_refusals(context):
        pass


async def told(context: Context, table: str = "audit_entries") -> Sequence[tuple[str | None, str, int, str | None]]:
    """Return the events: account, reason, count, place."""
    statement = {
        "audit_entries": "select data, address from audit_entries where type = 'sessions.refused' order by id",
        "outbox_events": "select data, address from outbox_events where type = 'sessions.refused' order by id",
    }[table]
    rows = await context.db.fetch(
        f"select data->>'user_id', data->>'reason', (data->>'attempts')::int, address from ({statement}) as found"
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


@pytest.mark.case(180)
async def test_a_flood_of_attempts_writes_a_bounded_number_of_rows(client_at: ClientAt, context: Context) -> None:
    """C-180: each throttled attempt used to write an audit entry and an event for Kafka."""
    await make_user(context, "ada@example.com")
    clients = [client_at(f"198.51.100.{number}") for number in range(7, 13)]
    statuses = [status for client in clients[:3] for status in await guess(client, "ada@example.com", 10)]
    assert statuses == [400] * 5 + [429] * 25
    assert await told(context) == [], "a request records no event"
    assert await announce_refusals(context) == 2
    for client in clients[3:]:
        await guess(client, "ada@example.com", 10)
    assert await announce_refusals(context) == 0, "no more events within the quarter of an hour"
    await close_windows(context)
    for table in ("audit_entries", "outbox_events"):
        rows = await told(context, table)
        assert len(rows) == 3, "the first of each reason, and the sum of the throttled rest"
        assert sum(attempts for _, _, attempts, _ in rows) == 60
        assert all(str(address).startswith("198.51.100.") for *_, address in rows)
    assert await context.db.fetch("select 1 from session_refusals") == []


@pytest.mark.case(180)
async def test_the_owner_sees_their_number_and_origin(signed_in: httpx.AsyncClient, context: Context) -> None:
    """C-180."""
    mine = UUID((await signed_in.get("/api/users/me")).json()["id"])
    for _ in range(40):
        await refuse(context, mine)
    await announce_refusals(context)
    page = (await signed_in.get("/api/users/me/activity")).json()
    [entry] = [item for item in page["items"] if item["type"] == "sessions.refused"]
    assert (entry["by"], entry["address"], entry["user_agent"]) == ("somebody", "192.0.2.7", "attack/1")
    assert (entry["data"]["reason"], entry["data"]["attempts"]) == ("throttled", 40)
    assert entry["data"]["since"]


async def test_an_announcement_continues_the_trace_of_the_first_attempt(context: Context) -> None:
    await refuse(context, NOBODY)
    await announce_refusals(context)
    [row] = await context.db.fetch("select traceparent from outbox_events")
    assert row["traceparent"].split("-")[1] == TRACE.split("-")[1]


@pytest.mark.case(181)
async def test_many_accounts_and_many_networks_are_counted_together_above_a_limit(context: Context) -> None:
    """C-181: neither a list of addresses nor many networks get a row each."""
    for _ in range(120):  # one network tries many accounts
        await refuse(context, uuid7())
    for number in range(120):  # many networks try one account, and addresses that have none
        await refuse(context, UUID(int=7), f"198.51.{number}.0/24")
        await refuse(context, NOBODY, f"203.0.{number}.0/24")
    [row] = await context.db.fetch("select count(*) as rows, sum(attempts) as attempts from session_refusals")
    assert row["attempts"] == 360
    assert row["rows"] <= 50 + 2 * (20 + 1) + 1
    await refuse(context, UUID(int=7), "198.51.0.0/24")
    [first] = await context.db.fetch("select attempts from session_refusals where network = '198.51.0.0/24'")
    assert first["attempts"] == 2, "existing rows continue to count"


async def test_two_workers_announce_each_attempt_once(live: Context) -> None:
    for _ in range(3):
        await refuse(live, NOBODY)
    async with Another(live.db).transaction() as db:
        assert len(await queries.take_refusals(db, WINDOW, 10)) == 1
        assert await announce_refusals(live) == 0, "the other worker has it"
        await queries.count_refusal(live.db, UUID(int=7), "password", "", None, None, TRACE)
    assert await announce_refusals(live) == 1
    assert [attempts for _, _, attempts, _ in await told(live)] == [1], "the first worker recorded nothing here"


@pytest.mark.case(182)
async def test_an_event_after_a_deletion_has_no_personal_data(context: Context) -> None:
    """C-182: attempts counted before the deletion and announced after it."""
    user = await make_user(context, "ada@example.com")
    await refuse(context, user.id)
    await context.db.fetch("delete from users where id = $1", user.id)
    await announce(context, UserDeleted(user_id=user.id), Origin())
    await announce_refusals(context)
    assert await told(context) == [(None, "throttled", 1, "192.0.2.7")]


async def test_a_refusal_costs_one_statement(client: httpx.AsyncClient, context: Context) -> None:
    """In addition to those of any sign-in; a successful one has none more."""
    user = await make_user(context, "ada@example.com")
    seen: list[str] = []

    def note(logged: object) -> None:
        seen.append(str(getattr(logged, "query", "")).partition("\n")[0].removeprefix("-- "))

    connection: Any = context.db.connection  # type: ignore[attr-defined]
    with connection.query_logger(note):
        assert (await login(client, user.email, "wrong")).status_code == 400
        assert (await login(client, user.email)).status_code == 200
        await context.db.fetch("select 1")
    assert seen[:3] == ["sessions.find_account", "sessions.list_password_kinds", "sessions.count_refusal"]
    assert "sessions.count_refusal" not in seen[3:]


async def test_an_event_of_an_earlier_release_counts_as_one_attempt() -> None:
    """Records in Kafka and pending rows have neither count nor time."""
    event = msgspec.json.decode(
        f'{{"type":"sessions.refused","attempt_id":"{uuid7()}","user_id":null,"reason":"password"}}', type=SignInRefused
    )
    assert (event.attempts, event.since) == (1, None)


async def test_the_chain_stays_valid_over_announcements(context: Context) -> None:
    await refuse(context, NOBODY)
    await close_windows(context)
    await seal(context)
    assert [walked.head.last async for walked in walk(context.db)][-1] == 1
