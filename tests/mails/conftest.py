"""Mails in tests: a superuser's client, and a worker's context that records what it sends."""

from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from api.features import FEATURES
from api.kernel.context import Context
from api.kernel.feature import recording
from api.kernel.outbox.mailing import RecordedMailer
from tests.factories import make_user
from tests.mailed import TASKS
from tests.sessions.signing import bearer, login
from worker import queries


class Office:
    """A superuser, and the worker that sends mails."""

    def __init__(self, client: httpx.AsyncClient, context: Context, headers: dict[str, str]) -> None:
        self.client, self.context, self.headers = client, context, headers
        self.worker = recording(context, FEATURES)

    async def work(self) -> None:
        """Run the tasks that are due."""
        while leased := await queries.lease_tasks(self.context.db, list(TASKS), 100, 30):
            for each in leased:
                await TASKS[each.task].run(self.worker, each.id, each.lease)

    async def get(self, path: str = "", expected: int = 200, **parameters: Any) -> httpx.Response:
        answer = await self.client.get(f"/api/operations/mails{path}", headers=self.headers, params=parameters)
        assert answer.status_code == expected, answer.text
        return answer

    async def mails(self, **parameters: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.get(**parameters)).json()["items"]
        return found

    async def resend(self, id: object) -> httpx.Response:
        return await self.client.post(f"/api/operations/mails/{id}/resend", headers=self.headers)

    async def register(self, email: str = "ada@example.com") -> UUID:
        """Register an account, without sending its mail. Returns its id."""
        answer = await self.client.post("/api/auth/register", json={"email": email, "password": "a better horse 7"})
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["id"])


def without_mail_server(worker: Context, *failures: Exception) -> Context:
    """The worker's context with a mail server that fails so many times."""

    class Failing:
        def __init__(self) -> None:
            assert isinstance(worker.mail, RecordedMailer)
            self.inner, self.failures = worker.mail._mailer, list(failures)
            self.outage = self.inner.outage

        async def send(self, message: object) -> str:
            if self.failures:
                raise self.failures.pop(0)
            return await self.inner.send(message)  # type: ignore[arg-type]

    assert isinstance(worker.mail, RecordedMailer)
    mailer = RecordedMailer(
        msgspec.structs.replace(worker, mail=Failing()), worker.mail._record, worker.mail._repeatable
    )
    return msgspec.structs.replace(worker, mail=mailer)


@pytest.fixture
async def office(client: httpx.AsyncClient, context: Context) -> Office:
    return await open_office(client, context)


async def open_office(client: httpx.AsyncClient, context: Context) -> Office:
    """Sign in as a new superuser, with no pending tasks."""
    root = await make_user(context, "root@example.com", superuser=True)
    headers = bearer((await login(client, root.email)).json())
    await context.db.fetch("delete from outbox_tasks")
    return Office(client, context, headers)
