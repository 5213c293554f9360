"""Settings of the audit log."""

from typing import Annotated

from msgspec import Meta

from api.kernel import FeatureSettings


class AuditSettings(FeatureSettings, frozen=True, kw_only=True):
    days: Annotated[
        int,
        Meta(ge=0, le=36_500, description="Days after which audit entries are removed: 1 to 36500; 0 keeps them."),
    ] = 400
