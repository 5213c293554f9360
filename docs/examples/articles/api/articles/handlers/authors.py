"""Authors: their followers and pictures."""

from uuid import UUID

from api.articles import queries
from api.articles.types import Profile
from api.kernel import Context, Principal, Reply, Upload


async def show_author(context: Context, principal: Principal | None, id: UUID) -> Profile:
    """Show an author."""
    return await queries.get_profile(context.db, id, principal.id if principal else None)


async def follow_author(context: Context, principal: Principal, id: UUID) -> Profile:
    """Follow an author: the articles are in the feed, and each new one is mailed."""
    async with context.db.transaction() as db:
        await queries.insert_follow(db, id, principal.id)
        return await queries.get_profile(db, id, principal.id)


async def unfollow_author(context: Context, principal: Principal, id: UUID) -> None:
    """Stop following an author."""
    await queries.delete_follow(context.db, id, principal.id)


async def end_follow(context: Context, token: UUID) -> None:
    """Stop following an author, by the link in the header of a mail (RFC 8058).

    Mail programs send this without cookies or tokens. An unknown token is answered alike."""
    await queries.end_follow(context.db, token)


async def set_avatar(context: Context, principal: Principal, body: Upload) -> None:
    """Set one's picture: a PNG or JPEG, as the body or as the field `file` of a form."""
    content = b"".join([chunk async for chunk in body])  # before any connection of the pool is taken
    await queries.replace_avatar(context.db, principal.id, body.media_type, content)


async def show_avatar(context: Context, id: UUID) -> Reply:
    """Show an author's picture."""
    avatar = await queries.get_avatar(context.db, id)
    return Reply(content=avatar.content, media_type=avatar.media_type)
