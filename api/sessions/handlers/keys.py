"""The keys that access tokens are verified with."""

from api.kernel import Context
from api.sessions.types import JwkSet


async def show_keys(context: Context) -> JwkSet:
    """The public keys that access tokens are signed with, where the algorithm has any."""
    return JwkSet(context.tokens.jwks)
