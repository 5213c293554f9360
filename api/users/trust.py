"""Whom an account belongs to: the reader of the mail to its address. Until that address is proved, somebody else may
have opened the account, and what they stored in it is not trusted."""

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
"""For void_tokens: every link that takes an address back."""
REVERT_LIFETIME = timedelta(hours=72)


async def claim(db: Transaction, id: UUID, language: str) -> None:
    """Remove what was stored in an account whose address was not proved: its password, sessions, links, name and
    pending address. What an administrator gave it stays."""
    await queries.claim(db, id, language)
    await queries.void_tokens(db, id, EVER)
    await record(db, UserClaimed(user_id=id))


async def keep(db: Transaction, id: UUID) -> None:
    """Cancel a deletion: the owner has just shown that they want the account."""
    if await queries.cancel_deletion(db, id):
        await record(db, DeletionCancelled(user_id=id))


async def allow_return(db: Transaction, id: UUID, email: str) -> None:
    """Let the reader of `email`, which was proved, take the account back. Write this in the transaction of the change:
    what voids the right later, voids the links that are mailed for it after that, too. Nobody ever has this row's own
    token."""
    unknown = digest(secrets.token_urlsafe(32))
    await queries.insert_token(db, unknown, id, "revert_email", email, REVERT_LIFETIME, None, None)


def refuse_absent(user: User, standing: Standing) -> None:
    """Raises USER_DISABLED or USER_LEAVING: what is given to such an account would be found by whoever comes back."""
    if not user.is_active:
        raise USER_DISABLED
    if standing.leaving:
        raise USER_LEAVING


async def refuse_last(db: Transaction, id: UUID, verified: bool) -> None:
    """Raises LAST_SUPERUSER where no other superuser would be left that can sign in; `verified` is whether only a
    proved address may. Two who ask at the same time do so one after the other."""
    if await queries.lock_superusers(db, verified) == [id]:
        raise LAST_SUPERUSER
