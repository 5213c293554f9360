"""Authentication by access token."""

from api.kernel import Context, Principal
from api.kernel.identity.auth import INVALID_TOKEN, TOKEN_INVALID, Claims
from api.sessions import queries


async def authenticate(context: Context, claims: Claims) -> Principal:
    """Return the principal of a verified access token. Raises TOKEN_INVALID if the session has ended."""
    row = await queries.find_principal(context.db, claims.sid, claims.sub)
    if row is None:
        raise TOKEN_INVALID(headers=INVALID_TOKEN)
    return Principal(
        id=claims.sub,
        sid=claims.sid,
        is_superuser=row.is_superuser,
        is_verified=row.is_verified,
        roles=tuple(row.roles),
    )
