"""Mails: at once, in digests, or none."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import hypothesis
import hypothesis.strategies as st
import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.mail import MemoryMailer
from api.notifications.types import Content
from api.notifications.windows import end_of_day, end_of_window
from api.users.types import User
from tests.factories import make_user
from tests.mailed import TASKS
from tests.notifications.conftest import CONTENT, notified
from worker import queries

pytestmark = pytest.mark.case(405)
MOMENTS = st.integers(1_577_836_800, 2_208_988_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
END = "update outbox_tasks set available_at = now() where task = 'notifications.close_digest'"


async def prefer(context: Context, user: User, value: str, every: str = "hour") -> None:
    await context.db.fetch(
        "insert into notification_switches (user_id, kind_group, channel, value) values ($1, 'product', 'mail', $2)"
        " on conflict on constraint notification_switches_pkey do update set value = $2",
        user.id,
        value,
    )
    await context.db.fetch(
        "insert into notification_boxes (user_id, digest_every) values ($1, $2)"
        " on conflict on constraint notification_boxes_pkey do update set digest_every = $2",
        user.id,
        every,
    )


async def run(context: Context) -> None:
    """Run the tasks that are due."""
    while leased := await queries.lease_tasks(context.db, list(TASKS), 100, 30):
        for each in leased:
            await TASKS[each.task].run(context, each.id, each.lease)
    assert await context.db.fetch("select last_error from outbox_tasks where last_error is not null") == []


async def close(context: Context) -> None:
    """End the windows."""
    await context.db.fetch(END)
    await run(context)


async def test_a_window_is_one_mail(context: Context, ada: User, mailbox: MemoryMailer) -> None:
    await prefer(context, ada, "digest")
    for number in range(3):
        content = msgspec.structs.replace(CONTENT, subject=f"Order <{number}>")
        await notified(context, ada, 1, content)
    await run(context)
    assert mailbox.sent == []
    await close(context)
    [mail] = mailbox.sent
    assert (mail.to, mail.subject) == (ada.email, "3 notifications")
    assert [line for line in mail.text.splitlines() if line.startswith("- ")] == [f"- Order <{n}>" for n in range(3)]
    assert "Order &lt;0&gt;" in mail.html
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    await close(context)
    assert len(mailbox.sent) == 1


@pytest.mark.case(459)
async def test_a_zone_that_no_longer_exists_is_that_of_the_settings(context: Context, ada: User) -> None:
    await prefer(context, ada, "digest", "day")
    await context.db.fetch("update notification_boxes set zone = 'Mars/Olympus' where user_id = $1", ada.id)
    await notified(context, ada)
    await run(context)
    [digest] = await context.db.fetch("select due_at from notification_digests where user_id = $1", ada.id)
    assert digest[0].astimezone(UTC).hour == 8


async def test_what_arrives_after_the_end_waits_for_the_next_window(
    context: Context, ada: User, mailbox: MemoryMailer
) -> None:
    await prefer(context, ada, "digest")
    await notified(context, ada)
    await run(context)
    await close(context)
    await notified(context, ada, 2)
    await run(context)
    assert [mail.subject for mail in mailbox.sent] == ["1 notification"]
    windows = await context.db.fetch("select state, items from notification_digests order by due_at")
    assert [tuple(row) for row in windows] == [("closed", 1), ("open", 2)]
    await close(context)
    assert [mail.subject for mail in mailbox.sent] == ["1 notification", "2 notifications"]


async def test_a_digest_has_what_its_account_still_wants(context: Context, mailbox: MemoryMailer) -> None:
    off, gone, deleted = [await make_user(context, language="de") for _ in range(3)]
    for user in (off, gone, deleted):
        await prefer(context, user, "digest")
        await notified(context, user)
    await run(context)
    await prefer(context, off, "off")
    await context.db.fetch("update users set is_active = false where id = $1", gone.id)
    await context.db.fetch("delete from users where id = $1", deleted.id)
    await close(context)
    assert mailbox.sent == []


async def test_beyond_the_limit_mails_wait_for_a_digest(context: Context, ada: User, mailbox: MemoryMailer) -> None:
    await notified(context, ada, 33)
    await run(context)
    assert [mail.subject for mail in mailbox.sent] == ["Your order"] * 30
    await close(context)
    assert [mail.subject for mail in mailbox.sent[30:]] == ["3 notifications"]


async def test_notifications_deleted_before_their_mail_are_not_mailed(
    context: Context, ada: User, mailbox: MemoryMailer
) -> None:
    await notified(context, ada)
    await context.db.fetch("delete from notifications")
    await run(context)
    assert mailbox.sent == []


@pytest.mark.parametrize("state", [{"verified": False}, {"active": False}])
async def test_accounts_without_a_confirmed_address_or_disabled_get_no_mail(
    context: Context, mailbox: MemoryMailer, state: dict[str, bool]
) -> None:
    user = await make_user(context)
    await notified(context, user)
    column = {"verified": "is_verified", "active": "is_active"}[next(iter(state))]
    await context.db.fetch(f"update users set {column} = false where id = $1", user.id)
    await run(context)
    assert mailbox.sent == []


async def test_a_digest_of_several_groups_unsubscribes_from_them(
    context: Context, ada: User, mailbox: MemoryMailer
) -> None:
    await prefer(context, ada, "digest")
    await context.db.fetch("update notification_switches set value = 'digest'")
    await context.db.fetch("insert into notification_switches values ($1, 'account', 'mail', 'digest')", ada.id)
    await notified(context, ada)
    await notified(context, ada, 1, Content("account.note", "account", "Note", "Text"))
    await run(context)
    await close(context)
    [mail] = mailbox.sent
    assert mail.subject == "2 notifications"


@hypothesis.given(
    MOMENTS,
    st.integers(0, 23),
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Australia/Lord_Howe"]),
)
def test_a_day_has_one_end(now: datetime, hour: int, zone: str) -> None:
    """The end is later, at most a day and an hour later, and the same for all moments before it."""
    end = end_of_day(now, hour, zone)
    assert timedelta(0) < end - now <= timedelta(hours=25)
    assert end_of_day(end - timedelta(seconds=1), hour, zone) == end
    assert end_of_day(end, hour, zone) > end


def test_daylight_saving() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    before = datetime(2026, 3, 28, 12, tzinfo=berlin).astimezone(UTC)
    assert end_of_day(before, 8, "Europe/Berlin") == datetime(2026, 3, 29, 6, tzinfo=UTC)
    assert end_of_day(before, 2, "Europe/Berlin") == datetime(2026, 3, 29, 1, tzinfo=UTC)


@hypothesis.given(MOMENTS, st.integers(1, 1440))
def test_windows_follow_each_other(now: datetime, minutes: int) -> None:
    end = end_of_window(now, minutes)
    assert timedelta(0) < end - now <= timedelta(minutes=minutes)
    assert end_of_window(end, minutes) - end == timedelta(minutes=minutes)
