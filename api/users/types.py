"""Types of requests, responses and rows."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from api.kernel import LONGEST_ADDRESS, Cursor, Limit, Normal, Shown, normal_address, shown_address
from api.users.names import LONGEST as LONGEST_NAME
from api.users.names import normal_name

# The HTML standard's “valid e-mail address” (html.spec.whatwg.org), with a dot in the domain and a letter at the start
# of its last label. It excludes comments, quotes, commas and IP addresses, so that every mail server reads one address.
# It is applied to the normal form, in which an internationalized domain is ASCII.
EMAIL_PATTERN = (
    r"^(?!.*\s)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"
)
Address = Annotated[
    str,
    Normal(normal_address),
    msgspec.Meta(
        max_length=LONGEST_ADDRESS,
        pattern=EMAIL_PATTERN,
        description="E-mail address. Case is ignored. An internationalized domain may be in Unicode or in punycode; "
        "the pattern applies to punycode.",
        examples=["ada@example.com"],
    ),
]
# Not in users.import, whose published schema has no format.
Email = Annotated[Address, msgspec.Meta(extra_json_schema={"format": "email"})]
ShownEmail = Annotated[
    str,
    Shown(shown_address),
    msgspec.Meta(
        description="E-mail address, with an internationalized domain in Unicode.",
        examples=["ada@example.com"],
        extra_json_schema={"format": "idn-email"},
    ),
]
Password = Annotated[
    str,
    msgspec.Meta(
        description="Password of 8 to 128 characters that is not easy to guess.",
        examples=["correct horse battery staple"],
    ),
]
# An approximation of `normal_name`, for clients.
NAME_PATTERN = r"^(?=.*\S)[^\x00-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2069\ufeff]+(?![\s\S])"
Name = Annotated[
    str,
    Normal(normal_name),
    msgspec.Meta(
        max_length=LONGEST_NAME,
        pattern=NAME_PATTERN,
        description="Display name on one line. Invisible characters are rejected.",
        examples=["Ada Lovelace"],
    ),
]
Language = Annotated[
    Literal["en", "de"], msgspec.Meta(title="Language", description="Language of e-mails.", examples=["en"])
]
MailedToken = Annotated[str, msgspec.Meta(max_length=512, description="Token from the mailed link.")]


class Registration(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A new account. The `is_…` flags are accepted for compatibility with FastAPI Users and ignored."""

    email: Email
    password: Password
    is_active: bool | None = None
    is_superuser: bool | None = None
    is_verified: bool | None = None


class EmailRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Recipient address of an e-mail."""

    email: Email


class EmailToken(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Token from a mailed link."""

    token: MailedToken


class EmailTokenWithPassword(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Token from a mailed link, and optionally a new password."""

    token: MailedToken
    password: Password | None = None


class PasswordReset(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Token from a mailed link, and the new password."""

    token: MailedToken
    password: Password


class ProfileUpdate(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Changes to the caller's own account. Omitted fields are unchanged; a `name` of null removes it. The `is_…` flags
    are accepted for compatibility with FastAPI Users and ignored."""

    name: Name | UnsetType | None = UNSET
    email: Email | None = None
    password: Password | None = None
    current_password: Password | None = None
    language: Language | UnsetType = UNSET
    is_active: bool | None = None
    is_superuser: bool | None = None
    is_verified: bool | None = None


class PasswordChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    current_password: Password
    new_password: Password


class PasswordConfirmation(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The current password, as confirmation."""

    current_password: Password


# Role names are identifiers of the application, not free text.
Role = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}$(?![\s\S])", description="Role name.", examples=["notifier"])
]
Roles = Annotated[
    list[Role], msgspec.Meta(max_length=20, description="Role names, at most 20.", examples=[["notifier"]])
]


