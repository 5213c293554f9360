"""The vocabulary of a feature: the names that it uses, one line each. A feature imports from `api.kernel` and not from
the rooms behind it. docs/architecture.md has the map of the rooms, and import-linter holds the rule."""

from api.kernel.client import HttpError, HttpResponse
from api.kernel.config.variables import FeatureSettings, Variable
from api.kernel.context import Context, Origin, origin
from api.kernel.data.cache import CacheUnavailable, cached, shared
from api.kernel.data.database import Autocommit, Database, Transaction, uuid7
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
from api.kernel.http.caching import CacheControl
from api.kernel.http.paging import Cursor, Cursors, Limit, Page
from api.kernel.http.routing import ACCEPTED, Renew, Reply, delete, get, patch, post, put, websocket
from api.kernel.http.streams import Stream, to_csv, to_ndjson
from api.kernel.http.validators import Version, refuse_stale
from api.kernel.identity.auth import Principal, anyone, holder, role, signed_in, superuser
from api.kernel.identity.limits import Policy, network_of
from api.kernel.input.addresses import LONGEST_ADDRESS, normal_address, punycode, shown_address
from api.kernel.input.conversion import Normal, Shown
from api.kernel.input.media import media_type_of
from api.kernel.input.uploads import Upload
from api.kernel.live.feeds import Feed
from api.kernel.mail import MailDelayed, MailRefused, Template, browser_of, system_of
from api.kernel.mime import Attachment, Message
from api.kernel.outbox.consumers import Consumer, Incoming, consume
from api.kernel.outbox.events import Contact, Event, Label, Person, Personal, Thing, record
from api.kernel.outbox.schedules import Due, Schedule
from api.kernel.outbox.tasks import Task, task
from api.kernel.settings import Rate, Settings
from api.kernel.telemetry import meter, span

__all__ = [  # noqa: RUF022  # grouped as a reader looks for them
    # A feature
    "Feature",  # routes, tasks, sweeps and consumers of one noun
    "Sweep",  # repeated work of the worker
    "Settings",  # the environment, read once
    "FeatureSettings", "Variable",  # a feature's own variables; settings.of(…) reads them
    "Context",  # the opened dependencies: db, cache, mail, tokens, passwords, limiter, settings
    # Routes
    "get", "post", "put", "patch", "delete",  # a path and its handler → Route
    "Reply",  # a body with a status or headers of its own
    "Stream",  # an answer that is made while it is sent
    "to_csv", "to_ndjson",  # rows → the chunks of a Stream
    "ACCEPTED",  # 202 without a body
    "Renew",  # asks for new tokens for the caller
    "refuse_stale",  # If-Match against the current ETag
    "Version",  # the field that If-Match compares instead of the whole content
    "CacheControl",  # how long clients may reuse a GET's answers
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
    "Normal", "Shown",  # a field's normal form, and its form for people
    "Upload",  # a body that is a file, read in chunks
    "media_type_of",  # what the first bytes of a file say
    "normal_address", "shown_address", "punycode", "LONGEST_ADDRESS",  # e-mail addresses
    # Data
    "Database",  # the pool: reading queries; `transaction()`
    "Transaction",  # what `transaction()` yields: writing queries, `record` and `Task.defer` demand one
    "Autocommit",  # for a writing query that is complete by itself: Database or Transaction
    "query",  # binds a signature to its .sql file
    "uuid7",  # a new id, ordered by time
    "cached",  # keeps an async function's answers in Redis for some seconds
    "CacheUnavailable",  # Redis does not answer
    "shared",  # one answer for all who ask at about the same time
    # Errors
    "Problem", "FieldError",  # an answer by RFC 9457, and one field's fault
    "problem", "bad_request", "unauthorized", "forbidden", "conflict",  # a new code of a status
    "NOT_FOUND", "UNAUTHORIZED", "VALIDATION_FAILED", "RATE_LIMITED", "UNAVAILABLE",  # the kernel's codes
    # Events, tasks and messages
    "Event", "Person", "Thing",  # a fact, and of whom or what each id is
    "Contact", "Personal", "Label",  # what each text says about a person
    "record",  # writes an event to the outbox and the audit
    "task", "Task",  # work that the worker does
    "Schedule", "Due",  # a task at certain times
    "consume", "Consumer", "Incoming",  # a message of another service, applied once
    # Calls, mail and telemetry
    "HttpError", "HttpResponse",  # context.http calls other services, from tasks
    "Template",  # a mail in each language
    "Message", "Attachment",  # a mail: recipients, headers, files
    "MailRefused", "MailDelayed",  # never taken; not taken now
    "browser_of", "system_of",  # the sender's device, by its User-Agent
    "meter", "span",  # metrics and traces
]  # fmt: skip
