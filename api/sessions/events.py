"""Events of this feature."""

from datetime import datetime
from typing import Annotated, ClassVar

import msgspec

from api.kernel import Event, Label, Person, Thing

REASONS = ["logout", "reuse", "revoked", "credentials", "disabled", "limit", "renewed"]


class SessionStarted(Event, frozen=True, tag="sessions.started"):
    """`method` is the authentication method: `password`. `mode` is how the tokens are sent: `bearer` or `cookie`.
    `new_device` is true if the account was used before, but not from this device or place."""

    live: ClassVar[bool] = True
    session_id: Thing
    user_id: Person
    method: Annotated[str, Label, msgspec.Meta(examples=["password"])]
    mode: Annotated[str, Label, msgspec.Meta(examples=["bearer", "cookie"])]
    new_device: bool


class SessionEnded(Event, frozen=True, tag="sessions.ended"):
    """`reason` is `logout`, `reuse` (a used refresh token was sent again), `revoked`, `credentials` (they were
    changed), `disabled`, `limit` (too many sessions) or `renewed` (replaced by a new session)."""

    live: ClassVar[bool] = True
    changes_access: ClassVar[bool] = True
    session_id: Thing
    user_id: Person
    reason: Annotated[str, Label, msgspec.Meta(examples=REASONS)]


class AccountUnlocked(Event, frozen=True, tag="sessions.unlocked"):
    """An operator or a superuser reset the counts of failed sign-ins of this account, which accepts sign-ins again."""

    live: ClassVar[bool] = True
    user_id: Person


class SignInRefused(Event, frozen=True, tag="sessions.refused"):
    """Failed sign-ins to one account, or to addresses without an account, for one reason: `attempts` of them since
    `since`. The submitted credentials are not included. The first failures are announced within seconds, later ones
    together after 15 minutes, so that a flood of attempts causes few events. `reason` is `password`, `disabled`,
    `unverified` or `throttled`."""

    live: ClassVar[bool] = True
    attempt_id: Thing
    user_id: Person | None
    reason: Annotated[str, Label, msgspec.Meta(examples=["password", "unverified", "throttled"])]
    attempts: int = 1
    since: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
