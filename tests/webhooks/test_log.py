"""C-400: the log of deliveries, tests, repetitions, and what the sweeps delete."""

from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest

from api.kernel.outbox.events import record
from api.users.events import UserVerified
from api.webhooks.upkeep import delete_old_deliveries, delete_old_secrets, delete_orphans
from tests.factories import PASSWORD, make_user
from tests.kernel.http_server import HttpServer, says
from tests.transactions import in_transaction
from tests.webhooks.conftest import URL, Hooks


class Owner:
    """The owner of a webhook, over the routes, with a database of its own."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str], id: str) -> None:
        self._client, self._headers, self._id = client, headers, id

    async def ask(self, method: str, path: str, status: int = 200, **options: object) -> httpx.Response:
        url = f"/api/webhooks/{self._id}{path}"
        answer = await self._client.request(method, url, headers=self._headers, **options)  # type: ignore[arg-type]
        assert answer.status_code == status, answer.text
        return answer

    async def deliveries(self, **params: str) -> list[dict[str, object]]:
        return (await self.ask("GET", "/deliveries", params=params)).json()["items"]  # type: ignore[no-any-return]


@pytest.fixture
async def owner(live_client: httpx.AsyncClient, hooks: Hooks, receiver: HttpServer) -> Owner:
    id, _ = await hooks.add(receiver.url, "users.verified")
    email = (await hooks.context.db.fetch("select email from users where id = $1", hooks.user_id))[0][0]
    form = {"username": email, "password": PASSWORD}
    pair = (await live_client.post("/api/auth/jwt/login", data=form)).json()
    return Owner(live_client, {"authorization": f"Bearer {pair['access_token']}"}, str(id))


async def test_a_test_is_one_attempt_that_does_not_count(owner: Owner, hooks: Hooks, receiver: HttpServer) -> None:
    receiver.answer = says("410 Gone")
    delivery = (await owner.ask("POST", "/test", 202)).json()
    await hooks.deliver()
    await hooks.make_due()
    assert await hooks.deliver() == 0
    shown = (await owner.ask("GET", f"/deliveries/{delivery['id']}")).json()
    assert (shown["delivery"]["state"], shown["delivery"]["status"]) == ("failed", 410)
    assert shown["headers"]["webhook-signature"] == "v1,…"
    assert msgspec.json.decode(receiver.last[2])["type"] == "webhook.test"
    assert shown["body"].encode() == receiver.last[2]
    found = (await owner.ask("GET", "")).json()
    assert (found["is_enabled"], found["failures"]) == (True, 0)


async def test_a_delivery_is_repeated_with_the_same_id(owner: Owner, hooks: Hooks, receiver: HttpServer) -> None:
    """C-400: a repetition neither heals nor disables."""
    receiver.answer = says("500 Error")
    await hooks.happen()
    await hooks.deliver()
    await hooks.context.db.fetch("update webhook_deliveries set state = 'failed'")
    [failed] = await owner.deliveries(state="failed")
    receiver.answer = says()
    await owner.ask("POST", f"/deliveries/{failed['id']}/redeliver", 202)
    await hooks.deliver()
    assert {headers["webhook-id"] for _, headers, _ in receiver.requests} == {failed["event_id"]}
    shown = (await owner.ask("GET", f"/deliveries/{failed['id']}")).json()
    assert shown["delivery"]["state"] == "delivered"
    assert [attempt["status"] for attempt in shown["attempts"]] == [200, 500]
    assert (await owner.ask("GET", "")).json()["failures"] == 1


async def test_what_failed_is_repeated_in_order(owner: Owner, hooks: Hooks, receiver: HttpServer) -> None:
    since = datetime.now(UTC) - timedelta(minutes=1)
    await hooks.happen(times=4)
    await hooks.context.db.fetch("update webhook_deliveries set state = 'failed'")
    replay = {"what": "failed", "since": since.isoformat()}
    for expected in (4, 0):
        answer = await owner.ask("POST", "/redeliver", 202, json=replay)
        assert answer.json() == {"deliveries": expected}
    assert await hooks.deliver() == 4
    assert [row["state"] for row in await hooks.rows()] == 4 * ["delivered"]
    too_old = replay | {"since": (since - timedelta(days=31)).isoformat()}
    assert (await owner.ask("POST", "/redeliver", 400, json=too_old)).json()["code"] == "WEBHOOK_TOO_OLD"


@pytest.mark.parametrize(("is_superuser", "status"), [(True, 200), (False, 403)])
async def test_a_demoted_owner_does_not_read_the_events_of_others(
    owner: Owner, hooks: Hooks, is_superuser: bool, status: int
) -> None:
    """C-467: also not of deliveries that never reached the endpoint."""
    db = hooks.context.db
    await db.fetch("update users set is_superuser = true where id = $1", hooks.user_id)
    await db.fetch("update webhook_endpoints set scope = 'all'")
    await hooks.happen(UserVerified(user_id=(await make_user(hooks.context)).id, email="other@example.com"))
    await db.fetch("update users set is_superuser = $2 where id = $1", hooks.user_id, is_superuser)
    [delivery] = await owner.deliveries()
    shown = await owner.ask("GET", f"/deliveries/{delivery['id']}", status)
    assert ("other@example.com" in shown.text) is is_superuser


@pytest.mark.parametrize("scope", ["own", "all"])
async def test_missing_deliveries_are_inserted(owner: Owner, hooks: Hooks, receiver: HttpServer, scope: str) -> None:
    """C-400: events from before the webhook, or from a time in which it did not subscribe to them."""
    db = hooks.context.db
    await hooks.happen(times=2)
    await db.fetch("delete from webhook_deliveries")
    await hooks.happen()
    other = await make_user(hooks.context)
    await in_transaction(db, record, UserVerified(user_id=other.id, email="other@example.com"))
    await db.fetch("update webhook_endpoints set scope = $1", scope)
    await db.fetch("update users set is_superuser = true where id = $1", hooks.user_id)
    replay = {"what": "missing", "since": (datetime.now(UTC) - timedelta(minutes=1)).isoformat()}
    for expected in (2 if scope == "own" else 3, 0):
        assert (await owner.ask("POST", "/redeliver", 202, json=replay)).json() == {"deliveries": expected}
    assert await hooks.deliver() == (3 if scope == "own" else 4)


async def test_deliveries_are_listed_in_pages(owner: Owner, hooks: Hooks) -> None:
    await hooks.happen(times=5)
    first = (await owner.ask("GET", "/deliveries", params={"limit": 3, "state": "pending"})).json()
    query = {"limit": 3, "state": "pending", "cursor": first["next_cursor"]}
    second = (await owner.ask("GET", "/deliveries", params=query)).json()
    ids = [item["event_id"] for item in (*first["items"], *second["items"])]
    assert ids == [str(row["event_id"]) for row in reversed(await hooks.rows())]
    assert (first["total"], second["next_cursor"]) == (5, None)
    assert await owner.deliveries(type="users.disabled") == []


async def test_the_sweeps_delete_what_is_old(owner: Owner, hooks: Hooks, receiver: HttpServer) -> None:
    """C-189: old deliveries with their attempts, expired secrets, and what a deleted webhook leaves."""
    db, context = hooks.context.db, hooks.context
    await hooks.happen(times=2)
    await hooks.deliver()
    await owner.ask("POST", "/secret", json={"grace_hours": 0})
    await db.fetch("update webhook_secrets set expires_at = now() - interval '1 s' where expires_at is not null")
    await db.fetch(
        "update webhook_deliveries set created_at = now() - interval '31 days'"
        " where id = (select id from webhook_deliveries limit 1)"
    )
    assert [await delete_old_deliveries(context), await delete_old_secrets(context)] == [1, 1]
    assert [await delete_orphans(context), len(await hooks.rows())] == [0, 1]
    await owner.ask("DELETE", "", 204)
    assert await delete_orphans(context) == 1
    counts = "select (select count(*) from webhook_attempts) + (select count(*) from webhook_secrets)"
    assert (await db.fetch(counts))[0][0] == 0


async def test_an_erased_event_is_not_sent(owner: Owner, hooks: Hooks, receiver: HttpServer) -> None:
    """After the erasure of an account, its data is not sent."""
    await hooks.happen()
    await hooks.context.db.fetch("update audit_entries set data = null")
    await hooks.deliver()
    assert receiver.connections == 0
    [row] = await hooks.rows()
    assert (row["state"], row["error"]) == ("failed", "the event's data was erased")
    assert (await owner.ask("GET", "")).json()["failures"] == 0


async def test_a_deleted_account_leaves_nothing(hooks: Hooks) -> None:
    """Deliveries of a deleted account are not attempted, and are swept."""
    await hooks.add(URL)
    await hooks.happen()
    await hooks.context.db.fetch("delete from users where id = $1", hooks.user_id)
    assert await hooks.deliver() == 0
    assert await delete_orphans(hooks.context) == 1
