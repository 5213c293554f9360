"""Types of requests, responses and rows."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from api.kernel import Cursor, Limit, Version

URL = Annotated[
    str,
    msgspec.Meta(
        min_length=10,
        max_length=2000,
        pattern=r"^https?://[^\s\x00-\x20\x7f\\#]+(?![\s\S])",
        description="https, port 443 or 8443, without credentials and fragment. It must resolve to public addresses.",
        examples=["https://example.com/hooks"],
    ),
]
Subscription = Annotated[
    str,
    msgspec.Meta(
        max_length=100,
        pattern=r"^(\*|[a-z_]+\.(\*|[a-z_]+))(?![\s\S])",
        description="An event type, `users.*` for a topic, or `*` for all.",
        examples=["users.*"],
    ),
]
Subscriptions = Annotated[list[Subscription], msgspec.Meta(min_length=1, max_length=50)]
Description = Annotated[
    str, msgspec.Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*(?![\s\S])")
]
GivenSecret = Annotated[
    str,
    msgspec.Meta(
        max_length=100,
        # Complete base64, so that receivers can decode it: the fourfold characters, and what is left with its padding.
        pattern=r"^whsec_([A-Za-z0-9+/]{4}){8,20}(([A-Za-z0-9+/]{4})?([A-Za-z0-9+/]{2}==)?|[A-Za-z0-9+/]{3}=)(?![\s\S])",
        description="`whsec_` and 24 to 64 bytes in base64. Generated if absent.",
    ),
]
State = Literal["pending", "held", "delivered", "failed"]


class NewEndpoint(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    url: URL
    events: Subscriptions
    description: Description = ""
    secret: GivenSecret | None = None
    scope: Literal["own", "all"] = "own"
    """`own`: events about the account. `all`: every event; superusers only."""


class EndpointChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Only the given fields are changed."""

    url: URL | UnsetType = UNSET
    events: Subscriptions | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    is_enabled: bool | UnsetType = UNSET
    """While it is false, deliveries are held. Enabling releases them in the order of their events."""


class Rotation(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    grace_hours: Annotated[
        int, msgspec.Meta(ge=0, le=168, description="Hours in which the previous secret signs, too.")
    ] = 24
    secret: GivenSecret | None = None


class Endpoint(msgspec.Struct, frozen=True):
    id: UUID
    version: Version[int]
    scope: str
    url: str
    description: str
    events: list[str]
    is_enabled: bool
    disabled_reason: str | None
    """`owner`, `gone` (the endpoint answered 410) or `failing` (all attempts of five days failed)."""
    disabled_at: datetime | None
    failing_since: datetime | None
    failures: int
    """Failed attempts since the last success; tests and redeliveries do not count."""
    waiting: int
    """Deliveries that are pending, or held while the webhook is disabled; counted up to 1,000."""
    previous_secret_until: datetime | None
    """When the last secret before the current one stops signing; null if the current one signs alone."""
    created_at: datetime
    updated_at: datetime


class CreatedEndpoint(msgspec.Struct, frozen=True):
    endpoint: Endpoint
    secret: str
    """Shown only here."""


class RotatedSecret(msgspec.Struct, frozen=True):
    secret: str
    """Shown only here."""


class EventType(msgspec.Struct, frozen=True):
    """An event of the catalog. `schema` is the JSON Schema (2020-12) of the payload's `data`."""

    type: str
    description: str
    schema: dict[str, Any]
    example: dict[str, Any]
    """An example of the payload's `data`."""


class DeliverySearch(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    state: State | None = None
    type: Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[a-z_.]+(?![\s\S])")] | None = None
    cursor: Cursor | None = None
    limit: Limit = 20


class Delivery(msgspec.Struct, frozen=True):
    """A delivery of an event to an endpoint. `event_id` is the header `webhook-id`, the same in each attempt."""

    id: UUID
    event_id: UUID
    type: str
    state: str
    """`pending`, `held` (the endpoint is disabled), `delivered` or `failed`."""
    attempts: int
    status: int | None
    """Of the last attempt's response."""
    error: str | None
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None


class Attempt(msgspec.Struct, frozen=True):
    """An attempt, with its times in milliseconds. A later attempt has a higher number."""

    number: int
    started_at: datetime
    status: int | None
    error: str | None
    resolve_ms: float | None
    connect_ms: float | None
    tls_ms: float | None
    first_byte_ms: float | None
    total_ms: float
    response: str
    """The first 1 KiB of the response's body, as text."""


class DeliveryDetail(msgspec.Struct, frozen=True):
    delivery: Delivery
    headers: dict[str, str]
    """Headers of the last attempt, with a masked signature; empty before the first one."""
    body: str | None
    """Null if the event's data was erased."""
    attempts: list[Attempt]


class Replay(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`failed`: deliveries that failed, one attempt each. `missing`: events without a delivery."""

    what: Literal["failed", "missing"]
    since: datetime


class Replayed(msgspec.Struct, frozen=True):
    """The number of deliveries; at most 5,000 in one request. Repeat it until 0."""

    deliveries: int


class Payload(msgspec.Struct, frozen=True):
    event_id: UUID
    type: str
    occurred_at: datetime
    endpoint_id: UUID
    scope: str
    data: str | None
    url: str


class Job(msgspec.Struct, frozen=True):
    """A leased delivery."""

    id: UUID
    endpoint_id: UUID
    user_id: UUID
    event_id: UUID
    type: str
    lease: int
    attempts: int
    once: bool
    is_failing: bool
    url: str
    occurred_at: datetime
    data: str | None
    traceparent: str
    sealed: list[str]


class Made(msgspec.Struct, frozen=True):
    """An attempt as it is stored."""

    started_at: datetime
    status: int | None
    error: str | None
    resolve_ms: float | None
    connect_ms: float | None
    tls_ms: float | None
    first_byte_ms: float | None
    total_ms: float
    response: str


class Result(msgspec.Struct, frozen=True):
    """A successful attempt of a leased delivery."""

    id: UUID
    endpoint_id: UUID
    lease: int
    made: Made


class Health(msgspec.Struct, frozen=True):
    user_id: UUID
    is_enabled: bool
    notices: list[str]
    failures: int
    failing_seconds: float


class Recipient(msgspec.Struct, frozen=True):
    email: str
    language: str
    url: str
    id: UUID


class SealedSecret(msgspec.Struct, frozen=True):
    id: UUID
    endpoint_id: UUID
    sealed: str
