"""Authentication by access token."""

from api.kernel import Context, Principal
from api.kernel.identity.auth import TOKEN_INVALID, Claims
from api.sessions import queries


async def authenticate(context: Context, claims: Claims) -> Principal:
    """Return the principal of a verified access token, in one query. Raises TOKEN_INVALID if the session has ended."""
    row = await queries.find_principal(context.db, claims.sid, claims.sub)
    if row is None:
        raise TOKEN_INVALID
    return Principal(
        id=claims.sub,
        sid=claims.sid,
        is_superuser=row.is_superuser,
        is_verified=row.is_verified,
        roles=tuple(row.roles),
    )
