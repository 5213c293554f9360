"""C-418: a web process is killed between the commit of a POST and the answer, seen from outside: a proxy holds what
PostgreSQL, or the process, answers. The repetition with the same key, to another process, has no second effect."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from api.kernel.context import Context
from tests.factories import PASSWORD, make_user
from tests.kernel.repeating import REPLAYED
from tests.proxy import Proxy, _Link
from tests.webhooks.conftest import URL
from tests.wire import serving

POSTS: dict[str, tuple[str, dict[str, Any]]] = {
    "plan_tiers": ("/api/plans/tiers", {"name": "paid"}),
    "webhook_endpoints": ("/api/webhooks", {"url": URL, "events": ["*"]}),  # its answer has a secret
}
COMMITTED, CREATED = b"COMMIT\0", b"HTTP/1.1 201"


class Holding(Proxy):
    """Keeps an answer that contains `mark`, and what follows it on the connection, until the server ends that."""

    mark: bytes | None = None

    def hold(self, mark: bytes) -> asyncio.Event:
        """Returns an event that is set when such an answer has come."""
        self.mark, self.held = mark, asyncio.Event()
        return self.held

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: _Link) -> None:
        with contextlib.suppress(OSError):
            holds = False
            while data := await reader.read(65536):
                if self.mark and self.mark in data:
                    holds = True
                    self.held.set()
                if not holds:
                    await self._pass_on(data, writer)
        writer.close()


@pytest.mark.parametrize("table", POSTS)
@pytest.mark.parametrize("place", ["before the answer is made", "before it arrives"])
async def test_a_process_killed_between_commit_and_answer(
    environment: dict[str, str], live: Context, tmp_path: Path, table: str, place: str
) -> None:
    user = await make_user(live, superuser=True)
    own = urlsplit(live.settings.database_url)
    path, body = POSTS[table]
    key = {"idempotency-key": str(uuid4())}
    async with contextlib.AsyncExitStack() as stack:
        database = await stack.enter_async_context(Holding((own.hostname or "", own.port or 0)))
        url = live.settings.database_url.replace(f":{own.port}/", f":{database.port}/")
        # In a thread: the process waits for the proxy.
        serves = serving(environment | {"DATABASE_URL": url}, tmp_path)
        first = await asyncio.to_thread(stack.enter_context, serves)
        front = await stack.enter_async_context(Holding(("127.0.0.1", first.port)))
        client = await stack.enter_async_context(to(front.port))
        form = {"username": user.email, "password": PASSWORD}
        token = (await client.post("/api/auth/jwt/login", data=form)).json()["access_token"]
        headers = key | {"authorization": f"Bearer {token}"}
        held = database.hold(COMMITTED) if "made" in place else front.hold(CREATED)
        posting = asyncio.create_task(client.post(path, json=body, headers=headers))
        await asyncio.wait((posting, asyncio.create_task(held.wait())), return_when=asyncio.FIRST_COMPLETED)
        assert held.is_set(), posting.result().text
        assert await count(live, table) == 1, "it is not committed"
        first.process.kill()
        first.process.wait()
        with pytest.raises(httpx.TransportError):
            await posting
        second = stack.enter_context(serving(environment | {"DATABASE_URL": live.settings.database_url}, tmp_path))
        again = await stack.enter_async_context(to(second.port))
        answers = [await again.post(path, json=body, headers=headers) for _ in range(2)]
        other = await again.post(path, json=body | {"description": "another"}, headers=headers)
    assert [(answer.status_code, answer.headers[REPLAYED]) for answer in answers] == 2 * [(201, "true")]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json().items() >= body.items() or "secret" in answers[0].json()
    assert other.status_code == 422
    assert await count(live, table) == 1


async def count(context: Context, table: str) -> int:
    [row] = await context.db.fetch(f"select count(*) from {table}")
    return int(row[0])


def to(port: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60)
