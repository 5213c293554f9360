"""What an operator does for and about accounts, by command: the work is the features' own."""

from uuid import UUID

from api.kernel import CacheUnavailable, Context
from api.kernel.process.terminal import show
from api.sessions.throttles import unlock
from api.users import queries
from api.users.handlers.administration import revoke_sessions

PAGE = 500


class Refused(Exception):
    """A command that changed nothing; the message says why."""


async def unlock_account(context: Context, email: str, address: str | None) -> None:
    """Drop the counts of refused sign-ins. Raises Refused, Problem."""
    if context.settings.rate_limit_credentials is None:
        raise Refused("RATE_LIMIT_CREDENTIALS is off: nothing is counted.")
    try:
        if await unlock(context, email, address) is None:
            raise Refused("there is no account with this address; nothing was changed.")
    except CacheUnavailable:
        raise Refused(f"{await context.cache.explain() or 'Redis does not answer'}; nothing was changed.") from None
    show("unlocked: this account's counts of refused sign-ins are dropped.")
    if address:
        show("and those of the network of that address.")


async def end_sessions(context: Context, email: str) -> None:
    """End every session of an account. Raises Refused, Problem."""
    id = await _account(context, email)
    await revoke_sessions(context, id)
    show(f"ended: every session of the account {id}.")


async def list_holders(context: Context, role: str | None) -> None:
    """Print superusers and holders of roles, by address. Raises Problem."""
    after, count = "", 0
    while found := await queries.list_holders(context.db, role, after, PAGE):
        for each in found:
            held = ["superuser"] * each.is_superuser + each.roles + ["(disabled)"] * (not each.is_active)
            show(f"{each.email}  {' '.join(held)}")
        after, count = found[-1].email, count + len(found)
    if not count:
        show("nobody holds this role." if role else "nobody is a superuser or holds a role.")


async def _account(context: Context, email: str) -> UUID:
    """Raises Refused where there is none."""
    id = await queries.find_id(context.db, email)
    if id is None:
        raise Refused("there is no account with this address; nothing was changed.")
    return id
