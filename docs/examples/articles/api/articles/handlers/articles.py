"""Writing articles."""

from uuid import UUID

from msgspec import UNSET

from api.articles import queries
from api.articles.events import ArticleChanged, ArticleDeleted, ArticleHidden, ArticlePublished
from api.articles.types import Article, ArticleChange, NewArticle
from api.kernel import Context, Principal, Transaction, meter, record, refuse_stale, uuid7

EDITOR = "editor"
published = meter.create_counter("articles.published", "{article}", "Articles published")


async def publish_article(context: Context, principal: Principal, body: NewArticle) -> Article:
    """Publish an article. The author's followers are mailed."""
    id = uuid7()
    async with context.db.transaction() as db:
        await queries.insert(db, id, principal.id, body.title, body.body, sorted(set(body.tags)))
        await record(db, ArticlePublished(article_id=id, author_id=principal.id, title=body.title))
        article = await queries.get(db, id, principal.id)
    published.add(1)
    return article


async def change_article(
    context: Context, principal: Principal, id: UUID, body: ArticleChange, if_match: str | None
) -> Article:
    """Change one's own article.

    `If-Match` refers to the author's version: favourites do not make it stale."""
    async with context.db.transaction() as db:
        draft = await queries.lock(db, id, principal.id)
        refuse_stale(if_match, draft)
        title = draft.title if body.title is UNSET else body.title
        text = draft.body if body.body is UNSET else body.body
        tags = draft.tags if body.tags is UNSET else sorted(set(body.tags))
        await queries.change(db, id, title, text, tags)
        await record(db, ArticleChanged(article_id=id, author_id=principal.id))
        return await queries.get(db, id, principal.id)


async def delete_article(context: Context, principal: Principal, id: UUID) -> None:
    """Delete one's own article; editors may delete any."""
    async with context.db.transaction() as db:
        gone = await queries.delete(db, id, principal.id, principal.has_role(EDITOR))
        await record(db, ArticleDeleted(article_id=gone.id, author_id=gone.author_id))


async def hide_article(context: Context, id: UUID) -> None:
    """Hide an article from everyone but its author. It is deleted after some weeks."""
    async with context.db.transaction() as db:
        await hide(db, id)


async def hide(db: Transaction, id: UUID) -> None:
    """For editors and for other services. Raises NOT_FOUND."""
    hidden = await queries.mark_hidden(db, id)
    await record(db, ArticleHidden(article_id=hidden.id, author_id=hidden.author_id))
