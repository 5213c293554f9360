"""Types of requests, responses and rows."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from api.kernel import LONGEST_ADDRESS, Cursor, Limit, Normal, Shown, normal_address, shown_address

State = Annotated[
    Literal["queued", "sent", "delayed", "refused", "skipped"],
    msgspec.Meta(
        description="`queued`: to be sent again. `sent`: the mail server has accepted it. `delayed`: another attempt "
        "follows. `refused`: given up. `skipped`: its task ended without sending it again, because its reason no "
        "longer applies or the account had too many."
    ),
]
Recipient = Annotated[
    str,
    Shown(shown_address),
    msgspec.Meta(description="Null if the mail was to no account.", extra_json_schema={"format": "idn-email"}),
]


class MailQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    user_id: Annotated[UUID, msgspec.Meta(description="Account of the recipient.")] | None = None
    recipient: (
        Annotated[
            str,
            Normal(normal_address),
            msgspec.Meta(min_length=3, max_length=LONGEST_ADDRESS, description="Address, complete; case is ignored."),
        ]
        | None
    ) = None
    template: (
        Annotated[
            str,
            msgspec.Meta(max_length=100, pattern=r"^[a-z_]+$", description="Template.", examples=["verify"]),
        ]
        | None
    ) = None
    state: State | None = None
    limit: Limit = 20
    cursor: Cursor | None = None


class Mail(msgspec.Struct, frozen=True):
    """A mail that was sent, or was to be sent. `attempts` of a `delayed` one grow until it is `sent` or `refused`;
    `repeats` is the mail that it repeats, and `updated_at` the time of the last attempt."""

    id: UUID
    template: str
    language: str
    user_id: UUID | None
    recipient: Recipient | None
    subject: str | None
    state: State
    attempts: int
    reply: str | None
    repeats: UUID | None
    created_at: datetime
    updated_at: datetime


class MailRow(Mail, frozen=True):
    """A mail with its texts and its task. `value` is the task's value as JSON, null if it cannot be sent again."""

    body: str | None
    has_html: bool
    task: str | None
    task_id: UUID | None
    value: str | None
    next_attempt_at: datetime | None
    repeated_at: datetime | None
    link: Literal["valid", "expired", "used"] | None
    link_expires_at: datetime | None


class MailDetails(Mail, frozen=True):
    """A mail with its text, in which links and tokens are replaced, and the task that sends it.

    `link` is the state of the single-use link in it; null without one, or a day after it expired. `repeatable` is
    whether it can be sent again: its task then makes a new link. `next_attempt_at` is set while it is `delayed`,
    `repeated_at` when it was last sent again."""

    body: str | None
    has_html: bool
    task: str | None
    task_id: UUID | None
    next_attempt_at: datetime | None
    repeated_at: datetime | None
    link: Literal["valid", "expired", "used"] | None
    link_expires_at: datetime | None
    repeatable: bool


class Repeatable(msgspec.Struct, frozen=True):
    """What the repetition of a mail needs; `busy` is whether it or its last repetition is still being sent."""

    user_id: UUID | None
    template: str
    task: str | None
    value: str | None
    used: bool
    busy: bool
