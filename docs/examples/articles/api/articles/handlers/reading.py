"""Reading articles, signed in or not."""

from uuid import UUID

from api.articles import queries
from api.articles.types import Article, ArticleSearch, Line, Listed, Paging, TagCount
from api.kernel import Context, Cursors, Page, Principal, Stream, cached, to_csv

MOST_COUNTED = 10_000
NEWEST = UUID(int=2**128 - 1)
TAGS_SECONDS = 60


async def list_articles(context: Context, principal: Principal | None, query: ArticleSearch) -> Page[Listed]:
    """List articles, newest first.

    `total` is exact up to 10,000."""
    reader = principal.id if principal else None
    filters = (query.tag, query.author, query.favourited_by, None)
    cursors = Cursors(context.settings, "articles", *filters)
    [after] = cursors.read(query.cursor, UUID)
    found = await queries.list_articles(context.db, after or NEWEST, *filters, reader, query.limit + 1)
    total = await queries.count_articles(context.db, *filters, MOST_COUNTED)
    return cursors.page(found, query.limit, total, lambda article: (article.id,))


async def list_feed(context: Context, principal: Principal, query: Paging) -> Page[Listed]:
    """List the articles of the authors whom one follows, newest first."""
    filters = (None, None, None, principal.id)
    cursors = Cursors(context.settings, "feed", principal.id)
    [after] = cursors.read(query.cursor, UUID)
    found = await queries.list_articles(context.db, after or NEWEST, *filters, principal.id, query.limit + 1)
    total = await queries.count_articles(context.db, *filters, MOST_COUNTED)
    return cursors.page(found, query.limit, total, lambda article: (article.id,))


async def show_article(context: Context, principal: Principal | None, id: UUID) -> Article:
    """Show an article."""
    return await queries.get(context.db, id, principal.id if principal else None)


async def list_tags(context: Context) -> list[TagCount]:
    """List the tags in use, the most frequent first."""
    return await frequent_tags(context)


@cached(seconds=TAGS_SECONDS)
async def frequent_tags(context: Context) -> list[TagCount]:
    """All processes share the answer in Redis; without Redis PostgreSQL is queried each time."""
    return await queries.list_tags(context.db)


async def export_articles(context: Context) -> Stream:
    """Export all articles as CSV."""
    return Stream(to_csv(queries.list_lines(context.db), Line), filename="articles.csv")
