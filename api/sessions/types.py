"""What comes in and what goes out."""

from typing import Annotated
from uuid import UUID

import msgspec

Short = Annotated[str, msgspec.Meta(max_length=512)]


class Credentials(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """OAuth 2.0's password form (RFC 6749 §4.3), as FastAPI Users' clients send it; the username is the e-mail
    address."""

    username: Annotated[str, msgspec.Meta(min_length=1, max_length=254, examples=["ada@example.com"])]
    password: Annotated[str, msgspec.Meta(min_length=1, examples=["correct horse battery staple"])]
    grant_type: Annotated[str, msgspec.Meta(pattern="^(password)?$")] | None = None
    scope: Short | None = None
    client_id: Short | None = None
    client_secret: Short | None = None


class RefreshToken(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    refresh_token: Short


class TokenPair(msgspec.Struct, frozen=True):
    """An access token for `expires_in` seconds, and the token that gets the next one."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str


class JwkSet(msgspec.Struct, frozen=True):
    """Public keys (RFC 7517)."""

    keys: list[dict[str, str]]


class Account(msgspec.Struct, frozen=True):
    """What signing in needs to know of an account."""

    user_id: UUID
    password_hash: str
    is_active: bool
    email: str
    name: str | None
    roles: list[str]


class Session(msgspec.Struct, frozen=True):
    """A live session with what its access token says of its owner."""

    id: UUID
    generation: int
    user_id: UUID
    email: str
    name: str | None
    roles: list[str]


class Owner(msgspec.Struct, frozen=True):
    """Whose session it was."""

    user_id: UUID


class PrincipalRow(msgspec.Struct, frozen=True):
    """Who stands behind a live session, now."""

    is_superuser: bool
    is_verified: bool
    roles: list[str]
