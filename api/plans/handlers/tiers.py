"""Tiers."""

from api.kernel import Context, Database, Listing, record, refuse_stale
from api.plans import queries
from api.plans.errors import TIER_ALREADY_EXISTS, TIER_NOT_FOUND
from api.plans.events import Change, TierChanged, key_of
from api.plans.handlers.pages import page_of
from api.plans.types import NewTier, Tier, TierChange, TierList


async def list_tiers(context: Context, query: TierList) -> Listing[Tier]:
    """List tiers in the order of their ids."""
    found = await queries.list_tiers(context.db, query.after, query.limit + 1)
    return page_of(found.items, query.limit, found.total)


async def get_tier(context: Context, tier_id: int) -> Tier:
    """Get a tier."""
    return await find(context.db, tier_id)


async def create_tier(context: Context, body: NewTier) -> Tier:
    """Create a tier."""
    async with context.db.transaction() as db:
        await queries.advance_version(db)
        try:
            tier = await find(db, await queries.insert_tier(db, body.name))
        except TIER_ALREADY_EXISTS:
            raise TIER_ALREADY_EXISTS(_taken(body.name)) from None
        await record(db, _changed(tier, "created"))
    return tier


async def update_tier(context: Context, tier_id: int, body: TierChange, if_match: str | None) -> Tier:
    """Rename a tier."""
    async with context.db.transaction() as db:
        await queries.advance_version(db)
        tier = await find(db, tier_id)
        refuse_stale(if_match, tier)
        if body.name in (None, tier.name):
            return tier
        try:
            await queries.change_tier(db, tier_id, body.name)
        except TIER_ALREADY_EXISTS:
            raise TIER_ALREADY_EXISTS(_taken(body.name)) from None
        tier = await find(db, tier_id)
        await record(db, _changed(tier, "updated"))
    return tier


async def delete_tier(context: Context, tier_id: int, if_match: str | None) -> None:
    """Delete a tier without targets."""
    async with context.db.transaction() as db:
        await queries.advance_version(db)
        tier = await find(db, tier_id)
        refuse_stale(if_match, tier)
        await queries.delete_tier(db, tier_id)
        await record(db, _changed(tier, "deleted"))


async def find(db: Database, id: int) -> Tier:
    """Return a tier. Raises TIER_NOT_FOUND."""
    tier = await queries.find_tier(db, id)
    if tier is None:
        raise TIER_NOT_FOUND(f"Tier with ID {id} not found.")
    return tier


def _taken(name: str) -> str:
    return f"Tier with name '{name}' already exists."


def _changed(tier: Tier, change: Change) -> TierChanged:
    return TierChanged(key=key_of("tier", tier.id), tier_id=tier.id, change=change, name=tier.name)
