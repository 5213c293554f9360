"""Who may call what, how often, and how long answers may be reused."""

from api.articles.errors import OWN_AUTHOR
from api.articles.handlers.articles import EDITOR, change_article, delete_article, hide_article, publish_article
from api.articles.handlers.authors import (
    end_follow,
    follow_author,
    set_avatar,
    show_author,
    show_avatar,
    unfollow_author,
)
from api.articles.handlers.readers import (
    add_favourite,
    delete_comment,
    follow_comments,
    list_comments,
    remove_favourite,
    write_comment,
)
from api.articles.handlers.reading import (
    TAGS_SECONDS,
    export_articles,
    list_articles,
    list_feed,
    list_tags,
    show_article,
)
from api.kernel import CacheControl, anyone, delete, get, patch, post, put, role, signed_in, websocket

# Stored by the browser, and revalidated with its ETag before each use.
REVALIDATED = CacheControl(seconds=0)
# The same for every caller, so that a CDN may store it too.
SHARED = CacheControl(seconds=TAGS_SECONDS, public=True, stale_while_revalidate=300)

routes = [
    get("/articles", list_articles, guard=anyone, cache=CacheControl(seconds=10)),
    post("/articles", publish_article, guard=signed_in, limit="30/hour", status=201, etag=True, max_body="500 KiB"),
    get("/articles/feed", list_feed, guard=signed_in),
    get("/articles/tags", list_tags, guard=anyone, cache=SHARED),
    get("/articles/export.csv", export_articles, guard=role(EDITOR), limit="10/hour", media_type="text/csv"),
    get("/articles/{id}", show_article, guard=anyone, cache=REVALIDATED, etag=True),
    patch("/articles/{id}", change_article, guard=signed_in, etag=True, max_body="500 KiB"),
    delete("/articles/{id}", delete_article, guard=signed_in, status=204),
    put("/articles/{id}/hidden", hide_article, guard=role(EDITOR), status=204),
    put("/articles/{id}/favourite", add_favourite, guard=signed_in),
    delete("/articles/{id}/favourite", remove_favourite, guard=signed_in),
    get("/articles/{id}/comments", list_comments, guard=anyone),
    post("/articles/{id}/comments", write_comment, guard=signed_in, limit="60/hour", status=201),
    delete("/articles/{id}/comments/{comment_id}", delete_comment, guard=signed_in, status=204),
    get("/articles/{id}/comments/live", follow_comments, guard=anyone),
    websocket(
        "/articles/{id}/comments/socket",
        follow_comments,
        receives=write_comment,
        guard=signed_in,
        messages="60/hour",
    ),
    put(
        "/authors/me/avatar",
        set_avatar,
        guard=signed_in,
        limit="30/hour",
        status=204,
        max_body="2 MB",
        accepts=("image/png", "image/jpeg"),
    ),
    get("/authors/{id}", show_author, guard=anyone, cache=REVALIDATED, etag=True),
    get("/authors/{id}/avatar", show_avatar, guard=anyone, cache=SHARED, etag=True, media_type="image/png"),
    put("/authors/{id}/follow", follow_author, guard=signed_in, errors=(OWN_AUTHOR,)),
    delete("/authors/{id}/follow", unfollow_author, guard=signed_in, status=204),
    post("/follows/{token}/end", end_follow, guard=anyone, limit="60/minute", status=204),
]
