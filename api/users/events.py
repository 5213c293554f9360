"""Events of this feature."""

from datetime import datetime
from typing import Annotated, ClassVar

import msgspec

from api.kernel import Contact, Event, Label, Person

Email = Annotated[
    str,
    Contact,
    msgspec.Meta(
        description="E-mail address in lower case, with an internationalized domain in punycode.",
        examples=["ada@example.com"],
    ),
]
Language = Annotated[str, Label, msgspec.Meta(examples=["en", "de"])]


class UserRegistered(Event, frozen=True, tag="users.registered"):
    live: ClassVar[bool] = True
    user_id: Person
    email: Email
    language: Language


class UserInvited(Event, frozen=True, tag="users.invited"):
    live: ClassVar[bool] = True
    user_id: Person
    email: Email
    language: Language


class UserImported(Event, frozen=True, tag="users.imported"):
    """An operator imported the account from a file. No e-mail is sent."""

    live: ClassVar[bool] = True
    user_id: Person
    email: Email
    language: Language


class UserVerified(Event, frozen=True, tag="users.verified"):
    live: ClassVar[bool] = True
    user_id: Person
    email: Email


class UserClaimed(Event, frozen=True, tag="users.claimed"):
    """The data stored in an account before its address was confirmed was removed, because it may be another
    person's."""

    live: ClassVar[bool] = True
    changes_access: ClassVar[bool] = True
    user_id: Person


class UserPromoted(Event, frozen=True, tag="users.promoted"):
    """The account became a superuser."""

    live: ClassVar[bool] = True
    changes_access: ClassVar[bool] = True
    user_id: Person
    email: Email


class UserUpdated(Event, frozen=True, tag="users.updated"):
    """`changed` lists the names of the changed fields, without their values."""

    live: ClassVar[bool] = True
    changes_access: ClassVar[bool] = True
    user_id: Person
    changed: Annotated[list[Annotated[str, Label]], msgspec.Meta(examples=[["name"]])]


class UserDisabled(Event, frozen=True, tag="users.disabled"):
    live: ClassVar[bool] = True
    changes_access: ClassVar[bool] = True
    user_id: Person


class PasswordChanged(Event, frozen=True, tag="users.password_changed"):
    """`how` is `change`, `reset`, `invitation` or `admin`."""

    live: ClassVar[bool] = True
    changes_access: ClassVar[bool] = True
    user_id: Person
    how: Annotated[str, Label, msgspec.Meta(examples=["change", "reset", "invitation", "admin"])]


class EmailChangeRequested(Event, frozen=True, tag="users.email_change_requested"):
    live: ClassVar[bool] = True
    user_id: Person


class EmailChanged(Event, frozen=True, tag="users.email_changed"):
    """`how` is `confirmed` (by the link mailed to the new address) or `admin`. `was_verified` is whether the old
    address was confirmed."""

    live: ClassVar[bool] = True
    changes_access: ClassVar[bool] = True
    user_id: Person
    old_email: Email
    email: Email
    how: Annotated[str, Label, msgspec.Meta(examples=["confirmed", "admin"])] = "confirmed"
    was_verified: bool = True


class EmailChangeReverted(Event, frozen=True, tag="users.email_change_reverted"):
    """The owner of the old address reverted the change. `old_email` is the confirmed address that the account had until
    then; null if the change was still pending."""

    live: ClassVar[bool] = True
    changes_access: ClassVar[bool] = True
    user_id: Person
    email: Email
    old_email: Email | None = None


class SessionsRevoked(Event, frozen=True, tag="users.sessions_revoked"):
    """An administrator ended all sessions of the account."""

    live: ClassVar[bool] = True
    changes_access: ClassVar[bool] = True
    user_id: Person


class DeletionRequested(Event, frozen=True, tag="users.deletion_requested"):
    live: ClassVar[bool] = True
    changes_access: ClassVar[bool] = True
    user_id: Person
    delete_after: Annotated[datetime, msgspec.Meta(tz=True)]


class DeletionCancelled(Event, frozen=True, tag="users.deletion_cancelled"):
    live: ClassVar[bool] = True
    user_id: Person


class UserExpiring(Event, frozen=True, tag="users.expiring"):
    """The account will be deleted at `expires_after`, unless its address is confirmed. It was registered, and its
    address was never confirmed."""

    user_id: Person
    expires_after: Annotated[datetime, msgspec.Meta(tz=True)]


class UserExpired(Event, frozen=True, tag="users.expired"):
    """The account was deleted because its address was never confirmed. `users.deleted` follows."""

    user_id: Person


class UserDeleted(Event, frozen=True, tag="users.deleted"):
    live: ClassVar[bool] = True
    changes_access: ClassVar[bool] = True
    user_id: Person
