"""The log level at run time."""

from datetime import timedelta

from api.kernel import Context, Principal, record, uuid7
from api.operations import queries
from api.operations.errors import LOGGER_UNKNOWN
from api.operations.events import LogLevelChanged
from api.operations.levels import loggers
from api.operations.types import LogLevelChange, LogLevels


async def get_log_level(context: Context) -> LogLevels:
    """Get the log levels: the default of the processes, and those that are set for a time."""
    return LogLevels(context.settings.log_level, await queries.list_levels(context.db), list(loggers()))


async def change_log_level(context: Context, principal: Principal, body: LogLevelChange) -> LogLevels:
    """Set the log level of a logger, or of all, for some minutes; null resets it.

    All web and worker processes follow within seconds, and return to their default by themselves. Loggers of libraries
    cannot be changed, because they may write secrets."""
    if body.logger is not None and body.logger not in loggers():
        raise LOGGER_UNKNOWN
    async with context.db.transaction() as db:
        until = None
        if body.level is None:
            await queries.delete_level(db, body.logger or "")
        else:
            time = timedelta(minutes=body.minutes)
            until = await queries.save_level(db, body.logger or "", body.level, time, principal.id)
        await record(db, LogLevelChanged(change_id=uuid7(), logger=body.logger, level=body.level, until=until))
    return await get_log_level(context)
