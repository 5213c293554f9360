"""Types of requests, responses, messages and rows."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from api.kernel import Cursor, Incoming, Limit
from api.notifications.texts import Subject, Text

Kind = Annotated[
    str,
    msgspec.Meta(
        max_length=100,
        pattern=r"^[a-z][a-z0-9_]{0,29}(\.[a-z][a-z0-9_]{0,29}){1,3}(?![\s\S])",
        description="Kind, in lower case with dots. Its first part is its group, one of NOTIFICATIONS_GROUPS.",
        examples=["product.release"],
    ),
]
# Two slashes or a backslash would make it an address of another host for browsers, or what is left after dot segments.
Link = Annotated[
    str,
    msgspec.Meta(
        max_length=500,
        pattern=r"^(?![^?#]*//)/[!-\[\]-~]*(?![\s\S])",
        description="Path in the application, percent-encoded.",
        examples=["/orders/7"],
    ),
]
DataKey = Annotated[str, msgspec.Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z][A-Za-z0-9_]*(?![\s\S])")]
DataValue = Annotated[str, msgspec.Meta(max_length=500)]
Data = Annotated[dict[DataKey, DataValue], msgspec.Meta(max_length=20, description="Values for the application.")]
Role = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}$(?![\s\S])", description="Role name.", examples=["editor"])
]
Channel = Annotated[Literal["in_app", "mail", "push"], msgspec.Meta(title="NotificationChannel")]
SwitchValue = Annotated[
    Literal["on", "instant", "digest", "off"],
    msgspec.Meta(title="SwitchValue", description="`on` or `off`; for mail `instant`, `digest` or `off`."),
]
Every = Annotated[Literal["hour", "day"], msgspec.Meta(title="DigestEvery")]
Hour = Annotated[int, msgspec.Meta(ge=0, le=23, description="Hour of the day, in the zone.")]
Zone = Annotated[
    str, msgspec.Meta(max_length=64, description="Time zone of the IANA database.", examples=["Europe/Berlin"])
]

# Sending


class NewNotification(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A notification, and its recipients: exactly one of `user_ids`, `role` and `everyone`."""

    kind: Kind
    subject: Subject
    text: Text
    user_ids: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=1000)] | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    everyone: Literal[True] | UnsetType = UNSET
    link: Link | None = None
    data: Data = {}


class NotificationJob(msgspec.Struct, frozen=True):
    """The progress of a send. `total` is the number of accounts when it began; those that are disabled or deleted
    meanwhile are not notified. `subject` is null for a send to `user_ids`, whose texts are kept by their recipients
    alone."""

    id: UUID
    kind: str
    subject: str | None
    audience: Literal["accounts", "role", "everyone"]
    role: str | None
    state: Literal["running", "done", "cancelled"]
    total: int
    notified: int
    created_at: datetime
    finished_at: datetime | None


