"""The vocabulary of a feature: the names that it uses, one line each. A feature imports from `api.kernel` and not from
the rooms behind it. docs/architecture.md has the map of the rooms, and import-linter holds the rule."""

from api.kernel.context import Context, Origin, origin
from api.kernel.data.cache import CacheUnavailable
from api.kernel.data.database import Database, uuid7
from api.kernel.data.sql import query
from api.kernel.errors import (
    NOT_FOUND,
    RATE_LIMITED,
    UNAUTHORIZED,
    UNAVAILABLE,
    VALIDATION_FAILED,
    FieldError,
    Problem,
    bad_request,
    conflict,
    forbidden,
    problem,
    unauthorized,
)
from api.kernel.feature import Feature, Sweep
from api.kernel.http.paging import Cursor, Cursors, Limit, Page
from api.kernel.http.routing import ACCEPTED, Renew, Reply, delete, get, patch, post, put, refuse_stale, websocket
from api.kernel.identity.auth import Principal, anyone, holder, role, signed_in, superuser
from api.kernel.identity.limits import Policy, network_of
from api.kernel.input.addresses import LONGEST_ADDRESS, normal_address
from api.kernel.input.conversion import Normal
from api.kernel.live.feeds import Feed
from api.kernel.mail import Template, browser_of, system_of
from api.kernel.outbox.consumers import Consumer, Incoming, consume
from api.kernel.outbox.events import Contact, Event, Person, Thing, record
from api.kernel.outbox.tasks import Task, task
from api.kernel.settings import Rate, Settings
from api.kernel.telemetry import meter, span

__all__ = [  # noqa: RUF022  # grouped as a reader looks for them
    # A feature
    "Feature",  # routes, tasks, sweeps and consumers of one noun
    "Sweep",  # repeated work of the worker
    "Settings",  # the environment, read once
    "Context",  # the opened dependencies: db, cache, mail, tokens, passwords, limiter, settings
    # Routes
    "get", "post", "put", "patch", "delete",  # a path and its handler → Route
    "Reply",  # a body with a status or headers of its own
    "ACCEPTED",  # 202 without a body
    "Renew",  # asks for new tokens for the caller
    "refuse_stale",  # If-Match against the current ETag
    "websocket",  # a Feed's events out, each message in a call of `receives`
    "Feed",  # events as they happen, to a client that stays connected
    "Page", "Cursor", "Cursors", "Limit",  # one page of a list, by key
    # Principals and limits
    "Principal",  # who is signed in
    "anyone", "holder", "signed_in", "superuser", "role",  # guards
    "Policy", "Rate",  # a limit that only a handler can charge
    "network_of",  # the network by which an address is counted
    "Origin", "origin",  # actor, address and trace of the current request or task
    # Input
    "Normal",  # a field's normal form
    "normal_address", "LONGEST_ADDRESS",  # e-mail addresses
    # Data
    "Database",  # runs queries; `transaction()`
    "query",  # binds a signature to its .sql file
    "uuid7",  # a new id, ordered by time
    "CacheUnavailable",  # Redis does not answer
    # Errors
    "Problem", "FieldError",  # an answer by RFC 9457, and one field's fault
    "problem", "bad_request", "unauthorized", "forbidden", "conflict",  # a new code of a status
    "NOT_FOUND", "UNAUTHORIZED", "VALIDATION_FAILED", "RATE_LIMITED", "UNAVAILABLE",  # the kernel's codes
    # Events, tasks and messages
    "Event", "Person", "Thing", "Contact",  # a fact, and what its fields say about people
    "record",  # writes an event to the outbox and the audit
    "task", "Task",  # work that the worker does
    "consume", "Consumer", "Incoming",  # a message of another service, applied once
    # Mail and telemetry
    "Template",  # a mail in each language
    "browser_of", "system_of",  # the sender's device, by its User-Agent
    "meter", "span",  # metrics and traces
]  # fmt: skip
