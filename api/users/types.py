"""What comes in and what goes out."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

# The HTML standard's address (html.spec.whatwg.org, “valid e-mail address”) with a dot in its domain and a letter first
# in the last label, in ASCII: no comment, quote, comma or IP address. What it lets through is one address to every mail
# server.
EMAIL_PATTERN = (
    r"^(?!.*\s)[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"
)
Email = Annotated[
    str,
    msgspec.Meta(
        max_length=254,
        pattern=EMAIL_PATTERN,
        description="An e-mail address in ASCII; case does not matter.",
        examples=["ada@example.com"],
    ),
]
Password = Annotated[str, msgspec.Meta(description="8 to 128 characters.", examples=["correct horse battery staple"])]


class Registration(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A new account. The flags are FastAPI Users', taken and ignored: nobody makes themselves a superuser."""

    email: Email
    password: Password
    is_active: bool | None = None
    is_superuser: bool | None = None
    is_verified: bool | None = None


class VerificationToken(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The token from the link in a mail."""

    token: Annotated[str, msgspec.Meta(max_length=512)]


class User(msgspec.Struct, frozen=True):
    """An account as its owner and administrators see it."""

    id: UUID
    email: str
    name: str | None
    is_active: bool
    is_superuser: bool
    is_verified: bool
    roles: list[str]
    created_at: datetime
    updated_at: datetime


class TokenOwner(msgspec.Struct, frozen=True):
    """Whose token was spent."""

    user_id: UUID
    email: str
