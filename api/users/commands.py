"""Consumer of the topic `users.commands`, by which other services import and disable accounts. Write access to the
topic is the only authorization, so no command grants superuser rights."""

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
    """Disable the account and end its sessions. Repeating the command has no effect."""

    user_id: UUID


async def handle_command(context: Context, db: Transaction, message: ImportUser | DisableUser) -> None:
    if isinstance(message, ImportUser):
        await import_user(context, db, message)
    else:
        await disable_user(context, db, message)


async def import_user(context: Context, db: Transaction, command: ImportUser) -> None:
    """Raises USER_ALREADY_EXISTS, or VALIDATION_FAILED for an unsupported password hash."""
    account = with_own_hash(command, context.settings)
    if not await open_accounts(db, [account], UserRegistered, UserInvited):
        raise USER_ALREADY_EXISTS


async def disable_user(context: Context, db: Transaction, command: DisableUser) -> None:
    """Raises NOT_FOUND, LAST_SUPERUSER."""
    await refuse_last(db, command.user_id, context.settings.require_verification)
    user = await queries.lock(db, command.user_id)
    if user is None:
        raise NOT_FOUND("No account has this id.")
    await put_account(db, user, msgspec.structs.replace(user, is_active=False))


consumers = [consume("users.commands", ImportUser | DisableUser, handle_command)]
