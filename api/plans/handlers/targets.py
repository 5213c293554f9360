"""Targets: accounts and roles that belong to a tier."""

from uuid import UUID

import msgspec

from api.kernel import Context, Database, Listing, record, refuse_stale
from api.plans import queries
from api.plans.errors import TIER_NOT_FOUND, TIER_TARGET_ALREADY_EXISTS, TIER_TARGET_IN_USE, TIER_TARGET_NOT_FOUND
from api.plans.events import Change, TierTargetChanged, key_of
from api.plans.handlers.pages import page_of
from api.plans.types import NewTierTarget, OfTier, TierTarget, TierTargetChange, TierTargetList


async def list_tier_targets(context: Context, query: TierTargetList) -> Listing[TierTarget]:
    """List targets in the order of their ids."""
    named = normal_id(query.target_type, query.target_id) if query.target_id else None
    asked = (query.target_type, named, query.tier_id)
    found = await queries.list_targets(context.db, *asked, query.after, query.limit + 1)
    return page_of(found.items, query.limit, found.total)


async def get_tier_target(context: Context, tier_target_id: int) -> TierTarget:
    """Get a target."""
    return await find(context.db, tier_target_id)


async def create_tier_target(context: Context, query: OfTier, body: NewTierTarget) -> TierTarget:
    """Give a tier to an account or to a role.

    The default tier is that of the role `*`: accounts have it that have no tier of their own or by their roles."""
    named = normal_id(body.target_type, body.target_id)
    user_id = account_of(body.target_type, named)
    async with context.db.transaction() as db:
        await queries.advance_version(db)
        try:
            id = await queries.insert_target(
                db, query.tier_id, body.target_type, named, user_id, body.name, body.is_active
            )
        except (TIER_TARGET_ALREADY_EXISTS, TIER_NOT_FOUND) as refusal:
            raise type(refusal)(_text(refusal, query.tier_id, body.target_type, named)) from None
        target = await find(db, id)
        await record(db, _changed(target, "created"))
    return target


async def update_tier_target(
    context: Context, tier_target_id: int, body: TierTargetChange, if_match: str | None
) -> TierTarget:
    """Update a target, or move it to another tier."""
    async with context.db.transaction() as db:
        await queries.advance_version(db)
        target = await find(db, tier_target_id)
        refuse_stale(if_match, target)
        given = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not None}
        wanted = msgspec.structs.replace(target, **given)
        named = normal_id(wanted.target_type, wanted.target_id)
        if (wanted := msgspec.structs.replace(wanted, target_id=named)) == target:
            return target
        user_id = account_of(wanted.target_type, named)
        try:
            await queries.change_target(
                db, target.id, wanted.tier_id, wanted.target_type, named, user_id, wanted.name, wanted.is_active
            )
        except (TIER_TARGET_ALREADY_EXISTS, TIER_NOT_FOUND) as refusal:
            raise type(refusal)(_text(refusal, wanted.tier_id, wanted.target_type, named)) from None
        await record(db, _changed(wanted, "updated"))
        return await find(db, target.id)


async def delete_tier_target(context: Context, tier_target_id: int, if_match: str | None) -> None:
    """Delete a target without rate limits."""
    async with context.db.transaction() as db:
        await queries.advance_version(db)  # a concurrent rate limit waits
        target = await find(db, tier_target_id)
        refuse_stale(if_match, target)
        if await queries.has_rules(db, target.id):
            raise TIER_TARGET_IN_USE
        await queries.delete_target(db, target.id)
        await record(db, _changed(target, "deleted"))


async def find(db: Database, id: int) -> TierTarget:
    """Return a target. Raises TIER_TARGET_NOT_FOUND."""
    target = await queries.find_target(db, id)
    if target is None:
        raise TIER_TARGET_NOT_FOUND
    return target


def account_of(target_type: str, target_id: str) -> UUID | None:
    """Return the id of the account that a target names; None if it names none."""
    try:
        return UUID(target_id) if target_type == "U" else None
    except ValueError:
        return None


def normal_id(target_type: str | None, target_id: str) -> str:
    """Return the one spelling of an account's id, and others unchanged."""
    account = account_of(target_type or "U", target_id)
    return str(account) if account else target_id


def _text(refusal: Exception, tier_id: int, target_type: str, target_id: str) -> str:
    if isinstance(refusal, TIER_NOT_FOUND):
        return f"Tier with ID {tier_id} not found."
    return f"Tier target of type '{target_type}' with ID '{target_id}' already exists."


def _changed(target: TierTarget, change: Change) -> TierTargetChanged:
    return TierTargetChanged(
        key=key_of("tier-target", target.id),
        user_id=account_of(target.target_type, target.target_id),
        tier_target_id=target.id,
        tier_id=target.tier_id,
        change=change,
        target_type=target.target_type,
        is_active=target.is_active,
    )
