"""Verification of mailed tokens, which tasks.py creates, and the limit of e-mails to one address."""

import hashlib

from api.kernel import Context, Policy, Problem, Rate, Transaction
from api.users import queries
from api.users.errors import RESET_PASSWORD_INVALID_PASSWORD
from api.users.passwords import refuse_weak
from api.users.types import EmailTokenWithPassword, PasswordReset, TokenOwner

MAILS = Policy("mail-to", Rate(5, 60 * 60))
"""E-mails to one address for registration or a change of address, counted for all clients together."""


def digest(token: str) -> bytes:
    """SHA-256 of a token. A token has 256 random bits, so that no salt is needed."""
    return hashlib.sha256(token.encode()).digest()


async def spend(db: Transaction, token: str, refusal: type[Problem], *purposes: str) -> TokenOwner:
    """Use up the token and lock its owner's account; call it first in a transaction. Raises `refusal`."""
    owner = await queries.spend_token(db, digest(token), list(purposes))
    if owner is None:
        raise refusal
    return owner


async def choose_password(
    context: Context, body: EmailTokenWithPassword | PasswordReset, refusal: type[Problem], *purposes: str
) -> str | None:
    """Hash the password that came with a token, if any, before rows are locked. Raises `refusal` for an invalid token,
    or RESET_PASSWORD_INVALID_PASSWORD."""
    if body.password is None:
        return None
    known = await queries.find_token(context.db, digest(body.token), list(purposes))
    if known is None:
        raise refusal
    user = await queries.get(context.db, known.user_id)
    await refuse_weak(context, body.password, known.sent_to, RESET_PASSWORD_INVALID_PASSWORD, user.name)
    return await context.passwords.hash(body.password)


async def charge_mail(context: Context, email: str) -> None:
    """Count an e-mail to an address that may belong to another person. Raises RATE_LIMITED."""
    await context.limiter.charge(context.limiter.credentials(MAILS, email))
