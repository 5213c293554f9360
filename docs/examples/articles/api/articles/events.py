"""What this feature announces, in the topic `articles`. The first field is the key: one article's events stay in
order."""

from typing import Annotated, ClassVar

from api.kernel import Event, Person, Personal, Thing


class ArticlePublished(Event, frozen=True, tag="articles.published"):
    article_id: Thing
    author_id: Person
    title: Annotated[str, Personal]


class ArticleChanged(Event, frozen=True, tag="articles.changed"):
    article_id: Thing
    author_id: Person


class ArticleHidden(Event, frozen=True, tag="articles.hidden"):
    """An editor or another service has hidden it; it is deleted later."""

    article_id: Thing
    author_id: Person


class ArticleDeleted(Event, frozen=True, tag="articles.deleted"):
    article_id: Thing
    author_id: Person


class CommentWritten(Event, frozen=True, tag="articles.comment_written"):
    live: ClassVar[bool] = True
    article_id: Thing
    comment_id: Thing
    author_id: Person


class CommentDeleted(Event, frozen=True, tag="articles.comment_deleted"):
    live: ClassVar[bool] = True
    article_id: Thing
    comment_id: Thing
    author_id: Person
