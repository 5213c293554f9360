"""Events of this feature. They contain no texts of notifications. The counts are those after the change; the row of the
counts is locked by each change, so that the events of an account have the order of its counts."""

from typing import Annotated, ClassVar

import msgspec

from api.kernel import Event, Label, Person, Thing

Kind = Annotated[str, Label, msgspec.Meta(examples=["product.release"])]


class NotificationCreated(Event, frozen=True, tag="notifications.created"):
    """`push`: whether open streams of the account show it."""

    live: ClassVar[bool] = True
    in_activity: ClassVar[bool] = False
    user_id: Person
    notification_id: Thing
    kind: Kind
    push: bool
    unseen: int
    unread: int


class NotificationsChanged(Event, frozen=True, tag="notifications.changed"):
    """Notifications were `read`, `unread`, `seen` or `deleted` by their owner, or `expired`, and the counts changed."""

    live: ClassVar[bool] = True
    in_activity: ClassVar[bool] = False
    user_id: Person
    how: Annotated[str, Label, msgspec.Meta(examples=["read", "unread", "seen", "deleted", "expired"])]
    unseen: int
    unread: int


class NotificationsSent(Event, frozen=True, tag="notifications.sent"):
    """A notification was sent to some accounts, to those with a role, or to everyone."""

    send_id: Thing
    kind: Kind
    audience: Annotated[str, Label, msgspec.Meta(examples=["accounts", "role", "everyone"])]
    role: Annotated[str, Label] | None
    total: int


class SendCancelled(Event, frozen=True, tag="notifications.send_cancelled"):
    """A send was cancelled after `notified` of `total` accounts."""

    send_id: Thing
    kind: Kind
    notified: int
    total: int


class PreferencesChanged(Event, frozen=True, tag="notifications.preferences_changed"):
    """`how`: `owner`, or `unsubscribe` by the link of a mail."""

    user_id: Person
    how: Annotated[str, Label, msgspec.Meta(examples=["owner", "unsubscribe"])]


class DefaultsChanged(Event, frozen=True, tag="notifications.defaults_changed"):
    """The switches of a role were changed."""

    change_id: Thing
    role: Annotated[str, Label]
