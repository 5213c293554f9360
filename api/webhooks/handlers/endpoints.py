"""Endpoints and their secrets."""

from uuid import UUID

from msgspec import UNSET

from api.kernel import VALIDATION_FAILED, Context, FieldError, Principal, record, refuse_stale, uuid7
from api.webhooks import catalog, queries, secrets
from api.webhooks.addresses import AddressRefused, Unresolved, check, networks
from api.webhooks.errors import WEBHOOK_LIMIT_REACHED, WEBHOOK_SCOPE_FORBIDDEN, WEBHOOK_UNVERIFIED
from api.webhooks.events import (
    EndpointChanged,
    EndpointCreated,
    EndpointDeleted,
    EndpointDisabled,
    EndpointEnabled,
    SecretRevoked,
    SecretRotated,
)
from api.webhooks.settings import WebhookSettings
from api.webhooks.types import (
    CreatedEndpoint,
    Endpoint,
    EndpointChange,
    EventType,
    NewEndpoint,
    RotatedSecret,
    Rotation,
)


async def list_event_types(context: Context) -> list[EventType]:
    """List the events that webhooks may subscribe to, with the JSON Schema of their data."""
    return catalog.catalog()


async def create_webhook(context: Context, principal: Principal, body: NewEndpoint) -> CreatedEndpoint:
    """Create a webhook. The response is the only one that contains its secret."""
    if not principal.is_verified:
        raise WEBHOOK_UNVERIFIED
    if body.scope == "all" and not principal.is_superuser:
        raise WEBHOOK_SCOPE_FORBIDDEN
    events = _subscriptions(body.events)
    await _refuse_address(context, body.url)
    secret = body.secret or secrets.generate()
    id = uuid7()
    async with context.db.transaction() as db:
        await queries.lock_account(db, principal.id)
        if await queries.count_mine(db, principal.id) >= context.settings.of(WebhookSettings).most:
            raise WEBHOOK_LIMIT_REACHED
        await queries.insert(db, id, principal.id, body.scope, body.url, body.description, events)
        await queries.insert_secret(db, uuid7(), id, secrets.seal(context.settings, id, secret))
        await record(db, EndpointCreated(endpoint_id=id, user_id=principal.id, scope=body.scope))
        return CreatedEndpoint(await queries.get(db, id, principal.id), secret)


async def list_webhooks(context: Context, principal: Principal) -> list[Endpoint]:
    """List the caller's webhooks, newest first."""
    return await queries.list_mine(context.db, principal.id)


async def show_webhook(context: Context, principal: Principal, id: UUID) -> Endpoint:
    """Show one of the caller's webhooks."""
    return await queries.get(context.db, id, principal.id)


async def change_webhook(
    context: Context, principal: Principal, id: UUID, body: EndpointChange, if_match: str | None
) -> Endpoint:
    """Change a webhook, disable it, or enable it. Events of the time in which it is disabled are held; enabling
    delivers them in their order."""
    if body.url is not UNSET:
        await _refuse_address(context, body.url)
    async with context.db.transaction() as db:
        now = await queries.lock(db, id, principal.id)
        refuse_stale(if_match, now)
        url = now.url if body.url is UNSET else body.url
        description = now.description if body.description is UNSET else body.description
        events = now.events if body.events is UNSET else _subscriptions(body.events)
        if (url, description, events) != (now.url, now.description, now.events):
            await queries.change(db, id, url, description, events)
            await record(db, EndpointChanged(endpoint_id=id, user_id=principal.id))
        if body.is_enabled is True and not now.is_enabled:
            await queries.mark_enabled(db, id)
            await record(db, EndpointEnabled(endpoint_id=id, user_id=principal.id))
        if body.is_enabled is False and now.is_enabled:
            await queries.mark_disabled(db, id, "owner")
            await record(db, EndpointDisabled(endpoint_id=id, user_id=principal.id, reason="owner"))
        return await queries.get(db, id, principal.id)


async def delete_webhook(context: Context, principal: Principal, id: UUID, if_match: str | None) -> None:
    """Delete a webhook and its deliveries."""
    async with context.db.transaction() as db:
        if if_match is not None:
            refuse_stale(if_match, await queries.lock(db, id, principal.id))
        await queries.delete(db, id, principal.id)
        await record(db, EndpointDeleted(endpoint_id=id, user_id=principal.id))


async def rotate_secret(context: Context, principal: Principal, id: UUID, body: Rotation) -> RotatedSecret:
    """Replace the secret. Until `grace_hours` have passed, deliveries carry a signature of each, so that the receiver
    can change in the meantime. At most three secrets sign; the oldest is deleted."""
    secret = body.secret or secrets.generate()
    async with context.db.transaction() as db:
        await queries.lock(db, id, principal.id)
        await queries.expire_secret(db, id, body.grace_hours)
        await queries.insert_secret(db, uuid7(), id, secrets.seal(context.settings, id, secret))
        await record(db, SecretRotated(endpoint_id=id, user_id=principal.id))
    return RotatedSecret(secret)


async def revoke_secrets(context: Context, principal: Principal, id: UUID) -> None:
    """End the secrets before the current one now."""
    async with context.db.transaction() as db:
        await queries.lock(db, id, principal.id)
        await queries.delete_previous_secrets(db, id)
        await record(db, SecretRevoked(endpoint_id=id, user_id=principal.id))


def _subscriptions(events: list[str]) -> list[str]:
    """Return the subscriptions without duplicates. Raises VALIDATION_FAILED for one that matches no event."""
    unknown = [
        FieldError(f"/events/{place}", "No event has this type; see /api/webhooks/event-types.", "event_type")
        for place, event in enumerate(events)
        if event not in catalog.known()
    ]
    if unknown:
        raise VALIDATION_FAILED(errors=unknown)
    return sorted(set(events))


async def _refuse_address(context: Context, url: str) -> None:
    """Raises VALIDATION_FAILED for an address that no delivery would be made to. The address is checked again before
    each attempt, so a name that cannot be resolved now is accepted."""
    allowed = networks(context.settings.of(WebhookSettings).allowed_networks)
    try:
        await check(url, allowed)
    except Unresolved:
        return
    except AddressRefused as refusal:
        error = FieldError("/url", str(refusal), refusal.code, refusal.params)
        raise VALIDATION_FAILED(errors=[error]) from None
