"""Context: the opened dependencies of a process, passed to handlers and tasks as one value."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from uuid import UUID

import msgspec

from api.kernel.client import HttpClient
from api.kernel.data.cache import Cache, open_cache
from api.kernel.data.database import Database, open_database
from api.kernel.data.personal import PersonalTable
from api.kernel.gauges import measured
from api.kernel.identity.auth import Tokens
from api.kernel.identity.limits import NETWORK_BITS, Limiter, network_of
from api.kernel.identity.passwords import Passwords
from api.kernel.live.hints import Hints
from api.kernel.live.hub import Live, open_live
from api.kernel.mail import LANGUAGES, Mailer, SmtpMailer
from api.kernel.settings import Settings, warnings_of

logger = logging.getLogger(__name__)


class Origin(msgspec.Struct, frozen=True):
    """The actor and address of the current request or task, written with every event it records."""

    principal_id: UUID | None = None
    address: str | None = None
    user_agent: str | None = None
    language: str = LANGUAGES[0]
    """Language of e-mails."""


# Ambient like the trace context: all events of a request carry it without handlers passing it on.
origin: ContextVar[Origin] = ContextVar("origin", default=Origin())  # noqa: B039  # frozen


class Context(msgspec.Struct, frozen=True, kw_only=True):
    settings: Settings
    db: Database
    cache: Cache
    mail: Mailer
    http: HttpClient
    """For calls of other services, in tasks."""
    tokens: Tokens
    limiter: Limiter
    passwords: Passwords
    live: Live
    draining: asyncio.Event
    """Set when this process is shutting down: it finishes its work and is not ready for more."""
    hints: Hints = msgspec.field(default_factory=Hints)
    """In workers: tells connected clients that rows without events have changed."""
    personal: tuple[PersonalTable, ...] = ()
    """What all features store about accounts."""


@contextlib.asynccontextmanager
async def open_context(
    settings: Settings,
    subscribers: Mapping[str, tuple[str, ...]],
    pool_size: int | None = None,
    personal: tuple[PersonalTable, ...] = (),
) -> AsyncIterator[Context]:
    """Open the dependencies of a process; close them at the end of the block. None of them needs to be available yet,
    because platforms start services in any order."""
    for warning in warnings_of(settings):
        logger.warning(warning)
    draining = asyncio.Event()
    passwords = Passwords(lambda: network_of(origin.get().address, NETWORK_BITS), settings.firebase_scrypt_signer_key)
    try:
        async with (
            open_database(settings, subscribers, pool_size) as db,
            open_cache(settings) as cache,
            measured(db, passwords),
            HttpClient(settings) as http,
            open_live(db, draining, settings) as live,
        ):
            yield Context(
                settings=settings,
                db=db,
                cache=cache,
                mail=SmtpMailer(settings, cache),
                http=http,
                tokens=Tokens(settings),
                limiter=Limiter(settings, cache),
                passwords=passwords,
                live=live,
                draining=draining,
                personal=personal,
            )
    finally:
        passwords.close()
