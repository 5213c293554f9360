"""Settings of the record of mails."""

from typing import Annotated

from msgspec import Meta

from api.kernel import FeatureSettings


class MailSettings(FeatureSettings, frozen=True, kw_only=True):
    days: Annotated[int, Meta(ge=1, le=365, description="Days after which records of mails are deleted: 1 to 365.")] = (
        30
    )
