"""Following authors, and their pictures."""

import httpx

from tests.articles.conftest import PNG, People


async def test_the_feed_has_the_articles_of_the_authors_one_follows(person: People) -> None:
    reader, followed, other = await person(), await person(), await person()
    await followed.publish("followed")
    await other.publish("not followed")
    profile = await reader.ask("PUT", f"/authors/{followed.id}/follow")
    assert (profile.json()["following"], profile.json()["followers"]) == (True, 1)
    await reader.ask("PUT", f"/authors/{followed.id}/follow")
    feed = (await reader.ask("GET", "/articles/feed")).json()
    assert ([item["title"] for item in feed["items"]], feed["total"]) == (["followed"], 1)
    await reader.ask("DELETE", f"/authors/{followed.id}/follow", 204)
    assert (await reader.ask("GET", "/articles/feed")).json()["items"] == []


async def test_one_cannot_follow_oneself_or_an_account_without_articles(person: People) -> None:
    author, reader = await person(), await person()
    await author.publish()
    assert (await author.ask("PUT", f"/authors/{author.id}/follow", 409)).json()["code"] == "OWN_AUTHOR"
    await author.ask("PUT", f"/authors/{reader.id}/follow", 404)
    await author.ask("GET", f"/authors/{reader.id}", 404)


async def test_a_picture_is_sent_as_a_body_or_by_a_form(person: People, client: httpx.AsyncClient) -> None:
    author = await person()
    await author.publish()
    await author.ask("PUT", "/authors/me/avatar", 204, content=PNG, headers={"content-type": "image/png"})
    jpeg = b"\xff\xd8\xff\xe0" + bytes(100)
    await author.ask("PUT", "/authors/me/avatar", 204, files={"file": ("me.jpg", jpeg, "image/jpeg")})
    shown = await client.get(f"/api/authors/{author.id}/avatar")
    assert (shown.content, shown.headers["content-type"]) == (jpeg, "image/jpeg")
    kept = await client.get(f"/api/authors/{author.id}/avatar", headers={"if-none-match": shown.headers["etag"]})
    assert kept.status_code == 304
    assert (await client.get(f"/api/authors/{author.id}")).json()["has_avatar"] is True


async def test_a_file_of_another_type_or_too_large_is_refused(person: People) -> None:
    author = await person()
    for status, content in ((415, b"<svg/>"), (413, PNG + bytes(2_000_000))):
        await author.ask("PUT", "/authors/me/avatar", status, content=content, headers={"content-type": "image/png"})
