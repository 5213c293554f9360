"""The worker's part of articles: messages of other services, and the sweep."""

import msgspec
import pytest

from api.articles.requests import consumers
from api.articles.upkeep import delete_hidden
from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.errors import NOT_FOUND
from api.kernel.outbox.consumers import Delivery
from tests.articles.conftest import People

[commands] = consumers


def hide(id: object) -> Delivery:
    return Delivery("https://moderation.example.com", "1", "articles.hide", "", msgspec.json.encode({"article_id": id}))


async def test_another_service_hides_an_article_once(person: People, context: Context) -> None:
    author, reader = await person(), await person()
    id = await author.publish()
    assert [await commands.handle(context, hide(id)) for _ in range(2)] == [True, False]
    await reader.ask("GET", f"/articles/{id}", 404)
    assert len(await context.db.fetch("select from outbox_events where type = 'articles.hidden'")) == 1


async def test_an_article_that_does_not_exist_makes_a_dead_letter(context: Context) -> None:
    with pytest.raises(NOT_FOUND):
        await commands.handle(context, hide(uuid7()))


async def test_the_sweep_deletes_articles_hidden_long_ago(person: People, context: Context) -> None:
    author = await person()
    old, new = await author.publish(), await author.publish()
    for id in (old, new):
        await commands.handle(context, msgspec.structs.replace(hide(id), id=str(id)))
    await context.db.fetch("update articles set hidden_at = hidden_at - interval '31 days' where id = $1", old)
    assert [await delete_hidden(context), await delete_hidden(context)] == [1, 0]
    await author.ask("GET", f"/articles/{old}", 404)
    await author.ask("GET", f"/articles/{new}")
    assert len(await context.db.fetch("select from outbox_events where type = 'articles.deleted'")) == 1
