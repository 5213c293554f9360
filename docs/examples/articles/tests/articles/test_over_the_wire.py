"""Streams and large answers over a real server: live comments, and 100,000 rows."""

import csv
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from api.kernel.context import Context, open_context
from api.kernel.settings import Settings
from tests.articles.conftest import People, Person
from tests.conftest import SUBSCRIBERS, clone
from tests.live.following import Follower
from tests.wire import Web, serving

ROWS = 100_000


@pytest.fixture(scope="module")
async def opened(settings: Settings) -> AsyncIterator[Context]:
    """A database for this file: another process reads committed rows."""
    async with clone(settings) as cloned, open_context(cloned, SUBSCRIBERS) as made:
        yield made


@pytest.fixture(scope="module")
def web(environment: dict[str, str], opened: Context, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    own = environment | {"DATABASE_URL": opened.settings.database_url}
    with serving(own, tmp_path_factory.mktemp("web")) as started:
        yield started


@pytest.fixture
async def editor(web: Web, opened: Context) -> AsyncIterator[Person]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{web.port}", trust_env=False, timeout=60) as client:
        yield await People(client, opened)(roles=("editor",))


async def test_comments_arrive_as_they_are_written_and_deleted(web: Web, editor: Person) -> None:
    article, other = await editor.publish(), await editor.publish()
    async with Follower(web.port, f"/articles/{article}/comments/live") as follower:
        await follower.opened()
        await editor.ask("POST", f"/articles/{other}/comments", 201, json={"body": "Elsewhere."})
        comment = (await editor.ask("POST", f"/articles/{article}/comments", 201, json={"body": "Here."})).json()
        written = await follower.next()
        assert written is not None
        assert (written.name, written.data) == ("articles.comment_written", comment)
        await editor.ask("DELETE", f"/articles/{article}/comments/{comment['id']}", 204)
        gone = await follower.next()
        assert gone is not None
        assert gone.data == {"type": "comment_gone", "id": comment["id"]}


async def test_a_socket_takes_comments_and_sends_those_of_others(web: Web, editor: Person) -> None:
    article = await editor.publish()
    address = f"ws://127.0.0.1:{web.port}/api/articles/{article}/comments/socket"
    headers = {"authorization": f"Bearer {editor.token}"}
    async with connect(address, proxy=None, additional_headers=headers) as socket:
        assert json.loads(await socket.recv())["event"] == "begin"
        await socket.send(json.dumps({"body": "From the socket."}))
        messages: dict[str, Any] = {}
        for _ in range(2):
            message = json.loads(await socket.recv())
            messages[message["event"]] = message["data"]
        assert messages["reply"] == messages["articles.comment_written"]
        await socket.send(json.dumps({"body": ""}))
        assert json.loads(await socket.recv())["data"]["code"] == "VALIDATION_FAILED"


async def test_an_export_of_100_000_rows(editor: Person, opened: Context, tmp_path: Path) -> None:
    for first in range(0, ROWS, 5_000):  # PostgreSQL cancels a statement after five seconds
        await opened.db.fetch(
            "insert into articles (id, author_id, title, body, tags)"
            " select gen_random_uuid(), $1, '=title ' || $2 + n, 'text', array['travel']"
            " from generate_series(1, 5000) as n",
            editor.id,
            first,
        )
    answer = await editor.ask("GET", "/articles/export.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="articles.csv"'
    rows = [row for row in csv.DictReader(answer.text.splitlines()) if "=title" in row["title"]]
    assert len({row["id"] for row in rows}) == ROWS
    assert {row["title"][:8] for row in rows} == {"'=title "}, "a spreadsheet does not evaluate it as a formula"
    assert {row["tags"] for row in rows} == {'["travel"]'}
