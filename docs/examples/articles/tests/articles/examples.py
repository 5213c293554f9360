"""Test data for the tests that cover all features (tests/examples.py)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from api.articles import queries, tasks
from api.articles.events import ArticlePublished
from api.kernel.context import Context
from api.kernel.data.database import uuid7
from api.kernel.outbox.schedules import Due
from api.users.types import User
from tests.articles.conftest import PNG
from tests.examples import EVERYBODY, SIGNED_IN, VISITORS, holders_of
from tests.factories import make_user
from tests.transcript import Transcript

EDITORS = holders_of("editor")
ACCESS = {
    "GET /articles": VISITORS,
    "POST /articles": SIGNED_IN,
    "GET /articles/feed": SIGNED_IN,
    "GET /articles/tags": EVERYBODY,
    "GET /articles/export.csv": EDITORS,
    "GET /articles/{id}": VISITORS,
    "PATCH /articles/{id}": SIGNED_IN,
    "DELETE /articles/{id}": SIGNED_IN,
    "PUT /articles/{id}/hidden": EDITORS,
    "PUT /articles/{id}/favourite": SIGNED_IN,
    "DELETE /articles/{id}/favourite": SIGNED_IN,
    "GET /articles/{id}/comments": EVERYBODY,
    "POST /articles/{id}/comments": SIGNED_IN,
    "DELETE /articles/{id}/comments/{comment_id}": SIGNED_IN,
    "GET /articles/{id}/comments/live": EVERYBODY,
    "GET /articles/{id}/comments/socket": SIGNED_IN,
    "PUT /authors/me/avatar": SIGNED_IN,
    "GET /authors/{id}": VISITORS,
    "GET /authors/{id}/avatar": EVERYBODY,
    "PUT /authors/{id}/follow": SIGNED_IN,
    "DELETE /authors/{id}/follow": SIGNED_IN,
    "POST /follows/{token}/end": EVERYBODY,
}
TWICE = {"": [ArticlePublished, tasks.Notice, tasks.NoticeRound, tasks.Digest, tasks.DigestRound, Due]}
VALUES = {
    "article_id": UUID(int=1),
    "author_id": UUID(int=2),
    "follower_id": UUID(int=3),
    "reader_id": UUID(int=3),
    "title": "A title",
    "after": UUID(int=0),
    "since": datetime(2026, 1, 5, tzinfo=UTC),
    "at": datetime(2026, 1, 12, tzinfo=UTC),
    "previous": None,
}


async def things(context: Context, user: User, sid: UUID) -> Mapping[str, Mapping[str, object]]:
    """An article of the account with a comment by it, and its picture."""
    article, comment = uuid7(), uuid7()
    async with context.db.transaction() as db:
        await queries.insert(db, article, user.id, "A title", "Some text.", ["travel"])
        await queries.insert_comment(db, comment, article, user.id, "A comment.")
        await queries.replace_avatar(db, user.id, "image/png", PNG)
    return {
        "/articles/{id}": {"id": article, "comment_id": comment},
        "/authors/{id}": {"id": user.id},
        "/follows/{token}": {"token": uuid7()},
    }


async def page(transcript: Transcript, context: Context, admin: dict[str, str]) -> None:
    await write(transcript, admin)
    other = await make_user(context, "author@example.com")
    theirs = await things(context, other, uuid7())
    article, comment = theirs["/articles/{id}"].values()
    await read(transcript, article, admin)
    await discuss(transcript, article, comment, admin)
    await follow(transcript, other.id, admin)


async def write(transcript: Transcript, admin: dict[str, str]) -> None:
    transcript.write("## Articles")
    new = {"title": "How to train your dragon", "body": "Carefully.", "tags": ["dragons"]}
    answer = await transcript.show("POST /articles", json=new, headers=admin)
    id, match = answer.json()["id"], {"if-match": answer.headers["etag"]}
    await transcript.show("PATCH /articles/{id}", id=id, json={"body": "Very carefully."}, headers=admin | match)
    await transcript.show("PUT /articles/{id}/hidden", id=id, headers=admin)
    await transcript.show("DELETE /articles/{id}", id=id, headers=admin)
    await transcript.show("PUT /authors/me/avatar", content=PNG, headers=admin | {"content-type": "image/png"})


async def read(transcript: Transcript, article: object, admin: dict[str, str]) -> None:
    await transcript.show("PUT /articles/{id}/favourite", id=article, headers=admin)
    await transcript.show("GET /articles", params={"tag": "travel", "limit": 1})
    await transcript.show("GET /articles/{id}", id=article, headers=admin)
    await transcript.show("DELETE /articles/{id}/favourite", id=article, headers=admin)
    await transcript.show("GET /articles/tags")
    await transcript.show("GET /articles/export.csv", headers=admin)


async def discuss(transcript: Transcript, article: object, comment: object, admin: dict[str, str]) -> None:
    await transcript.show("GET /articles/{id}/comments/live", id=article)
    transcript.describe("GET /articles/{id}/comments/socket")
    await transcript.show("POST /articles/{id}/comments", id=article, json={"body": "Thank you."}, headers=admin)
    await transcript.show("GET /articles/{id}/comments", id=article)
    route = "DELETE /articles/{id}/comments/{comment_id}"
    await transcript.show(route, id=article, comment_id=comment, headers=admin)


async def follow(transcript: Transcript, author: UUID, admin: dict[str, str]) -> None:
    await transcript.show("PUT /authors/{id}/follow", id=author, headers=admin)
    await transcript.show("GET /articles/feed", headers=admin)
    await transcript.show("GET /authors/{id}", id=author, headers=admin)
    await transcript.show("GET /authors/{id}/avatar", id=author)
    await transcript.show("DELETE /authors/{id}/follow", id=author, headers=admin)
    await transcript.show("POST /follows/{token}/end", token=uuid7())
