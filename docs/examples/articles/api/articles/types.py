"""Requests and responses."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from api.kernel import Cursor, Limit, Version

# One line without control characters: a title is the subject of a mail.
TITLE_PATTERN = r"^(?=.*\S)[^\x00-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2069\ufeff]+(?![\s\S])"
Title = Annotated[str, msgspec.Meta(max_length=150, pattern=TITLE_PATTERN, description="One line.")]
Body = Annotated[str, msgspec.Meta(min_length=1, max_length=100_000, description="Markdown.")]
Tag = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,29}$(?![\s\S])", examples=["travel"])]
Tags = Annotated[list[Tag], msgspec.Meta(max_length=10, description="At most 10; duplicates are removed.")]


class NewArticle(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    title: Title
    body: Body
    tags: Tags = []


class ArticleChange(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Only the given fields are changed."""

    title: Title | UnsetType = UNSET
    body: Body | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET


class Author(msgspec.Struct, frozen=True):
    """An author in a list."""

    id: UUID
    name: str | None


class Profile(msgspec.Struct, frozen=True):
    """An author's page."""

    id: UUID
    name: str | None
    articles: int
    followers: int
    following: bool
    """Whether the reader follows the author."""
    has_avatar: bool


class Draft(msgspec.Struct, frozen=True):
    """The fields that an author may change, read with the row locked. `refuse_stale` needs only the Version field."""

    version: Version[int]
    title: str
    body: str
    tags: list[str]


class Article(msgspec.Struct, frozen=True):
    id: UUID
    version: Version[int]
    title: str
    body: str
    tags: list[str]
    author: Author
    favourites: int
    favourited: bool
    """Whether it is one of the reader's favourites."""
    created_at: datetime
    updated_at: datetime


class Listed(msgspec.Struct, frozen=True):
    """An article in a list, without its body."""

    id: UUID
    title: str
    tags: list[str]
    author: Author
    favourites: int
    favourited: bool
    created_at: datetime


class ArticleSearch(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Articles must match all filters that are given."""

    tag: Tag | None = None
    author: UUID | None = None
    favourited_by: UUID | None = None
    cursor: Cursor | None = None
    limit: Limit = 20


class Paging(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    cursor: Cursor | None = None
    limit: Limit = 20


class TagCount(msgspec.Struct, frozen=True):
    tag: str
    articles: int


class NewComment(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    body: Annotated[str, msgspec.Meta(min_length=1, max_length=5_000)]


class Comment(msgspec.Struct, frozen=True, tag="comment"):
    """`type` distinguishes it from `CommentGone` in a stream."""

    id: UUID
    body: str
    author: Author
    created_at: datetime


class CommentGone(msgspec.Struct, frozen=True, tag="comment_gone"):
    id: UUID


class Avatar(msgspec.Struct, frozen=True):
    media_type: str
    content: bytes


class Line(msgspec.Struct, frozen=True):
    """A row of the export."""

    id: UUID
    title: str
    tags: list[str]
    author_id: UUID
    favourites: int
    created_at: datetime


class Hidden(msgspec.Struct, frozen=True):
    """An article that was hidden or deleted, for the event."""

    id: UUID
    author_id: UUID


class NoticeMail(msgspec.Struct, frozen=True):
    """The fields of the mail about a new article."""

    email: str
    language: str
    token: UUID
    title: str
    author: str | None


class DigestReader(msgspec.Struct, frozen=True):
    email: str
    language: str


class DigestLine(msgspec.Struct, frozen=True):
    id: UUID
    title: str
    author: str | None