class UserSearch(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Filters and sort order of the list of accounts."""

    q: Annotated[
        str,
        msgspec.Meta(
            max_length=100,
            description="Search text. Each of its words must be a prefix of a word of the address or name.",
        ),
    ] = ""
    is_active: bool | None = None
    role: Role | None = None
    sort: Annotated[
        Literal["created_at", "-created_at", "email", "-email"],
        msgspec.Meta(description="Sort field; `-` sorts in descending order."),
    ] = "-created_at"
    cursor: Cursor | None = None
    limit: Limit = 20


class Invitation(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A new account for another person."""

    email: Email
    name: Name | None = None
    roles: Roles = []
    is_superuser: bool = False
    is_verified: bool = False
    language: Language | None = None


class UserUpdate(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Changes to an account. Omitted fields are unchanged; a `name` of null removes it. `id` is the path's, which the
    reference system's client repeats."""

    id: UUID | None = None
    email: Email | None = None
    password: Password | None = None
    name: Name | UnsetType | None = UNSET
    is_active: bool | None = None
    is_superuser: bool | None = None
    is_verified: bool | None = None
    roles: Roles | None = None


class User(msgspec.Struct, frozen=True):
    """An account. `pending_email` is a new address that was requested and is not confirmed yet."""

    id: UUID
    email: ShownEmail
    name: str | None
    is_active: bool
    is_superuser: bool
    is_verified: bool
    roles: list[str]
    created_at: datetime
    updated_at: datetime
    language: Annotated[str, msgspec.Meta(description="Language of e-mails.", examples=["en"])]
    pending_email: ShownEmail | None


class Deletion(msgspec.Struct, frozen=True):
    """The scheduled deletion of an account. Signing in before `delete_after` cancels it."""

    delete_after: datetime


class Reached(msgspec.Struct, frozen=True):
    """A position in a list of accounts."""

    id: UUID
    email: str


class Range(msgspec.Struct, frozen=True):
    """The words of user_words from `low` to `high`, of which each account that a term of a search matches has one. A
    term, a number from 1, may have several ranges."""

    term: int
    low: str
    high: str


class RegistrationDetails(msgspec.Struct, frozen=True):
    """When and from where an account was registered. Unknown values are null."""

    created_at: datetime
    address: str | None
    browser: str | None
    system: str | None


class RegistrationRow(msgspec.Struct, frozen=True):
    """RegistrationDetails as stored."""

    created_at: datetime
    opened_address: str | None
    opened_user_agent: str | None


class Standing(msgspec.Struct, frozen=True):
    """State that decides whether an account may be granted rights."""

    has_password: bool
    leaving: bool


class Holder(msgspec.Struct, frozen=True):
    """An account that is a superuser or holds a role."""

    id: UUID
    email: str
    is_superuser: bool
    is_active: bool
    roles: list[str]


class ImportedUser(msgspec.Struct, frozen=True):
    """An account that was just imported."""

    id: UUID
    email: str
    language: str
    has_password: bool


class TokenOwner(msgspec.Struct, frozen=True):
    """Owner of a mailed token: the account has the address `email`, and the token was sent to `sent_to`."""

    user_id: UUID
    email: str
    is_verified: bool
    has_password: bool
    purpose: str
    sent_to: str
    created_at: datetime


class Credentials(msgspec.Struct, frozen=True):
    """The password hash of an account and the time of its last change, with the data for a strength check."""

    email: str
    name: str | None
    password_hash: str | None
    credentials_changed_at: datetime


class Recipient(msgspec.Struct, frozen=True):
    """The fields of an account that its e-mails depend on."""

    id: UUID
    email: str
    pending_email: str | None
    language: str
    has_password: bool
    is_verified: bool
    credentials_changed_at: datetime
    delete_after: datetime | None
    created_at: datetime
    opened_address: str | None
    opened_user_agent: str | None


class Expiring(msgspec.Struct, frozen=True):
    """An account that will be deleted at this time, unless its address is confirmed."""

    id: UUID
    until: datetime


class MailCount(msgspec.Struct, frozen=True):
    last_minute: int
    last_hour: int
    in_all: int
