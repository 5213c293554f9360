"""Ownership of accounts. An account belongs to the owner of its confirmed address. Until the address is confirmed, the
account's data is not trusted, because another person may have registered it."""

import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

from api.kernel import Transaction, record
from api.users import queries
from api.users.errors import LAST_SUPERUSER, USER_DISABLED, USER_LEAVING
from api.users.events import DeletionCancelled, UserClaimed
from api.users.tokens import digest
from api.users.types import Standing, User

EVER = datetime(1970, 1, 1, tzinfo=UTC)
"""For void_tokens: all links that revert a change of address."""
REVERT_LIFETIME = timedelta(hours=72)


async def claim(db: Transaction, id: UUID, language: str) -> None:
    """Remove the data of an account whose address was not confirmed: password, sessions, links, name and pending
    address. Roles and flags set by an administrator stay."""
    await queries.claim(db, id, language)
    await queries.void_tokens(db, id, EVER)
    await record(db, UserClaimed(user_id=id))


async def cancel_deletion(db: Transaction, id: UUID) -> None:
    """Cancel a requested deletion, because the owner used the account."""
    if await queries.cancel_deletion(db, id):
        await record(db, DeletionCancelled(user_id=id))


async def allow_return(db: Transaction, id: UUID, email: str) -> None:
    """Allow the owner of `email`, which was confirmed, to revert the change. Call it in the transaction of the change.
    Voiding this right also voids the links that are mailed for it later. The token of this row is discarded."""
    unknown = digest(secrets.token_urlsafe(32))
    await queries.insert_token(db, unknown, id, "revert_email", email, REVERT_LIFETIME, None, None)


def refuse_absent(user: User, standing: Standing) -> None:
    """Raises USER_DISABLED or USER_LEAVING: rights granted to such an account would take effect when it is enabled or
    restored."""
    if not user.is_active:
        raise USER_DISABLED
    if standing.leaving:
        raise USER_LEAVING


async def refuse_last(db: Transaction, id: UUID, verified: bool) -> None:
    """Raises LAST_SUPERUSER if no other superuser could sign in; `verified` is whether a confirmed address is required
    for that. Concurrent calls are serialized by row locks."""
    if await queries.lock_superusers(db, verified) == [id]:
        raise LAST_SUPERUSER
