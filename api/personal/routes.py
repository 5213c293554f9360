"""Exports of an account's data. A download needs no confirmation by password: it shows what a signed-in client can read
anyway, and its owner is mailed when an export is requested."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from uuid import UUID

from api.kernel import Context, Principal, Stream, get, post, record, signed_in, snapshot, uuid7
from api.personal import queries
from api.personal.archive import archive
from api.personal.errors import EXPORT_BUSY, EXPORT_UNVERIFIED
from api.personal.events import ExportRequested
from api.personal.readme import readme
from api.personal.types import Export, ExportedFile, Exports

MOST_LISTED = 100


async def request_export(context: Context, principal: Principal) -> Export:
    """Request a copy of all data that is stored about the caller's account.

    A mail with a link to the application follows when the copy can be downloaded. The address must be confirmed."""
    if not principal.is_verified:
        raise EXPORT_UNVERIFIED
    async with context.db.transaction() as db:
        export = await queries.insert_export(db, uuid7(), principal.id)
        await record(db, ExportRequested(user_id=principal.id, export_id=export.id))
    return export


async def list_exports(context: Context, principal: Principal) -> Exports:
    """List the caller's exports that have not expired, and the files that an export contains."""
    files = [
        ExportedFile(f"{table.exported_as}.json", table.holds, table.holds_de)
        for table in context.personal
        if table.exported
    ]
    return Exports(await queries.list_exports(context.db, principal.id, MOST_LISTED), files)


async def download_export(context: Context, principal: Principal, id: UUID) -> Stream:
    """Download an export as a ZIP file: a README, and a JSON file for each kind of data.

    It has the data of the time of the download. An account can have one download at a time."""
    await queries.get_ready(context.db, id, principal.id)
    at = datetime.now(UTC)
    return Stream(_chunks(context, principal.id, at), filename=f"personal-data-{at:%Y-%m-%d}.zip")


async def _chunks(context: Context, user_id: UUID, at: datetime) -> AsyncGenerator[bytes, None]:
    """Yield the ZIP file from one snapshot of the database. Raises EXPORT_BUSY."""
    text = readme(context.settings.public_url, context.personal, at)
    async with snapshot(context.db) as db:
        if not await queries.try_lock_download(db, user_id):
            raise EXPORT_BUSY
        async with aclosing(archive(db, user_id, context.personal, text, at)) as chunks:
            async for chunk in chunks:
                yield chunk


routes = [
    post("/users/me/export", request_export, guard=signed_in, limit="3/day", status=202, errors=(EXPORT_UNVERIFIED,)),
    get("/users/me/exports", list_exports, guard=signed_in),
    get(
        "/users/me/exports/{id}/download",
        download_export,
        guard=signed_in,
        limit="20/hour",
        media_type="application/zip",
        errors=(EXPORT_BUSY,),
    ),
]
