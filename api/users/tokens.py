"""The tokens in our mails, on their way back, and how many mails one address gets. tasks.py makes them."""

import hashlib

from api.kernel import Context, Policy, Problem, Rate, Transaction
from api.users import queries
from api.users.errors import RESET_PASSWORD_INVALID_PASSWORD
from api.users.passwords import refuse_weak
from api.users.types import MailTokenWithPassword, NewPassword, TokenOwner

MAILS = Policy("mail-to", Rate(5, 60 * 60))
"""To one address, for registering it or for moving an account there, whoever asks."""


def digest(token: str) -> bytes:
    """What is kept of a token: SHA-256, for it has 256 bits of its own and needs no salt."""
    return hashlib.sha256(token.encode()).digest()


async def spend(db: Transaction, token: str, refusal: type[Problem], *purposes: str) -> TokenOwner:
    """Spend the token and lock its owner's account, so ask for this first in a transaction. Raises `refusal`."""
    owner = await queries.spend_token(db, digest(token), list(purposes))
    if owner is None:
        raise refusal
    return owner


async def choose_password(
    context: Context, body: MailTokenWithPassword | NewPassword, refusal: type[Problem], *purposes: str
) -> str | None:
    """The hash of the password that came with a token, if one did: made before anything is locked. Raises `refusal` for
    a token that is not good, and RESET_PASSWORD_INVALID_PASSWORD."""
    if body.password is None:
        return None
    known = await queries.find_token(context.db, digest(body.token), list(purposes))
    if known is None:
        raise refusal
    user = await queries.get(context.db, known.user_id)
    await refuse_weak(context, body.password, known.sent_to, RESET_PASSWORD_INVALID_PASSWORD, user.name)
    return await context.passwords.hash(body.password)


async def charge_mail(context: Context, email: str) -> None:
    """Count a mail to an address that may be a stranger's. Raises RATE_LIMITED."""
    await context.limiter.charge(context.limiter.credentials(MAILS, email))
