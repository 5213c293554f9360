"""The topic `users.commands`: what other services may do with accounts. Whoever may write to it may do that much, and
no more: nobody becomes a superuser here."""

from uuid import UUID

import msgspec

from api.kernel import NOT_FOUND, Context, Incoming, Transaction, consume
from api.users import queries
from api.users.errors import USER_ALREADY_EXISTS
from api.users.events import UserInvited, UserRegistered
from api.users.handlers.changes import put_account
from api.users.importing import ImportUser, open_accounts, with_own_hash
from api.users.trust import refuse_last


class DisableUser(Incoming, frozen=True, tag="users.disable"):
    """Nobody signs in to this account any more; sign-ins end. Again does nothing."""

    user_id: UUID


async def obey(context: Context, db: Transaction, message: ImportUser | DisableUser) -> None:
    if isinstance(message, ImportUser):
        await import_user(context, db, message)
    else:
        await disable_user(context, db, message)


async def import_user(context: Context, db: Transaction, wanted: ImportUser) -> None:
    """Raises USER_ALREADY_EXISTS; VALIDATION_FAILED for a hash that would not be checked."""
    account = with_own_hash(wanted, context.settings)
    if not await open_accounts(db, [account], UserRegistered, UserInvited):
        raise USER_ALREADY_EXISTS


async def disable_user(context: Context, db: Transaction, wanted: DisableUser) -> None:
    """Raises NOT_FOUND, LAST_SUPERUSER."""
    await refuse_last(db, wanted.user_id, context.settings.require_verification)
    user = await queries.lock(db, wanted.user_id)
    if user is None:
        raise NOT_FOUND("There is no account with this id.")
    await put_account(db, user, msgspec.structs.replace(user, is_active=False))


consumers = [consume("users.commands", ImportUser | DisableUser, obey)]
