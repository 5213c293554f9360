"""The public API of the kernel for features. Features import from `api.kernel` and not from its subpackages;
import-linter enforces it. docs/architecture.md describes the subpackages."""

from api.kernel.client import HttpError, HttpResponse, read_retry_after
from api.kernel.config.networks import Address, Network
from api.kernel.config.variables import FeatureSettings, Variable
from api.kernel.context import Context, Origin, origin
from api.kernel.data.cache import CacheUnavailable, cached, shared
from api.kernel.data.cursors import snapshot
from api.kernel.data.database import Autocommit, Database, Transaction, uuid7
from api.kernel.data.personal import CASCADE, PersonalTable
from api.kernel.data.rows import Counted
from api.kernel.data.sql import query
from api.kernel.errors import (
    NOT_FOUND,
    QUOTA_EXCEEDED,
    RATE_LIMITED,
    UNAUTHORIZED,
    UNAVAILABLE,
    VALIDATION_FAILED,
    FieldError,
    Problem,
    bad_request,
    conflict,
    forbidden,
    not_found,
    problem,
    unauthorized,
)
from api.kernel.feature import Feature, Sweep
from api.kernel.http.caching import CacheControl
from api.kernel.http.paging import Cursor, Cursors, Limit, Listing, Page
from api.kernel.http.routing import ACCEPTED, Renew, Reply, delete, get, patch, post, put, websocket
from api.kernel.http.streams import Stream, to_csv, to_ndjson
from api.kernel.http.validators import Version, refuse_stale
from api.kernel.identity.auth import Principal, anyone, holder, role, signed_in, superuser, verifying_keys
from api.kernel.identity.calls import Call, exceeded
from api.kernel.identity.limits import Policy, Quota, network_of
from api.kernel.identity.sealing import seal, unseal
from api.kernel.input.addresses import LONGEST_ADDRESS, normal_address, punycode, shown_address
from api.kernel.input.conversion import Normal, Shown, Unfit
from api.kernel.input.media import media_type_of
from api.kernel.input.uploads import Upload
from api.kernel.live.feeds import SUPERUSERS, Feed, Happened
from api.kernel.mail import MailDelayed, MailRefused, Template, browser_of, system_of
from api.kernel.mime import Attachment, Message
from api.kernel.outbox.consumers import Consumer, Incoming, consume
from api.kernel.outbox.events import (
    Contact,
    Event,
    Label,
    Person,
    Personal,
    Thing,
    event_types,
    outside_activity,
    record,
    record_many,
)
from api.kernel.outbox.examples import example_of
from api.kernel.outbox.mailing import MailAttempt
from api.kernel.outbox.schedules import Due, Schedule
from api.kernel.outbox.tasks import Task, defer_again, task
from api.kernel.settings import Rate, Settings
from api.kernel.telemetry import meter, span

__all__ = [  # noqa: RUF022  # grouped by topic
    # A feature
    "Feature",  # routes, tasks, sweeps and consumers of a module
    "Sweep",  # periodic work of the worker
    "Settings",  # the environment, read once
    "FeatureSettings", "Variable",  # a feature's own variables; settings.of(…) reads them
    "Address", "Network",  # of IPv4 and IPv6
    "Context",  # the opened dependencies: db, cache, mail, tokens, passwords, limiter, settings
    # Routes
    "get", "post", "put", "patch", "delete",  # a path and its handler → Route
    "Reply",  # a response with its own body, status or headers
    "Stream",  # a streamed response
    "to_csv", "to_ndjson",  # rows → the chunks of a Stream
    "ACCEPTED",  # 202 without a body
    "Renew",  # replaces the caller's tokens
    "refuse_stale",  # If-Match against the current ETag
    "Version",  # field that If-Match compares instead of the whole content
    "CacheControl",  # how long clients may reuse the responses of a GET
    "websocket",  # sends a Feed's events; `receives` handles messages
    "Feed", "Happened",  # events for connected clients, of certain types or of all
    "SUPERUSERS",  # an audience of `context.hints`, beside the id of an account
    "Page", "Cursor", "Cursors", "Limit",  # keyset pagination
    "Listing",  # a page whose body is an array
    # Principals and limits
    "Principal",  # who is signed in; `has_role`
    "anyone", "holder", "signed_in", "superuser", "role",  # guards
    "Policy", "Rate",  # a limit that a handler charges
    "Quota",  # a rate that replaces the general limit of an account
    "Call", "exceeded",  # a call that counts against a quota of a day or a month, and its refusal
    "network_of",  # network of an address, for limits
    "Origin", "origin",  # actor, address and trace of the current request or task
    "verifying_keys", "seal", "unseal",  # keys derived from SECRET_KEY, and encryption with them
    # Input
    "Normal", "Shown", "Unfit",  # a field's normalized form, its display form, and a refusal
    "Upload",  # a body that is a file, read in chunks
    "media_type_of",  # media type by the first bytes of a file
    "normal_address", "shown_address", "punycode", "LONGEST_ADDRESS",  # e-mail addresses
    # Data
    "Database",  # the pool: reading queries; `transaction()`
    "Transaction",  # yielded by `transaction()`; required by writing queries, `record` and `Task.defer`
    "Autocommit",  # for a single writing query: Database or Transaction
    "Counted",  # the rows of a page and the number of all, as a query returns them
    "query",  # binds a signature to its .sql file
    "snapshot",  # a read-only transaction for long responses
    "PersonalTable", "CASCADE",  # what a feature stores about accounts: its export and its erasure
    "uuid7",  # a new id, ordered by time
    "cached",  # caches an async function's results in Redis for some seconds
    "CacheUnavailable",  # Redis does not answer
    "shared",  # one result for concurrent callers
    # Errors
    "Problem", "FieldError",  # an error response (RFC 9457), and an invalid field
    "problem", "bad_request", "unauthorized", "forbidden", "not_found", "conflict",  # create an error code
    "NOT_FOUND", "UNAUTHORIZED", "VALIDATION_FAILED", "RATE_LIMITED", "QUOTA_EXCEEDED", "UNAVAILABLE",  # the kernel's
    # Events, tasks and messages
    "Event", "Person", "Thing",  # an event, and the declarations of its ids
    "Contact", "Personal", "Label",  # the declarations of its texts
    "event_types",  # all types of events
    "outside_activity",  # types of events that an account is not shown in its activity
    "record",  # writes an event to the outbox and the audit
    "record_many",  # writes events of one type with one statement
    "example_of",  # an example of a JSON Schema
    "task", "Task",  # work of the worker; `defer`, `defer_many`, also at a later time
    "defer_again",  # runs a task once more, by its name
    "Schedule", "Due",  # a task at certain times
    "consume", "Consumer", "Incoming",  # messages of other services, processed once
    # Calls, mail and telemetry
    "HttpError", "HttpResponse",  # context.http calls other services, from tasks
    "read_retry_after",  # the seconds that a response asks to wait
    "Template",  # a mail in each language
    "Message", "Attachment",  # a mail: recipients, headers, files
    "MailRefused", "MailDelayed",  # permanent and temporary failures
    "MailAttempt",  # an attempt to send a mail, for the feature that records them
    "browser_of", "system_of",  # the sender's device, by its User-Agent
    "meter", "span",  # metrics and traces
]  # fmt: skip
