"""What comes in and what goes out."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from api.kernel import LONGEST_ADDRESS, Cursor, Limit, Normal, Shown, normal_address, shown_address
from api.users.names import LONGEST as LONGEST_NAME
from api.users.names import normal_name

# The HTML standard's address (html.spec.whatwg.org, “valid e-mail address”) with a dot in its domain and a letter first
# in the last label: no comment, quote, comma or IP address. What it lets through is one address to every mail server.
# It is asked of the normal form, so that an internationalised domain has become ASCII before.
EMAIL_PATTERN = (
    r"^(?!.*\s)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"
)
Email = Annotated[
    str,
    Normal(normal_address),
    msgspec.Meta(
        max_length=LONGEST_ADDRESS,
        pattern=EMAIL_PATTERN,
        description="An e-mail address. Case does not matter, and an internationalised domain may be in Unicode or in "
        "punycode; the pattern is that of the latter.",
        examples=["ada@example.com"],
    ),
]
ShownEmail = Annotated[
    str, Shown(shown_address), msgspec.Meta(description="An internationalised domain is in Unicode.")
]
Password = Annotated[
    str,
    msgspec.Meta(
        description="8 to 128 characters, not easy to guess.",
        examples=["correct horse battery staple"],
    ),
]
# What a pattern can say of `normal_name`, for clients.
NAME_PATTERN = r"^(?=.*\S)[^\x00-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2069\ufeff]+(?![\s\S])"
Name = Annotated[
    str,
    Normal(normal_name),
    msgspec.Meta(
        max_length=LONGEST_NAME,
        pattern=NAME_PATTERN,
        description="As it should be shown, in one line. Characters that do not show are refused.",
        examples=["Ada Lovelace"],
    ),
]
Language = Annotated[Literal["en", "de"], msgspec.Meta(description="In which to write to them.", examples=["en"])]
MailedToken = Annotated[str, msgspec.Meta(max_length=512, description="From the link in a mail.")]


class Registration(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A new account. The flags are FastAPI Users', taken and ignored: nobody makes themselves a superuser."""

    email: Email
    password: Password
    is_active: bool | None = None
    is_superuser: bool | None = None
    is_verified: bool | None = None


class Addressee(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Where a mail is wanted."""

    email: Email


class MailToken(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The token from the link in a mail."""

    token: MailedToken


class MailTokenWithPassword(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The token from the link in a mail, and a new password for the account if its owner wants one."""

    token: MailedToken
    password: Password | None = None


class NewPassword(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A password, and the token that proves whose."""

    token: MailedToken
    password: Password


class ProfileChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What is given is changed; a name that is null is taken away. The flags are FastAPI Users', taken and ignored."""

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


class PasswordProof(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """That it is really them."""

    current_password: Password


# Roles are words of the API's and never of people's.
Role = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}$(?![\s\S])", description="A word.", examples=["notifier"])
]
Roles = Annotated[list[Role], msgspec.Meta(max_length=20, description="At most 20.", examples=[["notifier"]])]


class UserSearch(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which accounts, and in what order."""

    q: Annotated[
        str, msgspec.Meta(max_length=100, description="Every word of it begins a word of the address or of the name.")
    ] = ""
    is_active: bool | None = None
    role: Role | None = None
    sort: Annotated[
        Literal["created_at", "-created_at", "email", "-email"],
        msgspec.Meta(description="`-` is for descending: newest first, or Z to A."),
    ] = "-created_at"
    cursor: Cursor | None = None
    limit: Limit = 20


class Invitation(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An account for somebody else."""

    email: Email
    name: Name | None = None
    roles: Roles = []
    is_superuser: bool = False
    is_verified: bool = False
    language: Language | None = None


class UserChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What is given is changed; a name that is null is taken away."""

    email: Email | None = None
    password: Password | None = None
    name: Name | UnsetType | None = UNSET
    is_active: bool | None = None
    is_superuser: bool | None = None
    is_verified: bool | None = None
    roles: Roles | None = None


class User(msgspec.Struct, frozen=True):
    """An account as its owner and administrators see it."""

    id: UUID
    email: ShownEmail
    name: str | None
    is_active: bool
    is_superuser: bool
    is_verified: bool
    roles: list[str]
    created_at: datetime
    updated_at: datetime


class Opening(msgspec.Struct, frozen=True):
    """When and from where an account was opened; what is not known is null."""

    created_at: datetime
    address: str | None
    browser: str | None
    system: str | None


class OpeningRow(msgspec.Struct, frozen=True):
    """The same, as it is stored."""

    created_at: datetime
    opened_address: str | None
    opened_user_agent: str | None


class Standing(msgspec.Struct, frozen=True):
    """What decides whether an account may be trusted with more."""

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
    """An account that was just opened for another system's."""

    id: UUID
    email: str
    language: str
    has_password: bool


class TokenOwner(msgspec.Struct, frozen=True):
    """Whose token it is: an account whose address is `email`, and the token went to `sent_to`."""

    user_id: UUID
    email: str
    is_verified: bool
    has_password: bool
    purpose: str
    sent_to: str
    created_at: datetime


class Credentials(msgspec.Struct, frozen=True):
    """What proves who somebody is, and since when that is so."""

    email: str
    name: str | None
    password_hash: str | None
    credentials_changed_at: datetime


class Recipient(msgspec.Struct, frozen=True):
    """An account as far as its mails depend on it."""

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


class MailCount(msgspec.Struct, frozen=True):
    last_minute: int
    last_hour: int
    in_all: int