class JobSearch(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    cursor: Cursor | None = None
    limit: Limit = 20


class AudienceQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    role: Role | None = None


class Audience(msgspec.Struct, frozen=True):
    """The number of accounts that a send would notify."""

    total: int


class NotificationRequested(Incoming, frozen=True, tag="notifications.requested"):
    """Notify an account. Its mail is sent unless the account switched it off."""

    user_id: UUID
    subject: Subject
    text: Text
    kind: Kind = "product.message"
    link: Link | None = None


class Notification(msgspec.Struct, frozen=True):
    """The value of tasks that earlier releases deferred."""

    user_id: UUID
    subject: str
    text: str


class Content(msgspec.Struct, frozen=True):
    """The content of a notification, the same for each recipient."""

    kind: str
    group: str
    subject: str
    text: str
    link: str | None = None
    data: dict[str, str] = {}


class Sent(msgspec.Struct, frozen=True):
    id: UUID
    digest: bytes


class Made(msgspec.Struct, frozen=True):
    """A new notification, and the counts of its account."""

    notification_id: UUID
    user_id: UUID
    kind: str
    push: bool
    unseen: int
    unread: int


# The list


class NoticeSearch(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    unread: Annotated[bool, msgspec.Meta(description="Only unread ones.")] = False
    kind: (
        Annotated[
            str,
            msgspec.Meta(
                max_length=100,
                pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*(?![\s\S])",
                description="A kind, or a group of kinds.",
                examples=["product"],
            ),
        ]
        | None
    ) = None
    cursor: Cursor | None = None
    limit: Limit = 20


class Notice(msgspec.Struct, frozen=True):
    """A notification of the caller. `number` grows in the order in which notifications arrived. `seen_at`: it was shown
    in the list. `read_at`: it was read."""

    id: UUID
    number: int
    kind: str
    subject: str
    text: str
    link: str | None
    data: dict[str, str]
    created_at: datetime
    seen_at: datetime | None
    read_at: datetime | None


class NoticeCounts(msgspec.Struct, frozen=True):
    """`unseen`: for a badge. `unread`: for a title. A notification that is read is also seen."""

    unseen: int
    unread: int


class Marked(msgspec.Struct, frozen=True):
    """The counts after a change of `changed` notifications."""

    unseen: int
    unread: int
    changed: int


class Expired(msgspec.Struct, frozen=True):
    user_id: UUID
    deleted: int
    changed: int
    unseen: int
    unread: int


class NoticeChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Only the given fields are changed. Reading also marks as seen."""

    is_read: bool | UnsetType = UNSET
    is_seen: Literal[True] | UnsetType = UNSET


class NoticeSelection(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Either `up_to`: this notification and all that arrived before it; or `ids`: these."""

    extra_json_schema: ClassVar[dict[str, Any]] = {"minProperties": 1, "maxProperties": 1}
    up_to: UUID | UnsetType = UNSET
    ids: Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=100)] | UnsetType = UNSET


# Preferences


class Switch(msgspec.Struct, frozen=True):
    """Whether notifications of a group of kinds use a channel. `inherited` is the value without the account's own
    setting. A locked switch cannot be changed."""

    group: str
    channel: Channel
    value: SwitchValue
    inherited: SwitchValue
    locked: bool
    is_mine: bool


class OwnSwitch(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    group: Annotated[str, msgspec.Meta(max_length=30)]
    channel: Channel
    value: SwitchValue


class DigestTimes(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """When digests are sent: every hour, or every day at `hour` in `zone`. Without a zone, in that of the server's
    settings."""

    every: Every = "day"
    hour: Hour = 8
    zone: Zone | None = None


class Preferences(msgspec.Struct, frozen=True):
    """The switches of all groups and channels."""

    switches: list[Switch]
    digest: DigestTimes


class PreferencesChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Replaces the account's own switches and the times of its digests. Switches that are not listed have their
    inherited value."""

    switches: Annotated[list[OwnSwitch], msgspec.Meta(max_length=100)]
    digest: DigestTimes = DigestTimes()


class RoleSwitch(msgspec.Struct, frozen=True):
    role: str
    group: str
    channel: Channel
    value: SwitchValue


class RoleSwitches(msgspec.Struct, frozen=True):
    """The switches of accounts with a role that have no setting of their own."""

    role: str
    switches: list[OwnSwitch]


class RoleSwitchesChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Replaces the switches of a role."""

    switches: Annotated[list[OwnSwitch], msgspec.Meta(max_length=100)]


class UnsubscribeQuery(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    token: Annotated[str, msgspec.Meta(max_length=200, description="Token of the link in a mail.")]


class Unsubscribed(msgspec.Struct, frozen=True):
    """The groups of kinds of which the account gets no mail any more."""

    groups: list[str]


# Mail


class Key(msgspec.Struct, frozen=True):
    version: int
    key: bytes


class Recipient(msgspec.Struct, frozen=True):
    email: str
    language: str


class Mail(msgspec.Struct, frozen=True):
    user_id: UUID
    email: str
    language: str
    kind: str
    group: str
    subject: str
    text: str
    link: str | None
    value: str
    digest_id: UUID | None
    is_counted: bool
    every: str
    hour: int
    zone: str | None


class Joined(msgspec.Struct, frozen=True):
    id: UUID
    items: int


class DigestRecipient(msgspec.Struct, frozen=True):
    user_id: UUID
    email: str
    language: str


class DigestItem(msgspec.Struct, frozen=True):
    group: str
    subject: str
    link: str | None
    created_at: datetime
