"""What this feature announces."""

from datetime import datetime
from typing import Annotated

import msgspec

from api.kernel import Event, Label, Person, Thing

REASONS = ["logout", "reuse", "revoked", "credentials", "disabled", "limit", "renewed"]


class SessionStarted(Event, frozen=True, tag="sessions.started"):
    """`method` is how they proved who they are: password. `mode` is how the tokens travel: bearer or cookie.
    `new_device` where this account was never used from there before, and was used elsewhere."""

    session_id: Thing
    user_id: Person
    method: Annotated[str, Label, msgspec.Meta(examples=["password"])]
    mode: Annotated[str, Label, msgspec.Meta(examples=["bearer", "cookie"])]
    new_device: bool


class SessionEnded(Event, frozen=True, tag="sessions.ended"):
    """`reason` is logout, reuse (an old refresh token came back), revoked, credentials (they changed), disabled, or
    limit (too many at once),
    or renewed (another one takes its place)."""

    session_id: Thing
    user_id: Person
    reason: Annotated[str, Label, msgspec.Meta(examples=REASONS)]


class AccountUnlocked(Event, frozen=True, tag="sessions.unlocked"):
    """An operator or a superuser dropped the counts of refused sign-ins to this account: it accepts sign-ins again at
    once."""

    user_id: Person


class SignInRefused(Event, frozen=True, tag="sessions.refused"):
    """Sign-ins to one account, or to addresses that have none, that were refused for one reason: `attempts` of them,
    the first at `since`. Never with what was typed. The first ones are announced within seconds, and the following ones
    together once a quarter of an hour has passed, so that a flood of attempts is a few events. `reason` is password,
    disabled, unverified, or throttled."""

    attempt_id: Thing
    user_id: Person | None
    reason: Annotated[str, Label, msgspec.Meta(examples=["password", "unverified", "throttled"])]
    attempts: int = 1
    since: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
