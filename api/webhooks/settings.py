"""Settings of webhooks."""

import ipaddress
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from api.kernel import FeatureSettings, Settings


class WebhookSettings(FeatureSettings, frozen=True, kw_only=True):
    allowed_networks: Annotated[
        tuple[str, ...],
        Meta(
            description="Networks that endpoints may be in although they are not public, such as `10.1.0.0/16`, "
            "separated by commas. Endpoints there may use http and any port."
        ),
    ] = ()
    most: Annotated[int, Meta(ge=1, le=1000, description="Maximum endpoints of an account: 1 to 1000.")] = 20
    days: Annotated[int, Meta(ge=5, le=365, description="Days after which deliveries are deleted: 5 to 365.")] = 30

    def contradictions(self, settings: Settings) -> Iterator[str]:
        for network in self.allowed_networks:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                yield "WEBHOOKS_ALLOWED_NETWORKS must be networks such as 10.1.0.0/16."
