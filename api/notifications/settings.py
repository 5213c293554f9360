"""Settings of notifications."""

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Annotated

from msgspec import Meta

from api.kernel import FeatureSettings, Settings

SYSTEM_GROUPS = ("security", "account")
"""Groups of kinds that only this application sends."""


class NotificationSettings(FeatureSettings, frozen=True, kw_only=True):
    groups: Annotated[
        tuple[str, ...],
        Meta(
            description="Groups of kinds that may be sent, separated by commas: `product` admits `product.release`. "
            "Accounts have switches for each."
        ),
    ] = ("product",)
    days: Annotated[int, Meta(ge=1, le=3650, description="Days after which notifications are deleted: 1 to 3650.")] = 90
    mails_per_hour: Annotated[
        int, Meta(ge=1, le=1000, description="Maximum mails to an account in an hour; others wait for a digest.")
    ] = 30
    digest_minutes: Annotated[
        int, Meta(ge=1, le=1440, description="Length of the window of an hourly digest in minutes: 1 to 1440.")
    ] = 60
    zone: Annotated[str, Meta(description="Time zone of daily digests of accounts that chose none.")] = "UTC"

    @property
    def all_groups(self) -> list[str]:
        return [*SYSTEM_GROUPS, *self.groups]

    def contradictions(self, settings: Settings) -> Iterator[str]:
        names = set(self.groups)
        if len(names) < len(self.groups) or len(names) > 20 or names & set(SYSTEM_GROUPS):
            yield "NOTIFICATIONS_GROUPS must be at most 20 different names; security and account exist already."
        if not all(re.fullmatch(r"[a-z][a-z0-9_]{0,29}", name) for name in names):
            yield "NOTIFICATIONS_GROUPS must be names of lower-case letters, digits and underscores."
        if not is_zone(self.zone):
            yield "NOTIFICATIONS_ZONE must be a time zone such as Europe/Berlin."


def is_zone(name: str) -> bool:
    """Whether this is a time zone of the IANA database. A system's own files, such as `localtime` and `right/UTC`, are
    none: another process may run on a system without them."""
    return name in _zones()


@cache
def _zones() -> frozenset[str]:
    # The package is the same for all processes of a release, and has what a system lacks.
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("ascii").split()) - {"Factory"}
