"""Settings of sessions."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from api.kernel import FeatureSettings, Settings, Variable


class SessionSettings(FeatureSettings, frozen=True, kw_only=True):
    hide_accounts: Annotated[
        bool,
        Variable("HIDE_ACCOUNTS"),
        Meta(description="As in `users`: signing in to an unconfirmed account fails like a wrong password."),
    ] = False
    sign_in_idle_days: Annotated[
        int,
        Variable("SIGN_IN_IDLE_DAYS"),
        Meta(ge=1, le=365, description="Days without a refresh after which a session ends: 1 to SIGN_IN_MOST_DAYS."),
    ] = 14

    def contradictions(self, settings: Settings) -> Iterator[str]:
        idle, most = self.sign_in_idle_days, settings.sign_in_most_days
        if idle > most:
            yield (
                f"SIGN_IN_IDLE_DAYS ({idle}) exceeds SIGN_IN_MOST_DAYS ({most}), which ends every session earlier:"
                f" set SIGN_IN_IDLE_DAYS to {most} or less."
            )
