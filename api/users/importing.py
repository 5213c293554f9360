"""Import of accounts from another system, with their password hashes."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec

from api.kernel import VALIDATION_FAILED, FieldError, Incoming, Settings, Transaction, origin, record, uuid7
from api.users import queries
from api.users.events import UserImported, UserInvited, UserRegistered
from api.users.hashes import adopt
from api.users.types import Address, Language, Name, Roles

PasswordHash = Annotated[
    str,
    msgspec.Meta(
        max_length=512, description="Password hash of the other system; docs/operations.md lists the supported formats."
    ),
]
PasswordSalt = Annotated[
    str,
    msgspec.Meta(
        max_length=128,
        description="Salt of a Firebase hash, base64. Omit it for other hashes, which contain their salt.",
    ),
]


class ImportUser(Incoming, frozen=True, tag="users.import"):
    """Create an account. With a password hash, the owner can sign in at once; without one, the owner is mailed a link
    to choose a password."""

    email: Address
    name: Name | None = None
    roles: Roles = msgspec.field(default_factory=list)
    password_hash: PasswordHash | None = None
    is_verified: bool = False
    password_salt: PasswordSalt | None = None
    is_active: bool = True
    language: Language | None = None


def with_own_hash(wanted: ImportUser, settings: Settings) -> ImportUser:
    """Return the account with its hash in the stored format. Raises VALIDATION_FAILED for an unsupported hash, and for
    roles with a password on an unconfirmed address: the roles would go to the holder of the password, who may not own
    the address."""
    if wanted.password_hash is None:
        return wanted
    if wanted.roles and not wanted.is_verified:
        error = FieldError("/roles", "Requires is_verified if there is a password.", "roles_unverified")
        raise VALIDATION_FAILED(errors=[error])
    try:
        stored = adopt(wanted.password_hash, wanted.password_salt, settings)
    except ValueError as error:
        raise VALIDATION_FAILED(errors=[FieldError("/password_hash", str(error), "password_hash")]) from None
    return msgspec.structs.replace(wanted, password_hash=stored, password_salt=None)


async def open_accounts(
    db: Transaction,
    wanted: Sequence[ImportUser],
    with_password: type[UserRegistered | UserImported],
    without: type[UserInvited | UserImported],
) -> list[UUID]:
    """Create the accounts whose addresses are not taken and record one event for each: `with_password` or `without`.
    The hashes must be in the stored format. Returns the ids of the created accounts."""
    default = origin.get().language
    opened = await queries.insert_imported(
        db,
        [uuid7() for _ in wanted],
        [each.email for each in wanted],
        [each.name for each in wanted],
        [" ".join(sorted(set(each.roles))) for each in wanted],
        [each.password_hash for each in wanted],
        [each.is_active for each in wanted],
        [each.is_verified for each in wanted],
        [each.language or default for each in wanted],
    )
    for account in opened:
        kind = with_password if account.has_password else without
        await record(db, kind(user_id=account.id, email=account.email, language=account.language))
    return [account.id for account in opened]
