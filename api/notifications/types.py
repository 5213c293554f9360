"""Types of messages and rows."""

from typing import Annotated
from uuid import UUID

import msgspec

from api.kernel import Incoming

# One line, without control, bidirectional-override or invisible characters.
SUBJECT_PATTERN = r"^(?=.*\S)[^\x00-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2069\ufeff]+(?![\s\S])"
Subject = Annotated[str, msgspec.Meta(max_length=150, pattern=SUBJECT_PATTERN, description="Subject, one line.")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=10_000, description="Plain text; line breaks are kept.")]


class NotificationRequested(Incoming, frozen=True, tag="notifications.requested"):
    """Send an e-mail to an account."""

    user_id: UUID
    subject: Subject
    text: Text


class Notification(msgspec.Struct, frozen=True):
    """A notification as the task's value."""

    user_id: UUID
    subject: str
    text: str


class Recipient(msgspec.Struct, frozen=True):
    email: str
    language: str
