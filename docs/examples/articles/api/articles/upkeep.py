"""Repeated work of the worker."""

from api.articles import queries
from api.articles.events import ArticleDeleted
from api.articles.settings import ArticleSettings
from api.kernel import Context, Sweep, record


async def delete_hidden(context: Context) -> int:
    """Delete an article that was hidden ARTICLES_HIDDEN_DAYS ago. One in each transaction, with its event."""
    days = context.settings.of(ArticleSettings).hidden_days
    async with context.db.transaction() as db:
        gone = await queries.delete_hidden(db, days)
        if gone is None:
            return 0
        await record(db, ArticleDeleted(article_id=gone.id, author_id=gone.author_id))
    return 1


sweeps = [Sweep(delete_hidden)]
