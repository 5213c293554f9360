"""Events that this feature records. They do not contain the URL, which may carry a credential."""

from typing import Annotated, ClassVar

from api.kernel import Event, Label, Person, Thing


class EndpointCreated(Event, frozen=True, tag="webhooks.created"):
    live: ClassVar[bool] = True
    endpoint_id: Thing
    user_id: Person
    scope: Annotated[str, Label]


class EndpointChanged(Event, frozen=True, tag="webhooks.changed"):
    live: ClassVar[bool] = True
    endpoint_id: Thing
    user_id: Person


class EndpointDeleted(Event, frozen=True, tag="webhooks.deleted"):
    live: ClassVar[bool] = True
    endpoint_id: Thing
    user_id: Person


class EndpointEnabled(Event, frozen=True, tag="webhooks.enabled"):
    live: ClassVar[bool] = True
    endpoint_id: Thing
    user_id: Person


class EndpointDisabled(Event, frozen=True, tag="webhooks.disabled"):
    """`reason`: `owner`; `gone`: the endpoint answered 410; `failing`: all attempts of five days failed."""

    live: ClassVar[bool] = True
    endpoint_id: Thing
    user_id: Person
    reason: Annotated[str, Label]


class EndpointFailing(Event, frozen=True, tag="webhooks.failing"):
    """`reason`: `exhausted`, a delivery failed 13 times; `days`, all attempts of three days failed. Each is recorded
    once until an attempt succeeds."""

    live: ClassVar[bool] = True
    endpoint_id: Thing
    user_id: Person
    reason: Annotated[str, Label]


class SecretRotated(Event, frozen=True, tag="webhooks.secret_rotated"):
    live: ClassVar[bool] = True
    endpoint_id: Thing
    user_id: Person


class SecretRevoked(Event, frozen=True, tag="webhooks.secret_revoked"):
    """The secrets before the current one were revoked before they expired."""

    live: ClassVar[bool] = True
    endpoint_id: Thing
    user_id: Person


class DeliveriesRequested(Event, frozen=True, tag="webhooks.redelivered"):
    """The owner asked for deliveries. `what`: `test`, `one`, `failed` or `missing`."""

    live: ClassVar[bool] = True
    endpoint_id: Thing
    user_id: Person
    what: Annotated[str, Label]
    deliveries: int
