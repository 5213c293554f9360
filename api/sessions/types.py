"""What comes in and what goes out."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from api.kernel import LONGEST_ADDRESS, Normal, normal_address

Short = Annotated[str, msgspec.Meta(max_length=512)]


class Credentials(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """OAuth 2.0's password form (RFC 6749 §4.3), as FastAPI Users' clients send it; the username is the e-mail
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
    """The last pair's; browsers leave it out, and have it in their cookie."""

    refresh_token: Short | None = None


class TokenPair(msgspec.Struct, frozen=True):
    """An access token for `expires_in` seconds, and the token that gets the next one."""

    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str


class Renewal(msgspec.Struct, frozen=True, kw_only=True):
    """A new pair: `token_type` bearer has it here, cookie in cookies that no script can read."""

    token_type: str
    expires_in: int
    access_token: str | msgspec.UnsetType = msgspec.UNSET
    refresh_token: str | msgspec.UnsetType = msgspec.UNSET


class JwkSet(msgspec.Struct, frozen=True):
    """Public keys (RFC 7517)."""

    keys: list[dict[str, str]]


class SignIn(msgspec.Struct, frozen=True):
    """One of an account's sessions: `device` is the browser's word for itself, `method` how they proved who they are,
    `mode` how the tokens travel (bearer or cookie), `current` whether it is this very one."""

    id: UUID
    device: str | None
    address: str | None
    created_at: datetime
    last_seen_at: datetime
    method: str
    mode: str
    current: bool


class Account(msgspec.Struct, frozen=True):
    """What signing in needs to know of an account, and of where it was used."""

    user_id: UUID
    password_hash: str | None
    is_active: bool
    is_verified: bool
    email: str
    name: str | None
    roles: list[str]
    credentials_changed_at: datetime
    leaving: bool
    """Asked for its deletion."""
    live: int
    """How many sessions it has."""
    used: bool
    """Whether it ever had one."""
    has_device: bool
    """Whether one was on the device that was asked for."""
    addresses: list[str]
    """From where that user agent was used of late."""


class Known(msgspec.Struct, frozen=True):
    """A device and a place from which an account was used."""

    device_id: UUID | None
    address: str | None
    user_agent: str | None


class Session(msgspec.Struct, frozen=True):
    """A live session with what its access token says of its owner."""

    id: UUID
    generation: int
    user_id: UUID
    email: str
    name: str | None
    roles: list[str]


class Renewed(msgspec.Struct, frozen=True):
    """A session that took another one's place."""

    id: UUID
    generation: int
    user_id: UUID
    email: str
    name: str | None
    roles: list[str]
    method: str
    mode: str


class Owner(msgspec.Struct, frozen=True):
    """Whose session it was."""

    user_id: UUID


class PrincipalRow(msgspec.Struct, frozen=True):
    """Who stands behind a live session, now."""

    is_superuser: bool
    is_verified: bool
    roles: list[str]


class Notice(msgspec.Struct, frozen=True):
    """What a mail about a session tells its owner."""

    email: str
    language: str
    is_verified: bool
    user_agent: str | None
    address: str | None
    created_at: datetime
    ended_at: datetime | None


class Refusal(msgspec.Struct, frozen=True):
    """Sign-ins that were refused and not announced yet, counted together; address, user agent
    and trace are the first one's. `owner_id` is the account's."""

    owner_id: UUID | None
    reason: str
    attempts: int
    address: str | None
    user_agent: str | None
    traceparent: str
    since: datetime
