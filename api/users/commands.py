"""The topic `users.commands`: what other services may do with accounts. Whoever may write to it may do that much, and
no more: nobody becomes a superuser here."""

from typing import Annotated
from uuid import UUID

import msgspec

from api.kernel.consumers import Incoming, consume
from api.kernel.context import Context, origin
from api.kernel.database import Database, uuid7
from api.kernel.errors import NOT_FOUND, VALIDATION_FAILED, FieldError
from api.kernel.events import record
from api.kernel.passwords import may_be_imported
from api.users import queries
from api.users.changes import put_account
from api.users.events import UserInvited, UserRegistered
from api.users.trust import refuse_last
from api.users.types import Email, Name, Roles

PasswordHash = Annotated[str, msgspec.Meta(max_length=512, description="Argon2id (PHC string) or bcrypt.")]


class ImportUser(Incoming, frozen=True, tag="users.import"):
    """Open an account. With the hash of a password it can be signed in to at once; without, its owner is mailed a link
    to choose one. Roles go with a password only where the address is proved."""

    email: Email
    name: Name | None = None
    roles: Roles = msgspec.field(default_factory=list)
    password_hash: PasswordHash | None = None
    is_verified: bool = False


class DisableUser(Incoming, frozen=True, tag="users.disable"):
    """Nobody signs in to this account any more; sign-ins end. Again does nothing."""

    user_id: UUID


async def obey(context: Context, db: Database, message: ImportUser | DisableUser) -> None:
    if isinstance(message, ImportUser):
        await import_user(db, message)
    else:
        await disable_user(context, db, message)


async def import_user(db: Database, wanted: ImportUser) -> None:
    """Raises USER_ALREADY_EXISTS; VALIDATION_FAILED for a hash that we would not check, and for roles that whoever has
    the password would have, though nobody proved the address."""
    if wanted.password_hash is not None and not may_be_imported(wanted.password_hash):
        told = "Must be Argon2id (at most 64 MiB, 10 passes, 4 lanes) or bcrypt (at most 15)."
        raise VALIDATION_FAILED(errors=[FieldError("/password_hash", told)])
    if wanted.password_hash is not None and wanted.roles and not wanted.is_verified:
        told = "Needs is_verified where there is a password."
        raise VALIDATION_FAILED(errors=[FieldError("/roles", told)])
    language = origin.get().language
    roles = sorted(set(wanted.roles))
    user = await queries.insert_imported(
        db, uuid7(), wanted.email, wanted.name, roles, wanted.password_hash, wanted.is_verified, language
    )
    announced = UserInvited if wanted.password_hash is None else UserRegistered
    await record(db, announced(user_id=user.id, email=user.email, language=language))


async def disable_user(context: Context, db: Database, wanted: DisableUser) -> None:
    """Raises NOT_FOUND, LAST_SUPERUSER."""
    await refuse_last(db, wanted.user_id, context.settings.require_verification)
    user = await queries.lock(db, wanted.user_id)
    if user is None:
        raise NOT_FOUND("There is no account with this id.")
    await put_account(db, user, msgspec.structs.replace(user, is_active=False))


consumers = [consume("users.commands", ImportUser | DisableUser, obey)]
