"""The tokens in our mails, on their way back. tasks.py makes them."""

import hashlib

from api.kernel.database import Database
from api.kernel.errors import Problem
from api.users import queries
from api.users.types import TokenOwner


def digest(token: str) -> bytes:
    """What is kept of a token: SHA-256, for it has 256 bits of its own and needs no salt."""
    return hashlib.sha256(token.encode()).digest()


async def spend(db: Database, token: str, refusal: type[Problem], *purposes: str) -> TokenOwner:
    """Spend the token and lock its owner's account, so ask for this first in a transaction. Raises `refusal`."""
    owner = await queries.spend_token(db, digest(token), list(purposes))
    if owner is None:
        raise refusal
    return owner
