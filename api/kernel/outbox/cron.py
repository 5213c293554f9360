"""Due times of schedules: the five fields of crontab(5) in a time zone with daylight saving time. Times are computed in
local time and returned in UTC.

If the hour is restricted (`30 2 * * *`), a time that is skipped in spring is due when the clocks go forward, and a time
that occurs twice in autumn is due only the first time. If every hour is due (`30 * * * *`), changes of the clock have
no effect: the schedule is due once an hour."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/([0-9]{1,2}))?")
_FARTHEST_DAYS = 366 * 8 + 2
"""From one 29 February to the next, across a year such as 2100 that has none."""


class Cron:
    """Due times of `minute hour day-of-month month day-of-week`, or of `HH:MM` each day, in a zone of the IANA time
    zone database. Lists, ranges, steps and English names of months and days are supported; 0 and 7 are Sunday. If both
    day fields are restricted, a day that matches either is due. Raises ValueError for invalid fields, and for fields
    that no date matches."""

    def __init__(self, text: str, zone: str = "UTC") -> None:
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{zone!r} is not a time zone, such as UTC or Europe/Berlin") from None
        self.text, self.zone = text, zone
        daily = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", text)
        fields = [daily[2], daily[1], "*", "*", "*"] if daily else text.split()
        if len(fields) != 5:
            raise ValueError(f"{text!r} is neither HH:MM nor five fields: minute hour day-of-month month day-of-week")
        self._minutes = _field(fields[0], 0, 59)
        self._hours = _field(fields[1], 0, 23)
        self._month_days = _field(fields[2], 1, 31)
        self._months = _field(fields[3], 1, 12, _MONTHS, 1)
        self._week_days = {day % 7 for day in _field(fields[4], 0, 7, _DAYS, 0)}
        self._every_hour = len(self._hours) == 24
        self._any_month_day, self._any_week_day = fields[2].startswith("*"), fields[4].startswith("*")
        if not any(self._matches(date(2096, 1, 1) + timedelta(days)) for days in range(_FARTHEST_DAYS)):
            raise ValueError(f"no date matches {text!r}")

    def next_after(self, moment: datetime) -> datetime:
        """The first due time after `moment`."""
        day = moment.astimezone(self._zone).date() - timedelta(1)
        for days in range(_FARTHEST_DAYS + 2):
            later = [each for each in self._moments(day + timedelta(days)) if each > moment]
            if later:
                return min(later)
        raise AssertionError("unreachable: some date matches")

    def last_until(self, moment: datetime) -> datetime:
        """The latest due time that is not after `moment`."""
        day = moment.astimezone(self._zone).date() + timedelta(1)
        for days in range(_FARTHEST_DAYS + 2):
            earlier = [each for each in self._moments(day - timedelta(days)) if each <= moment]
            if earlier:
                return max(earlier)
        raise AssertionError("unreachable: some date matches")

    def _matches(self, day: date) -> bool:
        in_month, in_week = day.day in self._month_days, day.isoweekday() % 7 in self._week_days
        if self._any_month_day or self._any_week_day:
            return day.month in self._months and in_month and in_week
        return day.month in self._months and (in_month or in_week)

    def _moments(self, day: date) -> Iterator[datetime]:
        if self._matches(day):
            for hour in self._hours:
                for minute in self._minutes:
                    yield from self._instants(datetime.combine(day, time(hour, minute)))

    def _instants(self, wall: datetime) -> Iterator[datetime]:
        """The UTC times of a local time: one, two, or the end of the gap that contains it."""
        first, second = (wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if first == second:
            yield first
        elif first < second:  # the clocks go back, and this time occurs twice
            yield first
            if self._every_hour:
                yield second
        elif not self._every_hour:
            yield self._gap_end(wall, second, first)

    def _gap_end(self, wall: datetime, before: datetime, after: datetime) -> datetime:
        """The time between `before` and `after` at which the clocks go forward past `wall`."""
        while after - before > timedelta(seconds=1):
            middle = before + (after - before) // 2
            if middle.astimezone(self._zone).replace(tzinfo=None) > wall:
                after = middle
            else:
                before = middle
        return after.replace(microsecond=0)


def _field(text: str, low: int, high: int, names: tuple[str, ...] = (), offset: int = 0) -> set[int]:
    """The values of one field. Raises ValueError."""
    values: set[int] = set()
    for part in text.split(","):
        found = _PART.fullmatch(part)
        if found is None:
            raise ValueError(f"{part!r} is not a value, a range (1-5), * or one of these with a step (*/15)")
        star, first, last, step = found.groups()
        begin = low if star else _value(first, low, high, names, offset)
        end = high if star or (step and not last) else _value(last or first, low, high, names, offset)
        if begin > end or (step and not 1 <= int(step) <= high):
            raise ValueError(f"{part!r} is an empty range, or has a step that is too large")
        values |= set(range(begin, end + 1, int(step or 1)))
    return values


def _value(text: str, low: int, high: int, names: tuple[str, ...], offset: int) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + offset
    if not re.fullmatch(r"[0-9]{1,2}", text) or not low <= int(text) <= high:
        known = f", or one of {', '.join(names)}" if names else ""
        raise ValueError(f"{text!r} is not a number from {low} to {high}{known}")
    return int(text)
