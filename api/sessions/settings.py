"""Settings of sessions."""

from typing import Annotated

from msgspec import Meta

from api.kernel import FeatureSettings, Variable


class SessionSettings(FeatureSettings, frozen=True, kw_only=True):
    hide_accounts: Annotated[
        bool,
        Variable("HIDE_ACCOUNTS"),
        Meta(description="As in `users`: signing in to an unconfirmed account fails like a wrong password."),
    ] = False
    sign_in_idle_days: Annotated[
        int,
        Variable("SIGN_IN_IDLE_DAYS"),
        Meta(ge=1, le=365, description="Days without a refresh after which a session ends: 1 to 365."),
    ] = 14
