"""Types of requests, responses and rows."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from api.kernel import LONGEST_ADDRESS, Normal, normal_address

Short = Annotated[str, msgspec.Meta(max_length=512)]


class Credentials(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """OAuth 2.0 password grant (RFC 6749 §4.3), as sent by clients of FastAPI Users. `username` is the e-mail
    address."""

    username: Annotated[
        str,
        Normal(normal_address),
        msgspec.Meta(min_length=1, max_length=LONGEST_ADDRESS, examples=["ada@example.com"]),
    ]
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=1024, examples=["correct horse battery staple"])]
    grant_type: Annotated[str, msgspec.Meta(pattern="^(password)?$")] | None = None
    scope: Short | None = None
    client_id: Short | None = None
    client_secret: Short | None = None


class RefreshToken(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The current refresh token. Browsers omit it and send it in a cookie."""

    refresh_token: Short | None = None


class TokenPair(msgspec.Struct, frozen=True):
    """An access token, valid for `expires_in` seconds, and the refresh token that renews it."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str


class BearerRenewal(msgspec.Struct, frozen=True, kw_only=True, tag_field="token_type", tag="bearer"):
    """A new token pair in the body. The access token is valid for `expires_in` seconds."""

    access_token: str
    expires_in: int
    refresh_token: str


class CookieRenewal(msgspec.Struct, frozen=True, kw_only=True, tag_field="token_type", tag="cookie"):
    """A new token pair in HttpOnly cookies. The access token is valid for `expires_in` seconds."""

    expires_in: int


class JwkSet(msgspec.Struct, frozen=True):
    """Public keys (RFC 7517)."""

    keys: list[dict[str, str]]


class Session(msgspec.Struct, frozen=True):
    """A session of the account. `device` is the client's User-Agent, `method` the authentication method, `mode` how the
    tokens are sent, and `current` whether it is the caller's own session."""

    id: UUID
    device: str | None
    address: str | None
    created_at: datetime
    last_seen_at: datetime
    method: str
    mode: str
    current: bool


class Account(msgspec.Struct, frozen=True):
    """The fields of an account that signing in depends on, and where the account was used."""

    user_id: UUID
    password_hash: str | None
    is_active: bool
    is_verified: bool
    email: str
    name: str | None
    roles: list[str]
    credentials_changed_at: datetime
    leaving: bool
    """Whether a deletion was requested."""
    live: int
    """Number of active sessions."""
    used: bool
    """Whether it ever had a session."""
    has_device: bool
    """Whether one of its sessions was on the given device."""
    addresses: list[str]
    """Addresses from which the given user agent was used recently."""


class Known(msgspec.Struct, frozen=True):
    """A device and a place from which an account was used."""

    device_id: UUID | None
    address: str | None
    user_agent: str | None


class SessionTokens(msgspec.Struct, frozen=True):
    """An active session with the claims of its access token."""

    id: UUID
    generation: int
    user_id: UUID
    email: str
    name: str | None
    roles: list[str]


class Renewed(msgspec.Struct, frozen=True):
    """A session that replaced another one."""

    id: UUID
    generation: int
    user_id: UUID
    email: str
    name: str | None
    roles: list[str]
    method: str
    mode: str


class Owner(msgspec.Struct, frozen=True):
    """Owner of a session."""

    user_id: UUID


class PrincipalRow(msgspec.Struct, frozen=True):
    """Current rights of the owner of an active session."""

    id: UUID
    user_id: UUID
    is_superuser: bool
    is_verified: bool
    roles: list[str]


class Notice(msgspec.Struct, frozen=True):
    """Data of an e-mail about a session."""

    email: str
    language: str
    is_verified: bool
    user_agent: str | None
    address: str | None
    created_at: datetime
    ended_at: datetime | None


class Refusal(msgspec.Struct, frozen=True):
    """Failed sign-ins that were counted together and not yet announced. Address, user agent and trace are those of the
    first one; `owner_id` is the account."""

    owner_id: UUID | None
    reason: str
    attempts: int
    address: str | None
    user_agent: str | None
    traceparent: str
    since: datetime
