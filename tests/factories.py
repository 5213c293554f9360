"""Things to test with, made by the application's own queries."""

from collections.abc import Sequence

from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.identity import hashes
from api.users import queries
from api.users.types import User

PASSWORD = "correct horse battery staple"
# Of PASSWORD, made once by each of the application's own hashers (tests/patience.py): hashing is slow by design.
_HASHES: dict[object, str] = {}


async def make_user(
    context: Context,
    email: str | None = None,
    *,
    verified: bool = True,
    superuser: bool = False,
    active: bool = True,
    roles: Sequence[str] = (),
    language: str = "en",
) -> User:
    """An account whose password is PASSWORD."""
    if hashes.ARGON2 not in _HASHES:
        _HASHES[hashes.ARGON2] = await context.passwords.hash(PASSWORD)
    id = uuid7()
    async with context.db.transaction() as db:
        await queries.insert(db, id, email or f"{id.hex}@example.com", _HASHES[hashes.ARGON2], language, None, None)
        if verified:
            await queries.mark_verified(db, id)
    if superuser or roles or not active:
        change = "update users set is_superuser = $2, is_active = $3, roles = $4 where id = $1"
        await context.db.fetch(change, id, superuser, active, list(roles))
    return await queries.get(context.db, id)
