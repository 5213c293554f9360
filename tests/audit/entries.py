"""Entries for the audit's tests, made by the application's own `record`."""

from uuid import UUID

from api.audit.chain import seal
from api.kernel.context import Context, Origin, origin
from api.kernel.data.database import uuid7
from api.kernel.outbox.events import Event, record
from api.users.events import UserUpdated, UserVerified

HERE = Origin(address="192.0.2.7", user_agent="Firefox — für alle 🦊")


async def announce(context: Context, event: Event, who: Origin = HERE) -> None:
    token = origin.set(who)
    try:
        async with context.db.transaction() as db:
            await record(db, event)
    finally:
        origin.reset(token)


async def chain_of(context: Context, length: int) -> UUID:
    """Return the id of an account with a sealed chain of that many entries."""
    user_id = uuid7()
    for number in range(length):
        event: Event = UserUpdated(user_id=user_id, changed=["name", "é"])
        if number % 2:
            event = UserVerified(user_id=user_id, email="ada@example.com")
        await announce(context, event)
    while await seal(context):
        pass
    return user_id
