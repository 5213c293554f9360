"""C-315: the times of a schedule, in any zone, across changes of the clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.kernel.outbox.cron import Cron

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Havana", "Asia/Kathmandu"]
MOMENTS = st.integers(0, 8 * 365 * 86_400).map(lambda seconds: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(0, seconds))


def some(low: int, high: int) -> st.SearchStrategy[set[int]]:
    return st.sets(st.integers(low, high), min_size=1, max_size=4)


def listed(values: set[int]) -> str:
    return ",".join(map(str, sorted(values)))


def due(text: str, zone: str, begin: str, number: int) -> list[str]:
    """Return the first times after a local time, as wall clock with offset."""
    cron, there = Cron(text, zone), ZoneInfo(zone)
    moment = datetime.fromisoformat(begin).replace(tzinfo=there).astimezone(UTC)
    found = []
    for _ in range(number):
        moment = cron.next_after(moment)
        found.append(f"{moment.astimezone(there):%a %d %b %H:%M%z}")
    return found


@pytest.mark.parametrize(
    ("text", "moments"),
    [
        ("03:00", ["Fri 02 Jan 03:00+0000", "Sat 03 Jan 03:00+0000"]),
        ("0 3 * * *", ["Fri 02 Jan 03:00+0000", "Sat 03 Jan 03:00+0000"]),
        ("*/20 * * * *", ["Thu 01 Jan 12:20+0000", "Thu 01 Jan 12:40+0000", "Thu 01 Jan 13:00+0000"]),
        ("5-20/5 13 * * *", [f"Thu 01 Jan 13:{minute}+0000" for minute in ("05", "10", "15", "20")]),
        (
            "30 9,17 * * mon-fri",
            ["Thu 01 Jan 17:30+0000", "Fri 02 Jan 09:30+0000", "Fri 02 Jan 17:30+0000", "Mon 05 Jan 09:30+0000"],
        ),
        ("0 0 * * 0", ["Sun 04 Jan 00:00+0000"]),
        ("0 0 * * 7", ["Sun 04 Jan 00:00+0000"]),
        ("0 0 * * SUN", ["Sun 04 Jan 00:00+0000"]),
        ("0 0 31 * *", ["Sat 31 Jan 00:00+0000", "Tue 31 Mar 00:00+0000"]),
        ("0 0 1 feb,APR *", ["Sun 01 Feb 00:00+0000", "Wed 01 Apr 00:00+0000"]),
        ("0 0 29 2 *", ["Tue 29 Feb 00:00+0000"]),
        ("0 0 13 * 5", ["Fri 02 Jan 00:00+0000", "Fri 09 Jan 00:00+0000", "Tue 13 Jan 00:00+0000"]),
        ("10/25 12 * * *", ["Thu 01 Jan 12:10+0000", "Thu 01 Jan 12:35+0000", "Fri 02 Jan 12:10+0000"]),
    ],
)
def test_the_fields_are_those_of_crontab(text: str, moments: list[str]) -> None:
    assert due(text, "UTC", "2026-01-01T12:00", len(moments)) == moments


@pytest.mark.parametrize(
    ("text", "begin", "moments"),
    [
        # The clocks go from 2:00 to 3:00 on 29 March 2026, and from 3:00 to 2:00 on 25 October.
        ("02:30", "2026-03-28T12:00", ["Sun 29 Mar 03:00+0200", "Mon 30 Mar 02:30+0200"]),
        ("0,30 2 * * *", "2026-03-28T12:00", ["Sun 29 Mar 03:00+0200", "Mon 30 Mar 02:00+0200"]),
        ("30 2,3 * * *", "2026-03-28T12:00", ["Sun 29 Mar 03:00+0200", "Sun 29 Mar 03:30+0200"]),
        ("03:00", "2026-03-28T12:00", ["Sun 29 Mar 03:00+0200", "Mon 30 Mar 03:00+0200"]),
        ("30 * * * *", "2026-03-29T01:00", ["Sun 29 Mar 01:30+0100", "Sun 29 Mar 03:30+0200", "Sun 29 Mar 04:30+0200"]),
        ("02:30", "2026-10-24T12:00", ["Sun 25 Oct 02:30+0200", "Mon 26 Oct 02:30+0100"]),
        ("30 * * * *", "2026-10-25T02:00", ["Sun 25 Oct 02:30+0200", "Sun 25 Oct 02:30+0100", "Sun 25 Oct 03:30+0100"]),
        ("0 9 * * *", "2026-03-28T00:00", ["Sat 28 Mar 09:00+0100", "Sun 29 Mar 09:00+0200"]),
    ],
)
def test_across_changes_of_the_clocks(text: str, begin: str, moments: list[str]) -> None:
    assert due(text, "Europe/Berlin", begin, len(moments)) == moments


def test_a_day_without_midnight() -> None:
    """In Havana the clocks go from 0:00 to 1:00 on 8 March 2026."""
    assert due("00:00", "America/Havana", "2026-03-07T12:00", 2) == ["Sun 08 Mar 01:00-0400", "Mon 09 Mar 00:00-0400"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("text", ["02:30", "00:00", "15 1,2,3 * * *", "*/15 * * * *", "0 */6 * * 1-5"])
@hypothesis.settings(deadline=None)
@given(moment=MOMENTS)
def test_next_and_previous_are_consistent(zone: str, text: str, moment: datetime) -> None:
    cron = Cron(text, zone)
    following, last = cron.next_after(moment), cron.last_until(moment)
    assert last <= moment < following
    assert cron.next_after(last) == following
    assert cron.last_until(following) == following
    assert cron.last_until(following - timedelta(microseconds=1)) == last


@pytest.mark.parametrize("zone", ZONES)
@hypothesis.settings(deadline=None)
@given(moment=MOMENTS)
def test_a_daily_schedule_runs_once_on_every_date(zone: str, moment: datetime) -> None:
    cron, there = Cron("30 2 * * *", zone), ZoneInfo(zone)
    days = []
    for _ in range(5):
        moment = cron.next_after(moment)
        days.append(moment.astimezone(there).date())
    assert days == [days[0] + timedelta(number) for number in range(5)]


@hypothesis.settings(deadline=None)
@given(some(0, 59), some(0, 23), some(1, 28), some(1, 12), some(0, 6), MOMENTS)
def test_it_agrees_with_checking_every_minute(
    minutes: set[int], hours: set[int], days: set[int], months: set[int], week: set[int], moment: datetime
) -> None:
    """The definition itself, in UTC, for two days."""
    cron = Cron(f"{listed(minutes)} {listed(hours)} {listed(days)} {listed(months)} {listed(week)}")
    minute = moment.replace(second=0, microsecond=0)
    later = (minute + timedelta(minutes=number) for number in range(1, 2 * 24 * 60))
    expected = next(
        (
            each
            for each in later
            if each.minute in minutes
            and each.hour in hours
            and each.month in months
            and (each.day in days or each.isoweekday() % 7 in week)
        ),
        None,
    )
    found = cron.next_after(moment)
    assert found == expected if expected else found >= minute + timedelta(days=2)


@pytest.mark.parametrize(
    ("text", "zone", "told"),
    [
        ("", "UTC", "neither"),
        ("3", "UTC", "neither"),
        ("* * * *", "UTC", "neither"),
        ("* * * * * *", "UTC", "neither"),
        ("@daily", "UTC", "neither"),
        ("24:00", "UTC", "0 to 23"),
        ("12:60", "UTC", "0 to 59"),
        ("60 * * * *", "UTC", "0 to 59"),
        ("-1 * * * *", "UTC", "not a value"),
        ("* 24 * * *", "UTC", "0 to 23"),
        ("* * 0 * *", "UTC", "1 to 31"),
        ("* * * 13 *", "UTC", "1 to 12"),
        ("* * * foo *", "UTC", "jan, feb"),
        ("* * * * 8", "UTC", "sun, mon"),
        ("5-1 * * * *", "UTC", "empty range"),
        ("*/0 * * * *", "UTC", "step"),
        ("*/99 * * * *", "UTC", "step"),
        ("1,,2 * * * *", "UTC", "not a value"),
        ("٣ * * * *", "UTC", "0 to 59"),
        ("0 0 30 2 *", "UTC", "no date matches"),
        ("0 0 31 4,6 *", "UTC", "no date matches"),
        ("03:00", "Europe/Berlln", "not a time zone"),
        ("03:00", "../../etc/passwd", "not a time zone"),
        ("03:00", "", "not a time zone"),
    ],
)
def test_a_malformed_schedule_is_refused_at_start(text: str, zone: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Cron(text, zone)
