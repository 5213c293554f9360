"""Repeated work of the worker."""

from api.kernel import Context, Sweep
from api.mails import queries
from api.mails.settings import MailSettings

AT_ONCE = 500


async def delete_old_mails(context: Context) -> int:
    """Delete a batch of records of MAILS_DAYS ago. Returns their number. Raises Problem."""
    return await queries.delete_old(context.db, context.settings.of(MailSettings).days, AT_ONCE)


sweeps = [Sweep(delete_old_mails)]
