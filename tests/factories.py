"""Things to test with, made by the application's own queries."""

from api.kernel.context import Context
from api.kernel.database import uuid7
from api.users import queries
from api.users.types import User

PASSWORD = "correct horse battery staple"
# Of PASSWORD, made once by the application's own hasher: hashing is slow by design.
_HASH = ""


async def make_user(context: Context, email: str | None = None, *, verified: bool = True) -> User:
    """An account whose password is PASSWORD."""
    global _HASH
    _HASH = _HASH or await context.passwords.hash(PASSWORD)
    id = uuid7()
    user = await queries.insert(context.db, id, email or f"{id.hex}@example.com", _HASH)
    return (await queries.mark_verified(context.db, id)) or user if verified else user
