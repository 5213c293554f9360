"""Limits on guessing passwords, and resetting them for one account."""

from uuid import UUID

from api.kernel import Context, Policy, Rate, network_of, record
from api.kernel.identity.limits import NETWORK_BITS, Limit, Limiter
from api.sessions import queries
from api.sessions.events import AccountUnlocked

BY_NETWORK = Policy("sign-in-network", Rate(30, 900))
BY_ACCOUNT = Policy("sign-in", Rate(5, 900))
BY_KNOWN_DEVICE = Policy("sign-in-device", Rate(10, 900))
GUESSES = (BY_NETWORK, BY_ACCOUNT, BY_KNOWN_DEVICE)


def of_account(limiter: Limiter, email: str, since: str) -> list[Limit]:
    """Attempts from unknown devices and places since the password was set (`since`)."""
    return limiter.credentials(BY_ACCOUNT, email, since)


def of_device(limiter: Limiter, email: str, device: UUID | None) -> list[Limit]:
    """Attempts from a device that the account knows."""
    return limiter.credentials(BY_KNOWN_DEVICE, email, "device", str(device))


def of_place(limiter: Limiter, email: str, network: str, user_agent: str | None) -> list[Limit]:
    """Attempts from a network and user agent that the account knows."""
    return limiter.credentials(BY_KNOWN_DEVICE, email, "place", network, user_agent or "")


def of_network(limiter: Limiter, network: str) -> list[Limit]:
    """Attempts from a network on accounts that do not know it."""
    return limiter.credentials(BY_NETWORK, network)


def of_known_places(limiter: Limiter, network: str) -> list[Limit]:
    """Attempts from a network on accounts that know it."""
    return limiter.credentials(BY_NETWORK, network, "places")


async def unlock(context: Context, email: str, address: str | None) -> UUID | None:
    """Reset the counts of sign-in attempts of the account with this e-mail address. With `address`, also reset those of
    its network and of its failed tokens. Returns the account's id, or None if there is no account. Raises
    CacheUnavailable, in which case nothing is changed."""
    account = await queries.find_account(context.db, email, None, None)
    if account is None:
        return None
    limiter = context.limiter
    limits = of_account(limiter, account.email, str(account.credentials_changed_at))
    for known in await queries.list_known(context.db, account.user_id):
        network = network_of(known.address, NETWORK_BITS)
        limits += of_device(limiter, account.email, known.device_id)
        limits += of_place(limiter, account.email, network, known.user_agent)
    if address:
        network = network_of(address, NETWORK_BITS)
        limits += of_network(limiter, network) + of_known_places(limiter, network) + limiter.failures(address)
    async with context.db.transaction() as db:
        await record(db, AccountUnlocked(user_id=account.user_id))
        await limiter.forget(limits)
    return account.user_id
