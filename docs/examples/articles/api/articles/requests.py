"""The topic `articles.commands`: commands of other services."""

from uuid import UUID

from api.articles.handlers.articles import hide
from api.kernel import Context, Incoming, Transaction, consume


class HideArticle(Incoming, frozen=True, tag="articles.hide"):
    """Hide an article from everyone but its author."""

    article_id: UUID


async def handle_command(context: Context, db: Transaction, message: HideArticle) -> None:
    """Raises NOT_FOUND: without an article no second attempt would help, so the message becomes a dead letter."""
    await hide(db, message.article_id)


consumers = [consume("articles.commands", HideArticle, handle_command)]
