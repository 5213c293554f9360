"""Mail to followers: each gets one, in their language, and can stop it."""

import re

import httpx
import msgspec
import pytest

from api.articles import tasks
from api.articles.settings import ArticleSettings
from api.kernel.context import Context
from api.kernel.mail import MemoryMailer
from api.kernel.outbox.schedules import Schedules
from tests.articles.conftest import People
from tests.mailed import mailed


async def test_followers_are_mailed_in_their_language_and_can_unsubscribe(
    person: People, client: httpx.AsyncClient, context: Context, mailbox: MemoryMailer
) -> None:
    author = await person()
    await author.publish("The first")
    for language in ("en", "de"):
        await (await person(language=language)).ask("PUT", f"/authors/{author.id}/follow")
    await mailed(context)
    await author.publish("The second & last")
    await mailed(context)
    english, german = sorted(mailbox.sent, key=lambda mail: "veröffentlicht" in mail.text)
    assert (english.subject, german.subject) == ("The second & last", "The second & last")
    assert "has published" in english.text
    assert "The second &amp; last" in german.html
    assert english.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = re.fullmatch(r"<http://localhost:8000(/api/follows/[0-9a-f-]{36}/end)>", english.headers["List-Unsubscribe"])
    assert link
    for _ in range(2):
        answer = await client.post(link[1], data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 204
    await author.publish("The third")
    await mailed(context)
    assert [mail.to for mail in mailbox.sent] == [german.to]


async def test_rounds_reach_every_follower_once(
    person: People, context: Context, mailbox: MemoryMailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "ROUND", 2)
    author = await person()
    await author.publish()
    readers = [await person() for _ in range(5)]
    for reader in readers:
        await reader.ask("PUT", f"/authors/{author.id}/follow")
    await mailed(context)
    await author.publish("To all of them")
    await mailed(context)
    assert sorted(str(mail.to) for mail in mailbox.sent) == sorted(reader.email for reader in readers)


async def test_hidden_articles_are_not_mailed(person: People, context: Context, mailbox: MemoryMailer) -> None:
    author, reader, editor = await person(), await person(), await person(roles=("editor",))
    await author.publish()
    await mailed(context)
    await reader.ask("PUT", f"/authors/{author.id}/follow")
    id = await author.publish("Hidden")
    await editor.ask("PUT", f"/articles/{id}/hidden", 204)
    await mailed(context)
    assert mailbox.sent == []


async def test_the_weekly_digest_has_the_most_popular_articles(
    person: People, context: Context, mailbox: MemoryMailer
) -> None:
    author, reader = await person(), await person(language="de")
    popular = await author.publish("Popular")
    for title in ("Second", "Third"):
        await author.publish(title)
    await reader.ask("PUT", f"/authors/{author.id}/follow")
    await reader.ask("PUT", f"/articles/{popular}/favourite")
    await mailed(context)
    schedules = Schedules(tasks.schedules)
    assert await schedules.run_due(context.db) == 0
    await context.db.fetch("update schedules set due_at = now() where task = 'articles.begin_digests'")
    assert await schedules.run_due(context.db) == 1
    features = {**context.settings.features, ArticleSettings: ArticleSettings(digest_articles=2)}
    settings = msgspec.structs.replace(context.settings, features=features)
    await mailed(msgspec.structs.replace(context, settings=settings))
    [mail] = mailbox.sent
    assert (mail.to, mail.subject) == (reader.email, "Neue Artikel dieser Woche")
    assert re.findall(r"^- (.+)$", mail.text, re.MULTILINE) == ["Popular", "Third"]
