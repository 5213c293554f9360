"""C-387: what a worker hints at, at most once a second and with one statement for all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
from arq.connections import ArqRedis

from api.features import FEATURES
from api.kernel import SUPERUSERS
from api.kernel.context import Context
from api.kernel.feature import recording
from api.kernel.mail import MailRefused
from api.users import tasks as users
from tests.factories import make_user
from tests.kernel.http_server import HttpServer
from tests.patient import SECONDS
from tests.webhooks.conftest import Hooks, hooks, local, receiver
from tests.worker.jobs import working
from tests.worker.test_publishing import announce
from tests.worker.test_tasks import Sequence

__all__ = ["hooks", "local", "receiver"]


class Heard:
    """The payloads of NOTIFY."""

    def __init__(self) -> None:
        self.payloads: list[str] = []
        self._came = asyncio.Event()

    def take(self, payload: str) -> None:
        self.payloads.append(payload)
        self._came.set()

    async def until(self, payload: str) -> None:
        async with asyncio.timeout(SECONDS):
            while payload not in self.payloads:
                self._came.clear()
                await self._came.wait()


@contextlib.asynccontextmanager
async def hearing(context: Context) -> AsyncIterator[Heard]:
    heard = Heard()
    async with context.db.listen("live", lambda: None, heard.take), context.hints.sending(context.db):
        yield heard


async def test_superusers_get_hints_of_what_a_worker_does(live: Context, queue: ArqRedis) -> None:
    """An event is published, and its task sends a mail that is refused for good. The hints contain nothing personal."""
    context = recording(msgspec.structs.replace(live, mail=Sequence(MailRefused("smtp 550"))), FEATURES)
    user = await make_user(live, verified=False)
    async with hearing(context) as heard:
        await announce(live.db, user.id)
        async with working(context, queue, users.tasks):
            for name in ("outbox.events", "outbox.tasks", "outbox.dead_letters", "mails.attempts"):
                await heard.until(f"{name} {SUPERUSERS}")
    assert all(payload.endswith(f" {SUPERUSERS}") for payload in heard.payloads)


async def test_a_hundred_deliveries_are_one_hint_to_their_owner(hooks: Hooks, receiver: HttpServer) -> None:
    await hooks.add(receiver.url)
    await hooks.happen(times=100)
    assert await hooks.deliver() == 100
    async with hearing(hooks.context) as heard:
        await heard.until(f"webhooks.deliveries {hooks.user_id}")
    assert len(heard.payloads) <= 2, "the second is sent at the end, if the answer to the first was not there yet"
