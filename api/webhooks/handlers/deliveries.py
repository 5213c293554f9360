"""Deliveries: the log, tests, and repetitions."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from api.kernel import Context, Cursors, Page, Principal, Transaction, record, uuid7
from api.webhooks import queries
from api.webhooks.delivery import body_of, headers_of
from api.webhooks.errors import WEBHOOK_DISABLED, WEBHOOK_SCOPE_FORBIDDEN, WEBHOOK_TOO_OLD
from api.webhooks.events import DeliveriesRequested
from api.webhooks.settings import WebhookSettings
from api.webhooks.types import Delivery, DeliveryDetail, DeliverySearch, Replay, Replayed

MOST_COUNTED = 10_000
MOST_REPLAYED = 5_000
NEWEST = UUID(int=2**128 - 1)


async def list_deliveries(context: Context, principal: Principal, id: UUID, query: DeliverySearch) -> Page[Delivery]:
    """List the deliveries of a webhook, newest event first. `total` counts up to 10,000."""
    await queries.get(context.db, id, principal.id)
    cursors = Cursors(context.settings, "webhooks", id, query.state, query.type)
    [before] = cursors.read(query.cursor, UUID)
    wanted = (id, principal.id, query.state, query.type)
    found = await queries.list_deliveries(context.db, *wanted, before or NEWEST, query.limit + 1)
    total = await queries.count_deliveries(context.db, *wanted, MOST_COUNTED)
    return cursors.page(found, query.limit, total, lambda delivery: (delivery.event_id,))


async def show_delivery(context: Context, principal: Principal, id: UUID, delivery_id: UUID) -> DeliveryDetail:
    """Show a delivery: its request with a masked signature, and its attempts, newest first. Those of a webhook that
    receives the events of all accounts are shown while the caller is a superuser."""
    delivery = await queries.get_delivery(context.db, id, delivery_id, principal.id)
    payload = await queries.get_payload(context.db, delivery_id)
    if payload.scope == "all" and not principal.is_superuser:
        raise WEBHOOK_SCOPE_FORBIDDEN
    attempts = await queries.list_attempts(context.db, delivery_id)
    headers, body = {}, body_of(payload)
    if attempts:
        headers = headers_of(delivery.event_id, int(attempts[0].started_at.timestamp()), "v1,…")
    return DeliveryDetail(delivery, headers, body.decode() if body else None, attempts)


async def test_webhook(context: Context, principal: Principal, id: UUID) -> Delivery:
    """Send the event `webhook.test`, signed like others. It is attempted once, and does not count for the webhook's
    health."""
    delivery_id = uuid7()
    async with context.db.transaction() as db:
        await _lock_enabled(db, id, principal)
        await queries.insert_test(db, delivery_id, id, uuid7())
        await record(db, DeliveriesRequested(endpoint_id=id, user_id=principal.id, what="test", deliveries=1))
        return await queries.get_delivery(db, id, delivery_id, principal.id)


async def redeliver(context: Context, principal: Principal, id: UUID, delivery_id: UUID) -> Delivery:
    """Deliver again, with the same `webhook-id` and the current secret. A finished delivery is attempted once, and does
    not count for the webhook's health; the next attempt of a pending one is made now."""
    async with context.db.transaction() as db:
        await _lock_enabled(db, id, principal)
        await queries.get_delivery(db, id, delivery_id, principal.id)
        await queries.redeliver(db, delivery_id)
        await record(db, DeliveriesRequested(endpoint_id=id, user_id=principal.id, what="one", deliveries=1))
        return await queries.get_delivery(db, id, delivery_id, principal.id)


async def replay(context: Context, principal: Principal, id: UUID, body: Replay) -> Replayed:
    """Deliver what failed since a time, one attempt each, or the events since then that the webhook subscribes to and
    has no delivery of."""
    days = context.settings.of(WebhookSettings).days
    if body.since < datetime.now(UTC) - timedelta(days=days):
        raise WEBHOOK_TOO_OLD
    async with context.db.transaction() as db:
        await _lock_enabled(db, id, principal)
        if body.what == "failed":
            deliveries = await queries.redeliver_failed(db, id, body.since, MOST_REPLAYED)
        else:
            deliveries = await queries.insert_missing(db, id, _first_id(body.since), MOST_REPLAYED)
        event = DeliveriesRequested(endpoint_id=id, user_id=principal.id, what=body.what, deliveries=deliveries)
        await record(db, event)
    return Replayed(deliveries)


async def _lock_enabled(db: Transaction, id: UUID, principal: Principal) -> None:
    """Raises NOT_FOUND, WEBHOOK_DISABLED."""
    if not (await queries.lock(db, id, principal.id)).is_enabled:
        raise WEBHOOK_DISABLED


def _first_id(at: datetime) -> UUID:
    """Return the lowest UUIDv7 (RFC 9562 §5.7) of a time: its milliseconds are the first 48 bits."""
    return UUID(int=max(int(at.timestamp() * 1000), 0) << 80)
