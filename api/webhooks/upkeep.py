"""Repeated work of the worker."""

import contextlib
from uuid import UUID

from api.kernel import Context, Sweep
from api.webhooks import queries, secrets
from api.webhooks.delivery import Dispatcher
from api.webhooks.settings import WebhookSettings

AT_ONCE = 1000


async def deliver_webhooks(context: Context) -> int:
    """Deliver until the process drains. Returns 0."""
    await Dispatcher(context).run()
    return 0


async def delete_old_deliveries(context: Context) -> int:
    """Delete a batch of deliveries of WEBHOOKS_DAYS ago. Returns their number. Raises Problem."""
    return await queries.delete_old_deliveries(context.db, context.settings.of(WebhookSettings).days, AT_ONCE)


async def delete_orphans(context: Context) -> int:
    """Delete a batch of deliveries of deleted endpoints. Returns their number. Raises Problem."""
    return await queries.delete_orphans(context.db, AT_ONCE)


async def delete_old_secrets(context: Context) -> int:
    """Delete a batch of expired secrets. Returns their number. Raises Problem."""
    return await queries.delete_old_secrets(context.db, AT_ONCE)


async def reseal_secrets(context: Context) -> int:
    """Encrypt all secrets with the current SECRET_KEY, so that the previous one can be removed. Returns 0. Raises
    Problem."""
    settings, after = context.settings, UUID(int=0)
    while found := await queries.list_foreign_secrets(context.db, secrets.mark(settings), after, AT_ONCE):
        for each in found:
            with contextlib.suppress(secrets.SecretLost):
                secret = secrets.unseal(settings, each.endpoint_id, each.sealed)
                sealed = secrets.seal(settings, each.endpoint_id, secret)
                await queries.reseal(context.db, each.id, each.sealed, sealed)
        after = found[-1].id
    return 0


sweeps = [
    Sweep(deliver_webhooks, seconds=1.0),
    Sweep(delete_old_deliveries),
    Sweep(delete_orphans),
    Sweep(delete_old_secrets),
    Sweep(reseal_secrets, seconds=600.0),
]
