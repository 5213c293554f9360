"""Actions of readers: favourites and comments."""

from uuid import UUID

from api.articles import queries
from api.articles.events import CommentDeleted, CommentWritten
from api.articles.handlers.articles import EDITOR
from api.articles.types import Article, Comment, CommentGone, NewComment, Paging
from api.kernel import Context, Cursors, Feed, Page, Principal, record, uuid7

MOST_COUNTED = 10_000
OLDEST = UUID(int=0)


async def add_favourite(context: Context, principal: Principal, id: UUID) -> Article:
    """Make an article one of one's favourites. Again changes nothing."""
    async with context.db.transaction() as db:
        await queries.insert_favourite(db, id, principal.id)
        return await queries.get(db, id, principal.id)


async def remove_favourite(context: Context, principal: Principal, id: UUID) -> Article:
    """Remove an article from one's favourites."""
    async with context.db.transaction() as db:
        await queries.delete_favourite(db, id, principal.id)
        return await queries.get(db, id, principal.id)


async def list_comments(context: Context, id: UUID, query: Paging) -> Page[Comment]:
    """List an article's comments, oldest first."""
    await queries.get_readable(context.db, id)
    cursors = Cursors(context.settings, "comments", id)
    [after] = cursors.read(query.cursor, UUID)
    found = await queries.list_comments(context.db, id, after or OLDEST, query.limit + 1)
    total = await queries.count_comments(context.db, id, MOST_COUNTED)
    return cursors.page(found, query.limit, total, lambda comment: (comment.id,))


async def write_comment(context: Context, principal: Principal, id: UUID, body: NewComment) -> Comment:
    """Comment on an article. The same handler answers the messages of the socket."""
    async with context.db.transaction() as db:
        comment_id = await queries.insert_comment(db, uuid7(), id, principal.id, body.body)
        await record(db, CommentWritten(article_id=id, comment_id=comment_id, author_id=principal.id))
        return await queries.get_comment(db, comment_id)


async def delete_comment(context: Context, principal: Principal, id: UUID, comment_id: UUID) -> None:
    """Delete one's own comment; editors may delete any."""
    async with context.db.transaction() as db:
        author_id = await queries.delete_comment(db, id, comment_id, principal.id, principal.has_role(EDITOR))
        await record(db, CommentDeleted(article_id=id, comment_id=comment_id, author_id=author_id))


async def show_comment(context: Context, event: CommentWritten | CommentDeleted) -> Comment | CommentGone:
    """Return the data that followers receive for an event, made once for all. A deleted comment raises NOT_FOUND, and
    nothing is sent."""
    if isinstance(event, CommentDeleted):
        return CommentGone(event.comment_id)
    return await queries.get_comment(context.db, event.comment_id)


async def follow_comments(context: Context, id: UUID) -> Feed[Comment | CommentGone]:
    """Follow an article's comments as they are written and deleted.

    Connect first, then load the list: what happens in between is in both."""
    await queries.get_readable(context.db, id)
    return Feed(show_comment, key=id)
