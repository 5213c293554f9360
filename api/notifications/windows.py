"""The ends of the windows of digests."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo


def end_of_window(now: datetime, minutes: int) -> datetime:
    """The end of the current one of consecutive windows of so many minutes."""
    length = minutes * 60
    return datetime.fromtimestamp((int(now.timestamp()) // length + 1) * length, UTC)


def end_of_day(now: datetime, hour: int, zone: str) -> datetime:
    """The next time that it is this hour in the zone. An hour that daylight saving skips is taken with the offset
    before the change, so that each day has one end."""
    local = now.astimezone(ZoneInfo(zone)).replace(hour=hour, minute=0, second=0, microsecond=0, fold=0)
    while local.astimezone(UTC) <= now:
        local += timedelta(days=1)  # of the wall clock
    return local.astimezone(UTC)
