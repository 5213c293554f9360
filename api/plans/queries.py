"""Typed signatures of the queries in sql/plans/."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from api.kernel import UNAUTHORIZED, Autocommit, Counted, Database, Transaction, query
from api.plans.counters import CounterPlace, Granted, Move, Stored, Used
from api.plans.errors import (
    RATE_LIMIT_ALREADY_EXISTS,
    TIER_ALREADY_EXISTS,
    TIER_IN_USE,
    TIER_NOT_FOUND,
    TIER_TARGET_ALREADY_EXISTS,
    TIER_TARGET_NOT_FOUND,
)
from api.plans.types import Loaded, QuotaPeriod, Rule, Tier, TierTarget


@query
async def advance_version(db: Transaction) -> None: ...


@query
async def load_plans(db: Database, known: int) -> Loaded: ...


@query
async def find_roles(db: Database, id: UUID) -> list[str] | None: ...


# Tiers


@query(plan_tiers_name_key=TIER_ALREADY_EXISTS)
async def insert_tier(db: Transaction, name: str) -> int: ...


@query
async def find_tier(db: Database, id: int) -> Tier | None: ...


@query
async def list_tiers(db: Database, after: int, most: int) -> Counted[Tier]: ...


@query(plan_tiers_name_key=TIER_ALREADY_EXISTS)
async def change_tier(db: Transaction, id: int, name: str) -> None: ...


@query(plan_targets_tier_id_fkey=TIER_IN_USE)
async def delete_tier(db: Transaction, id: int) -> None: ...


# Targets


@query(plan_targets_active_key=TIER_TARGET_ALREADY_EXISTS, plan_targets_tier_id_fkey=TIER_NOT_FOUND)
async def insert_target(
    db: Transaction,
    tier_id: int,
    target_type: str,
    target_id: str,
    user_id: UUID | None,
    name: str | None,
    is_active: bool,
) -> int: ...


@query
async def find_target(db: Database, id: int) -> TierTarget | None: ...


@query
async def list_targets(
    db: Database, target_type: str | None, target_id: str | None, tier_id: int | None, after: int, most: int
) -> Counted[TierTarget]: ...


@query(plan_targets_active_key=TIER_TARGET_ALREADY_EXISTS, plan_targets_tier_id_fkey=TIER_NOT_FOUND)
async def change_target(
    db: Transaction,
    id: int,
    tier_id: int,
    target_type: str,
    target_id: str,
    user_id: UUID | None,
    name: str | None,
    is_active: bool,
) -> None: ...


@query
async def delete_target(db: Transaction, id: int) -> None: ...


# Rate limits


@query(
    plan_rules_path_key=RATE_LIMIT_ALREADY_EXISTS,
    plan_rules_name_key=RATE_LIMIT_ALREADY_EXISTS,
    plan_rules_tier_target_id_fkey=TIER_TARGET_NOT_FOUND,
)
async def insert_rule(
    db: Transaction,
    tier_target_id: int,
    name: str,
    path: str,
    most: int,
    seconds: int,
    quota: int | None,
    quota_period: QuotaPeriod | None,
) -> int: ...


@query
async def find_rule(db: Database, id: int) -> Rule | None: ...


@query
async def has_rules(db: Database, tier_target_id: int) -> bool: ...


@query
async def list_rules(
    db: Database, tier_target_id: int | None, tier_id: int | None, after: int, most: int
) -> Counted[Rule]: ...


@query(plan_rules_path_key=RATE_LIMIT_ALREADY_EXISTS, plan_rules_name_key=RATE_LIMIT_ALREADY_EXISTS)
async def change_rule(
    db: Transaction,
    id: int,
    name: str,
    path: str,
    most: int,
    seconds: int,
    quota: int | None,
    quota_period: QuotaPeriod | None,
) -> None: ...


@query
async def delete_rule(db: Transaction, id: int) -> None: ...


@query
def export_targets(db: Database, user_id: UUID) -> AsyncIterator[str]: ...


# Quotas


@query(plan_counts_user_id_fkey=UNAUTHORIZED)
async def reserve_calls(
    db: Autocommit,
    user_id: UUID,
    path: str,
    period: QuotaPeriod,
    quota: int,
    wanted: int,
    most: int,
    starts: datetime | None,
    used: int,
    returned: int,
) -> Granted: ...


@query
async def settle_calls(db: Autocommit, moves: list[Move]) -> list[Stored]: ...


@query
async def list_short(db: Database) -> list[CounterPlace]: ...


@query
async def list_counts(db: Database, user_id: UUID, paths: list[str], periods: list[QuotaPeriod]) -> list[Used]: ...


@query
async def delete_old_counts(db: Autocommit, most: int) -> int: ...


@query
def export_counts(db: Database, user_id: UUID) -> AsyncIterator[str]: ...
