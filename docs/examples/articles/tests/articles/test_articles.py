"""Writing and reading articles."""

import httpx
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from api.kernel.context import Context
from tests.articles.conftest import People
from tests.kernel.signals import points


def titles(answer: httpx.Response) -> list[str]:
    return [item["title"] for item in answer.json()["items"]]


async def test_a_readers_favourite_does_not_make_the_authors_change_stale(person: People) -> None:
    author, reader = await person(), await person()
    id = await author.publish()
    before = (await author.ask("GET", f"/articles/{id}")).headers["etag"]
    await reader.ask("PUT", f"/articles/{id}/favourite")
    after = await author.ask("GET", f"/articles/{id}")
    assert (after.headers["etag"] == before, after.json()["favourites"]) == (False, 1), "a cache must not keep it"
    match = {"if-match": before}
    changed = await author.ask("PATCH", f"/articles/{id}", json={"title": "Another"}, headers=match)
    assert (changed.json()["title"], changed.json()["body"]) == ("Another", "Some text.")
    refused = await author.ask("PATCH", f"/articles/{id}", 412, json={"title": "A third"}, headers=match)
    assert refused.json()["code"] == "PRECONDITION_FAILED"


async def test_only_its_author_changes_an_article(person: People) -> None:
    author, editor = await person(), await person(roles=("editor",))
    id = await author.publish()
    await editor.ask("PATCH", f"/articles/{id}", 404, json={"title": "Mine"})


async def test_an_editor_deletes_anyones_article_and_others_only_their_own(person: People) -> None:
    author, reader, editor = await person(), await person(), await person(roles=("editor",))
    first, second = await author.publish(), await author.publish()
    await reader.ask("DELETE", f"/articles/{first}", 404)
    await author.ask("DELETE", f"/articles/{first}", 204)
    await editor.ask("DELETE", f"/articles/{second}", 204)
    await author.ask("GET", f"/articles/{second}", 404)


async def test_a_hidden_article_is_visible_to_its_author_only(person: People, client: httpx.AsyncClient) -> None:
    author, editor = await person(), await person(roles=("editor",))
    id = await author.publish()
    await editor.ask("PUT", f"/articles/{id}/hidden", 204)
    await author.ask("GET", f"/articles/{id}")
    await editor.ask("GET", f"/articles/{id}", 404)
    assert (await client.get("/api/articles")).json()["items"] == []
    for path in (f"/articles/{id}/comments", f"/articles/{id}/comments/live"):
        assert (await client.get(f"/api{path}")).status_code == 404


async def test_articles_are_listed_page_by_page_and_by_filter(person: People, client: httpx.AsyncClient) -> None:
    ada, grace = await person(), await person()
    for title, tags in (("one", ["travel", "food"]), ("two", ["travel"]), ("three", [])):
        await ada.publish(title, *tags)
    theirs = await grace.publish("four", "travel")
    await ada.ask("PUT", f"/articles/{theirs}/favourite")
    first = await client.get("/api/articles", params={"limit": 3})
    assert (titles(first), first.json()["total"]) == (["four", "three", "two"], 4)
    last = await client.get(first.links["next"]["url"])
    assert (titles(last), last.json()["next_cursor"]) == (["one"], None)
    assert titles(await client.get("/api/articles", params={"tag": "travel", "author": str(ada.id)})) == ["two", "one"]
    assert titles(await client.get("/api/articles", params={"favourited_by": str(ada.id)})) == ["four"]
    other = await client.get("/api/articles", params={"cursor": first.json()["next_cursor"], "tag": "food"})
    assert other.status_code == 422, "a cursor is valid for one list"


async def test_a_reader_sees_their_favourites_and_a_guest_none(person: People, client: httpx.AsyncClient) -> None:
    reader = await person()
    id = await reader.publish()
    for _ in range(2):
        assert (await reader.ask("PUT", f"/articles/{id}/favourite")).json()["favourites"] == 1
    mine, guests = await reader.ask("GET", "/articles"), await client.get("/api/articles")
    assert (mine.json()["items"][0]["favourited"], guests.json()["items"][0]["favourited"]) == (True, False)
    assert (mine.headers["cache-control"], mine.headers["vary"]) == (
        "private, max-age=10",
        "Authorization, Cookie, Origin",
    )
    for _ in range(2):
        assert (await reader.ask("DELETE", f"/articles/{id}/favourite")).json()["favourites"] == 0


async def test_tags_are_the_same_for_everyone_and_kept_for_a_minute(person: People, client: httpx.AsyncClient) -> None:
    author = await person()
    await author.publish("one", "travel", "travel")
    answer = await client.get("/api/articles/tags")
    assert answer.json() == [{"tag": "travel", "articles": 1}]
    assert answer.headers["cache-control"] == "public, max-age=60, stale-while-revalidate=300"
    await author.publish("two", "travel")
    assert (await client.get("/api/articles/tags")).json() == answer.json()


async def test_an_article_may_be_longer_than_other_bodies(person: People) -> None:
    body = {"title": "Война и мир", "body": "я" * 100_000}
    await (await person()).ask("POST", "/articles", 201, json=body)


async def test_an_authors_articles_are_deleted_with_the_account(person: People, context: Context) -> None:
    author, reader = await person(), await person()
    id = await author.publish()
    await reader.ask("POST", f"/articles/{id}/comments", 201, json={"body": "Nice."})
    await context.db.fetch("delete from users where id = $1", author.id)
    assert await context.db.fetch("select 1 from article_comments") == []


async def test_published_articles_are_counted(person: People, metrics: InMemoryMetricReader) -> None:
    def counted() -> int:
        return sum(point.value for point in points(metrics, "articles.published"))

    author, before = await person(), counted()
    await author.publish()
    await author.ask("POST", "/articles", 422, json={"title": "No body"})
    assert counted() == before + 1
