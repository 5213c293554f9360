"""The public keys that verify access tokens."""

from api.kernel import Context
from api.sessions.types import JwkSet


async def get_jwks(context: Context) -> JwkSet:
    """Get the public keys that verify access tokens. The list is empty if JWT_ALGORITHM is symmetric."""
    return JwkSet(context.tokens.jwks)
