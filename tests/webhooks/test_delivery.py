"""C-392: deliveries are inserted with their event and attempted as published. C-393: the endpoint decides about later
attempts by its status and Retry-After. C-394: endpoints that fail are disabled, and nothing is thrown away."""

import email.utils
import time
from uuid import UUID

import msgspec
import pytest

from api.kernel.data.database import Transaction, uuid7
from api.kernel.mail import MemoryMailer
from api.kernel.outbox.events import record
from api.sessions.events import SessionEnded
from api.users.events import UserVerified
from api.webhooks import queries
from api.webhooks.delivery import DELAYS, JITTER
from tests.factories import make_user
from tests.kernel.http_server import HttpServer, says
from tests.mailed import mailed
from tests.transactions import in_transaction
from tests.webhooks.conftest import Hooks


async def types_of(hooks: Hooks, endpoint_id: UUID) -> list[str]:
    return [row["type"] for row in await hooks.rows() if row["endpoint_id"] == endpoint_id]


class Undone(Exception):
    """Rolls a transaction back."""


async def test_a_delivery_exists_if_and_only_if_its_event_does(hooks: Hooks) -> None:
    id, _ = await hooks.add("http://localhost:1/")

    async def fail(db: Transaction) -> None:
        await record(db, UserVerified(user_id=hooks.user_id, email="ada@example.com"))
        raise Undone

    with pytest.raises(Undone):
        await in_transaction(hooks.context.db, fail)
    assert await hooks.rows() == []
    await hooks.happen(times=2)
    [*entries] = await hooks.context.db.fetch("select id from audit_entries order by id")
    assert [row["event_id"] for row in await hooks.rows()] == [entry["id"] for entry in entries]
    assert await types_of(hooks, id) == 2 * ["users.verified"]


async def test_an_endpoint_receives_what_it_subscribed_to(hooks: Hooks) -> None:
    one, topic, everything, other = [
        (await hooks.add("http://localhost:1/", events))[0]
        for events in ("users.verified", "users.*", "*", "users.disabled")
    ]
    await hooks.happen()
    await hooks.happen(SessionEnded(session_id=uuid7(), user_id=hooks.user_id, reason="logout"))
    assert await types_of(hooks, one) == await types_of(hooks, topic) == ["users.verified"]
    assert await types_of(hooks, everything) == ["users.verified", "sessions.ended"]
    assert await types_of(hooks, other) == []


@pytest.mark.parametrize(
    ("state", "received"),
    [
        ("is_superuser = true", True),
        ("is_superuser = false", False),
        ("is_superuser = true, is_active = false", False),
        ("is_superuser = true, is_verified = false", False),
    ],
)
async def test_events_of_others_are_for_active_superusers(hooks: Hooks, state: str, received: bool) -> None:
    """C-48: the rights are those at the time of the event."""
    own, _ = await hooks.add("http://localhost:1/", "*")
    whole, _ = await hooks.add("http://localhost:1/", "*", scope="all")
    await hooks.context.db.fetch(f"update users set {state} where id = $1", hooks.user_id)
    other = await make_user(hooks.context)
    await hooks.happen(UserVerified(user_id=other.id, email="other@example.com"))
    assert await types_of(hooks, own) == []
    assert bool(await types_of(hooks, whole)) is received


async def test_deliveries_wait_while_the_account_has_no_right(hooks: Hooks, receiver: HttpServer) -> None:
    """C-392: also those of events from before."""
    await hooks.context.db.fetch("update users set is_superuser = true")
    await hooks.add(receiver.url, scope="all")
    await hooks.happen()
    for state in ("is_superuser = false", "is_superuser = true, is_active = false"):
        await hooks.context.db.fetch(f"update users set {state}")
        assert await hooks.deliver() == 0
    await hooks.context.db.fetch("update users set is_active = true")
    assert await hooks.deliver() == 1


async def test_thirteen_attempts_are_made_at_the_published_times(hooks: Hooks, receiver: HttpServer) -> None:
    receiver.answer = says("500 Error", b"out of paper")
    await hooks.add(receiver.url)
    await hooks.happen()
    for delay in DELAYS:
        assert await hooks.deliver() == 1
        [row] = await hooks.context.db.fetch(
            "select extract(epoch from due_at - (select max(started_at) from webhook_attempts))::float as wait"
            " from webhook_deliveries"
        )
        # The row is stored after the start of the attempt, by a slow machine much later.
        assert delay * (1 - JITTER) <= row["wait"] <= delay * (1 + JITTER) + 60
        await hooks.make_due()
    assert await hooks.deliver() == 1
    await hooks.make_due()
    assert await hooks.deliver() == 0
    [last] = await hooks.rows()
    assert (last["state"], last["attempts"], last["status"]) == ("failed", 13, 500)
    assert len({headers["webhook-id"] for _, headers, _ in receiver.requests}) == 1
    assert len(receiver.requests) == 13
    assert 4 * 86400 < sum(DELAYS) < 4.3 * 86400
    responses = await hooks.context.db.fetch("select response, error from webhook_attempts")
    assert {tuple(row.values()) for row in responses} == {("out of paper", "the endpoint answered 500")}


