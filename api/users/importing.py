"""Accounts that another system had, with the hashes of their passwords."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec

from api.kernel import VALIDATION_FAILED, FieldError, Incoming, Settings, Transaction, origin, record, uuid7
from api.users import queries
from api.users.events import UserImported, UserInvited, UserRegistered
from api.users.hashes import adopt
from api.users.types import Email, Language, Name, Roles

PasswordHash = Annotated[
    str, msgspec.Meta(max_length=512, description="As the other system stored it: docs/operations.md has the forms.")
]
PasswordSalt = Annotated[
    str, msgspec.Meta(max_length=128, description="Of a hash of Firebase's, which is not part of the hash. Base64.")
]


class ImportUser(Incoming, frozen=True, tag="users.import"):
    """Open an account. With the hash of a password it can be signed in to at once; without, its owner is mailed a link
    to choose one."""

    email: Email
    name: Name | None = None
    roles: Roles = msgspec.field(default_factory=list)
    password_hash: PasswordHash | None = None
    is_verified: bool = False
    password_salt: PasswordSalt | None = None
    is_active: bool = True
    language: Language | None = None


def with_own_hash(wanted: ImportUser, settings: Settings) -> ImportUser:
    """The same with the hash as it is stored. Raises VALIDATION_FAILED for one that would not be checked, and for roles
    that come with a password to an address that is not proved: whoever has the password would hold them."""
    if wanted.password_hash is None:
        return wanted
    if wanted.roles and not wanted.is_verified:
        raise VALIDATION_FAILED(errors=[FieldError("/roles", "Needs is_verified where there is a password.")])
    try:
        stored = adopt(wanted.password_hash, wanted.password_salt, settings)
    except ValueError as error:
        raise VALIDATION_FAILED(errors=[FieldError("/password_hash", str(error))]) from None
    return msgspec.structs.replace(wanted, password_hash=stored, password_salt=None)


async def open_accounts(
    db: Transaction,
    wanted: Sequence[ImportUser],
    with_password: type[UserRegistered | UserImported],
    without: type[UserInvited | UserImported],
) -> list[UUID]:
    """Open the accounts whose addresses have none, and record an event of each, of the one type or the other. Returns
    their ids. The hashes are as they are stored."""
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
