"""Commands about accounts; the features implement them."""

from uuid import UUID

from api.kernel import CacheUnavailable, Context
from api.kernel.process.terminal import show
from api.sessions.throttles import unlock
from api.users import queries
from api.users.handlers.administration import revoke_user_sessions

PAGE = 500


class Refused(Exception):
    """The command changed nothing; the message says why."""


async def unlock_account(context: Context, email: str, address: str | None) -> None:
    """Reset the counts of failed sign-ins. Raises Refused, Problem."""
    if context.settings.rate_limit_credentials is None:
        raise Refused("RATE_LIMIT_CREDENTIALS is off, so nothing is counted.")
    try:
        if await unlock(context, email, address) is None:
            raise Refused("no account has this address; nothing was changed.")
    except CacheUnavailable:
        raise Refused(f"{await context.cache.explain() or 'Redis does not answer'}; nothing was changed.") from None
    show("unlocked: the account's counts of failed sign-ins were reset.")
    if address:
        show("the counts of the address's network were reset.")


async def end_sessions(context: Context, email: str) -> None:
    """End all sessions of an account. Raises Refused, Problem."""
    id = await _account(context, email)
    await revoke_user_sessions(context, id)
    show(f"ended: all sessions of account {id}.")


async def list_holders(context: Context, role: str | None) -> None:
    """Print superusers and role holders, sorted by address. Raises Problem."""
    after, count = "", 0
    while found := await queries.list_holders(context.db, role, after, PAGE):
        for each in found:
            held = ["superuser"] * each.is_superuser + each.roles + ["(disabled)"] * (not each.is_active)
            show(f"{each.email}  {' '.join(held)}")
        after, count = found[-1].email, count + len(found)
    if not count:
        show("no account has this role." if role else "no account is a superuser or has a role.")


async def _account(context: Context, email: str) -> UUID:
    """Raises Refused if there is no account."""
    id = await queries.find_id(context.db, email)
    if id is None:
        raise Refused("no account has this address; nothing was changed.")
    return id
