"""Entity tags of content and of versions, for a table that readers and an author change."""

from collections.abc import AsyncIterator
from typing import Annotated, assert_type
from uuid import uuid4

import httpx
import msgspec
import pytest

from api.kernel.context import Context
from api.kernel.data.database import Database
from api.kernel.errors import PRECONDITION_FAILED
from api.kernel.feature import Feature
from api.kernel.http.routing import encode, get, patch
from api.kernel.http.validators import Version, etag, refuse_stale
from api.kernel.identity.auth import anyone
from api.kernel.settings import Settings
from tests.kernel.test_routing import app_of, problem


class Article(msgspec.Struct, frozen=True):
    title: str
    version: Version[int]
    favourites: int


class Stored(msgspec.Struct, frozen=True):
    """The row that a change locks: only the version."""

    version: Version[int]


class Change(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    title: Annotated[str, msgspec.Meta(max_length=40)]


READ = "select title, version, favourites from articles"


async def show_article(context: Context) -> Article:
    [row] = await context.db.fetch(READ)
    return Article(*row)


async def favour(context: Context) -> Article:
    await context.db.fetch("update articles set favourites = favourites + 1")
    return await show_article(context)


async def change_article(context: Context, if_match: str | None, body: Change) -> Article:
    async with context.db.transaction() as db:
        [locked] = await db.fetch("select version from articles for update")
        refuse_stale(if_match, Stored(*locked))
        await db.fetch("update articles set title = $1, version = version + 1", body.title)
    return await show_article(context)


PRESS = Feature(
    name="press",
    routes=[
        get("/article", show_article, guard=anyone, etag=True),
        patch("/article", change_article, guard=anyone, etag=True),
        patch("/favourite", favour, guard=anyone),
    ],
)


@pytest.fixture
async def press(settings: Settings, context: Context, db: Database) -> AsyncIterator[httpx.AsyncClient]:
    await db.fetch("create table articles (title text, version int, favourites int)")
    await db.fetch("insert into articles values ('Old', 1, 0)")
    transport = httpx.ASGITransport(app_of(settings, context, PRESS), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost/api") as client:
        yield client


async def test_a_readers_favourite_does_not_make_the_authors_change_fail(press: httpx.AsyncClient) -> None:
    """C-304."""
    seen = (await press.get("/article")).headers["etag"]
    await press.patch("/favourite")
    changed = await press.patch("/article", json={"title": "New"}, headers={"if-match": seen})
    assert (changed.status_code, changed.json()) == (200, {"title": "New", "version": 2, "favourites": 1})
    again = await press.patch("/article", json={"title": "Newer"}, headers={"if-match": changed.headers["etag"]})
    assert again.status_code == 200


async def test_the_second_change_of_one_version_is_refused(press: httpx.AsyncClient) -> None:
    """C-98, C-304."""
    seen = (await press.get("/article")).headers["etag"]
    for condition in (seen, seen):
        answer = await press.patch("/article", json={"title": "New"}, headers={"if-match": condition})
    problem(answer, 412, "PRECONDITION_FAILED")
    assert (await press.get("/article")).json()["version"] == 2


async def test_the_tag_is_strong(press: httpx.AsyncClient) -> None:
    """C-304: RFC 9110 §8.8.1. A tag of the version alone would hide a favourite from its own reader."""
    seen = (await press.get("/article")).headers["etag"]
    assert seen.startswith('"')
    assert (await press.get("/article", headers={"if-none-match": seen})).status_code == 304
    await press.patch("/favourite")
    again = await press.get("/article", headers={"if-none-match": seen})
    assert (again.status_code, again.json()["favourites"]) == (200, 1)
    assert again.headers["etag"] != seen


ARTICLE = Article("t", 7, 0)
TAG = etag(ARTICLE, encode(ARTICLE))
LATER = etag(Article("t", 8, 0), encode(Article("t", 8, 0)))


@pytest.mark.parametrize("condition", [None, TAG, f"W/{TAG}", f'"other", {TAG}', " * ", f"{LATER},{TAG}"])
def test_a_condition_that_names_the_version_holds(condition: str | None) -> None:
    """C-304: a proxy that compresses makes the tag weak."""
    refuse_stale(condition, Stored(7))
    refuse_stale(condition, msgspec.structs.replace(ARTICLE, favourites=3))


@pytest.mark.parametrize(
    "condition", ["", "x", LATER, TAG.strip('"'), f"{TAG} {TAG}", '""', '"."', TAG.partition(".")[2], f'"{TAG}']
)
def test_a_condition_with_another_version_or_none_is_stale(condition: str) -> None:
    """C-192, C-304."""
    with pytest.raises(PRECONDITION_FAILED):
        refuse_stale(condition, Stored(7))


class Twofold(msgspec.Struct, frozen=True):
    id: Version[str]
    at: Version[int] | None


def test_several_fields_form_the_version() -> None:
    tags = {etag(each, b"same").partition(".")[0] for each in (Twofold("a", 1), Twofold("b", 1), Twofold("a", None))}
    assert len(tags) == 3


def test_without_a_version_the_content_is_the_validator() -> None:
    class Plain(msgspec.Struct):
        title: str

    tag = etag(Plain("a"), encode(Plain("a")))
    refuse_stale(tag, Plain("a"))
    with pytest.raises(PRECONDITION_FAILED):
        refuse_stale(tag, Plain("b"))
    assert etag([1], b"[1]") == etag(uuid4(), b"[1]"), "an answer without a Struct uses its content"


def test_a_version_has_the_type_of_its_field() -> None:
    assert_type(Article("t", 1, 2).version, int)
    assert_type(Twofold("a", 1).at, int | None)
