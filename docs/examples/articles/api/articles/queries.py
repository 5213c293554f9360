"""One typed signature for each file in sql/articles/."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from api.articles.errors import OWN_AUTHOR
from api.articles.types import (
    Article,
    Avatar,
    Comment,
    DigestLine,
    DigestReader,
    Draft,
    Hidden,
    Line,
    Listed,
    NoticeMail,
    Profile,
    TagCount,
)
from api.kernel import Autocommit, Database, Transaction, query

# Articles


@query
async def insert(db: Transaction, id: UUID, author_id: UUID, title: str, body: str, tags: list[str]) -> None: ...


@query
async def get(db: Database, id: UUID, reader_id: UUID | None) -> Article: ...


@query
async def get_readable(db: Database, id: UUID) -> UUID: ...


@query
async def lock(db: Transaction, id: UUID, author_id: UUID) -> Draft: ...


@query
async def change(db: Transaction, id: UUID, title: str, body: str, tags: list[str]) -> None: ...


@query
async def delete(db: Transaction, id: UUID, by: UUID, is_editor: bool) -> Hidden: ...


@query
async def mark_hidden(db: Transaction, id: UUID) -> Hidden: ...


@query
async def delete_hidden(db: Transaction, days: int) -> Hidden | None: ...


# Lists


@query
async def list_articles(
    db: Database,
    after: UUID,
    tag: str | None,
    author_id: UUID | None,
    favourited_by: UUID | None,
    followed_by: UUID | None,
    reader_id: UUID | None,
    most: int,
) -> list[Listed]: ...


@query
async def count_articles(
    db: Database,
    tag: str | None,
    author_id: UUID | None,
    favourited_by: UUID | None,
    followed_by: UUID | None,
    most: int,
) -> int: ...


@query
async def list_tags(db: Database) -> list[TagCount]: ...


@query
def list_lines(db: Database) -> AsyncIterator[Line]: ...


# Readers


@query
async def insert_favourite(db: Transaction, article_id: UUID, user_id: UUID) -> UUID: ...


@query
async def delete_favourite(db: Transaction, article_id: UUID, user_id: UUID) -> UUID: ...


@query
async def insert_comment(db: Transaction, id: UUID, article_id: UUID, author_id: UUID, body: str) -> UUID: ...


@query
async def get_comment(db: Database, id: UUID) -> Comment: ...


@query
async def list_comments(db: Database, article_id: UUID, after: UUID, most: int) -> list[Comment]: ...


@query
async def count_comments(db: Database, article_id: UUID, most: int) -> int: ...


@query
async def delete_comment(db: Transaction, article_id: UUID, id: UUID, by: UUID, is_editor: bool) -> UUID: ...


# Authors


@query
async def get_profile(db: Database, id: UUID, reader_id: UUID | None) -> Profile: ...


@query(article_follows_not_oneself=OWN_AUTHOR)
async def insert_follow(db: Transaction, author_id: UUID, follower_id: UUID) -> UUID: ...


@query
async def delete_follow(db: Autocommit, author_id: UUID, follower_id: UUID) -> None: ...


@query
async def end_follow(db: Autocommit, token: UUID) -> None: ...


@query
async def replace_avatar(db: Autocommit, user_id: UUID, media_type: str, content: bytes) -> None: ...


@query
async def get_avatar(db: Database, user_id: UUID) -> Avatar: ...


# Mail


@query
async def list_followers(db: Database, author_id: UUID, after: UUID, most: int) -> list[UUID]: ...


@query
async def find_notice(db: Database, article_id: UUID, follower_id: UUID) -> NoticeMail | None: ...


@query
async def list_digest_readers(db: Database, since: datetime, after: UUID, most: int) -> list[UUID]: ...


@query
async def find_digest_reader(db: Database, id: UUID) -> DigestReader | None: ...


@query
async def list_digest(db: Database, reader_id: UUID, since: datetime, most: int) -> list[DigestLine]: ...


# Export of personal data


@query
def export_articles(db: Database, user_id: UUID) -> AsyncIterator[str]: ...


@query
def export_comments(db: Database, user_id: UUID) -> AsyncIterator[str]: ...


@query
def export_favourites(db: Database, user_id: UUID) -> AsyncIterator[str]: ...


@query
def export_follows(db: Database, user_id: UUID) -> AsyncIterator[str]: ...


@query
def export_avatar(db: Database, user_id: UUID) -> AsyncIterator[str]: ...