@pytest.mark.parametrize("asked", ["3600", "date"])
async def test_retry_after_is_obeyed_for_all_deliveries(hooks: Hooks, receiver: HttpServer, asked: str) -> None:
    field = asked if asked == "3600" else email.utils.formatdate(time.time() + 3600, usegmt=True)
    receiver.answer = says("429 Too Many Requests", b"", f"retry-after: {field}")
    id, _ = await hooks.add(receiver.url)
    await hooks.happen()
    await hooks.deliver()
    await hooks.happen()
    assert await hooks.deliver() == 0, "the endpoint is paused"
    [row] = await hooks.context.db.fetch(
        "select extract(epoch from paused_until - failed_at)::float as pause,"
        " (select extract(epoch from min(due_at) filter (where attempts > 0) - e.failed_at)::float"
        "    from webhook_deliveries) as wait"
        " from webhook_endpoints e where id = $1",
        id,
    )
    assert 3500 < row["pause"] <= 3600.1
    assert row["wait"] > 3500


async def test_410_disables_at_once_and_holds_the_rest(hooks: Hooks, receiver: HttpServer) -> None:
    receiver.answer = says("410 Gone")
    id, _ = await hooks.add(receiver.url)
    await hooks.happen()
    await hooks.deliver()
    assert (await hooks.endpoint(id))["disabled_reason"] == "gone"
    assert await hooks.recorded("webhooks") == [("webhooks.disabled", "gone")]
    await hooks.happen(times=2)
    await hooks.make_due()
    assert await hooks.deliver() == 0
    shown = await queries.list_deliveries(hooks.context.db, id, hooks.user_id, "held", None, UUID(int=2**128 - 1), 10)
    assert len(shown) == 3


async def test_enabling_releases_what_was_held_in_order(
    hooks: Hooks, receiver: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.webhooks.delivery.LANES", 1)
    receiver.answer = says("410 Gone")
    id, _ = await hooks.add(receiver.url)
    await hooks.happen()
    await hooks.deliver()
    await hooks.happen(times=5)
    receiver.answer, receiver.requests = says(), []
    await in_transaction(hooks.context.db, queries.mark_enabled, id)
    assert await hooks.deliver() == 6
    received = [headers["webhook-id"] for _, headers, _ in receiver.requests]
    assert received == [str(row["event_id"]) for row in await hooks.rows()]
    assert {row["state"] for row in await hooks.rows()} == {"delivered"}


async def fail_for(hooks: Hooks, id: UUID, days: float) -> None:
    """Make an attempt that fails, as so many days after the first failure."""
    await hooks.context.db.fetch(
        "update webhook_endpoints set failing_since = now() - $2 * interval '1 day' where id = $1", id, days
    )
    await hooks.happen()
    await hooks.make_due()
    await hooks.deliver()


async def test_five_days_of_failures_disable_with_three_mails(
    hooks: Hooks, receiver: HttpServer, mailbox: MemoryMailer
) -> None:
    receiver.answer = says("500 Error")
    id, _ = await hooks.add(receiver.url)
    await hooks.happen()
    await hooks.deliver()
    for days in (1, 2.9, 3.1, 3.5):
        await fail_for(hooks, id, days)
    await hooks.context.db.fetch("update webhook_deliveries set attempts = 12")
    for days in (4.2, 4.9, 5.1, 5.2):
        await fail_for(hooks, id, days)
    assert await hooks.recorded("webhooks") == [
        ("webhooks.failing", "days"),
        ("webhooks.failing", "exhausted"),
        ("webhooks.disabled", "failing"),
    ]
    assert (await hooks.endpoint(id))["disabled_reason"] == "failing"
    await mailed(msgspec.structs.replace(hooks.context, mail=mailbox))
    assert len({mail.text for mail in mailbox.sent}) == len(mailbox.sent) == 3


async def test_two_failures_long_apart_are_not_five_days(hooks: Hooks, receiver: HttpServer) -> None:
    receiver.answer = says("500 Error")
    id, _ = await hooks.add(receiver.url)
    await hooks.happen()
    await hooks.deliver()
    await hooks.context.db.fetch(
        "update webhook_endpoints set failing_since = now() - interval '9 days', failed_at = now() - interval '2 days'"
    )
    await hooks.happen()
    await hooks.deliver()
    found = await hooks.endpoint(id)
    assert (found["disabled_reason"], found["failures"]) == (None, 1)


async def test_a_success_ends_the_failures(hooks: Hooks, receiver: HttpServer) -> None:
    receiver.answer = says("500 Error")
    id, _ = await hooks.add(receiver.url)
    await hooks.happen()
    await hooks.deliver()
    await fail_for(hooks, id, 4)
    receiver.answer = says("204 No Content")
    await fail_for(hooks, id, 5)
    found = await hooks.endpoint(id)
    assert (found["failing_since"], found["failures"], found["notices"]) == (None, 0, [])


@pytest.mark.parametrize("language", ["en", "de"])
async def test_the_owner_is_mailed_without_the_path(
    hooks: Hooks, receiver: HttpServer, mailbox: MemoryMailer, language: str
) -> None:
    receiver.answer = says("410 Gone")
    await hooks.context.db.fetch("update users set language = $1", language)
    await hooks.add(f"{receiver.url}/canary-in-a-path")
    await hooks.happen()
    await hooks.deliver()
    await mailed(msgspec.structs.replace(hooks.context, mail=mailbox))
    [mail] = mailbox.sent
    assert "localhost" in mail.text
    assert "canary-in-a-path" not in mail.text + mail.html
    assert ("410 Gone" in mail.text, "geantwortet" in mail.text) == (True, language == "de")
