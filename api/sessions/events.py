"""What this feature announces. `user_id` is whose audit entry it is."""

from typing import Annotated
from uuid import UUID

import msgspec

from api.kernel.events import Event

REASONS = ["logout", "reuse", "revoked", "credentials", "disabled", "limit", "renewed"]


class SessionStarted(Event, frozen=True, tag="sessions.started"):
    """`method` is how they proved who they are: password. `mode` is how the tokens travel: bearer or cookie.
    `new_device` where this account was never used from there before, and was used elsewhere."""

    session_id: UUID
    user_id: UUID
    method: Annotated[str, msgspec.Meta(examples=["password"])]
    mode: Annotated[str, msgspec.Meta(examples=["bearer", "cookie"])]
    new_device: bool


class SessionEnded(Event, frozen=True, tag="sessions.ended"):
    """`reason` is logout, reuse (an old refresh token came back), revoked, credentials (they changed), disabled, or
    limit (too many at once),
    or renewed (another one takes its place)."""

    session_id: UUID
    user_id: UUID
    reason: Annotated[str, msgspec.Meta(examples=REASONS)]


class SignInRefused(Event, frozen=True, tag="sessions.refused"):
    """Recorded alike whether or not the address has an account; never with what was typed. `reason` is password,
    disabled, unverified, or throttled."""

    attempt_id: UUID
    user_id: UUID | None
    reason: Annotated[str, msgspec.Meta(examples=["password", "unverified", "throttled"])]
