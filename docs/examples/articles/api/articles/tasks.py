"""Mail to followers: one about each article, and a digest on Mondays.

Each fan-out is transactional, in rounds of 500 rows: a round defers a mail for each follower and the next round, and
that and its own end are one transaction. So each follower gets one mail, and no round exceeds its 20 seconds."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from api.articles import queries
from api.articles.events import ArticlePublished
from api.articles.settings import ArticleSettings
from api.kernel import Context, Due, Schedule, Task, Template, Transaction, task

FIRST = UUID(int=0)
ROUND = 500
NEW_ARTICLE = Template(Path(__file__).parent / "emails", "new_article")
DIGEST = Template(Path(__file__).parent / "emails", "digest")


class Notice(msgspec.Struct, frozen=True):
    """One mail: to this follower, about this article."""

    article_id: UUID
    follower_id: UUID


class NoticeRound(msgspec.Struct, frozen=True):
    article_id: UUID
    author_id: UUID
    after: UUID


class Digest(msgspec.Struct, frozen=True):
    """One mail: to this reader, about articles published since."""

    reader_id: UUID
    since: datetime


class DigestRound(msgspec.Struct, frozen=True):
    since: datetime
    after: UUID


@task(on=Notice)
async def send_notice(context: Context, notice: Notice, id: UUID) -> None:
    """Nothing is sent if the article is hidden or the reader has left meanwhile."""
    mail = await queries.find_notice(context.db, notice.article_id, notice.follower_id)
    if mail is None:
        return
    address = context.settings.public_url
    message = NEW_ARTICLE.render(
        id=str(id),
        to=mail.email,
        language=mail.language,
        headers={
            "List-Unsubscribe": f"<{address}/api/follows/{mail.token}/end>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        title=mail.title,
        author=mail.author,
        link=f"{address}/articles/{notice.article_id}",
    )
    await context.mail.send(message)


@task(on=NoticeRound, transactional=True)
async def plan_notices(context: Context, wanted: NoticeRound, id: UUID, db: Transaction) -> None:
    followers = await queries.list_followers(db, wanted.author_id, wanted.after, ROUND)
    await send_notice.defer_many(db, [Notice(wanted.article_id, follower) for follower in followers])
    if len(followers) == ROUND:
        await plan_notices.defer(db, msgspec.structs.replace(wanted, after=followers[-1]))


@task(on=ArticlePublished, transactional=True)
async def begin_notices(context: Context, event: ArticlePublished, id: UUID, db: Transaction) -> None:
    await plan_notices.defer(db, NoticeRound(event.article_id, event.author_id, FIRST))


@task(on=Digest)
async def send_digest(context: Context, digest: Digest, id: UUID) -> None:
    most = context.settings.of(ArticleSettings).digest_articles
    reader = await queries.find_digest_reader(context.db, digest.reader_id)
    articles = await queries.list_digest(context.db, digest.reader_id, digest.since, most)
    if reader and articles:
        address = context.settings.public_url
        mail = DIGEST.render(
            id=str(id), to=reader.email, language=reader.language, articles=articles, application=address
        )
        await context.mail.send(mail)


@task(on=DigestRound, transactional=True)
async def plan_digests(context: Context, wanted: DigestRound, id: UUID, db: Transaction) -> None:
    readers = await queries.list_digest_readers(db, wanted.since, wanted.after, ROUND)
    await send_digest.defer_many(db, [Digest(reader, wanted.since) for reader in readers])
    if len(readers) == ROUND:
        await plan_digests.defer(db, DigestRound(wanted.since, readers[-1]))


@task(on=Due, transactional=True)
async def begin_digests(context: Context, due: Due, id: UUID, db: Transaction) -> None:
    """From the run before to this one, also where runs were missed."""
    await plan_digests.defer(db, DigestRound(due.previous or due.at - timedelta(days=7), FIRST))


tasks: list[Task[Any]] = [send_notice, plan_notices, begin_notices, send_digest, plan_digests, begin_digests]
schedules = [Schedule(begin_digests, "0 7 * * mon", zone="Europe/Berlin")]
