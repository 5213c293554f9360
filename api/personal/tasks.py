"""Preparation of exports, and the erasure that features declare as statements."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from api.kernel import Context, Task, Template, snapshot, task
from api.personal import queries
from api.personal.archive import archive
from api.personal.events import ExportRequested
from api.personal.readme import readme
from api.users.events import UserDeleted

READY = Template(Path(__file__).parent / "emails", "export_ready")
MEASURE_SECONDS = 8.0
AT_ONCE = 500


@task(on=ExportRequested)
async def prepare_export(context: Context, event: ExportRequested, id: UUID) -> None:
    """Produce the export once without storing it, which shows that it can be produced, and mail the link. The link
    contains no secret: the page requires the account."""
    request = await queries.find_request(context.db, event.export_id)
    if request is None:
        return
    if not request.is_ready:
        await queries.mark_ready(context.db, event.export_id, await _measure(context, request.user_id))
        context.hints.give("personal.exports", request.user_id)
        request = await queries.find_request(context.db, event.export_id)
    if request and request.may_mail:
        mail = READY.render(
            id=str(id),
            to=request.email,
            language=request.language,
            time=request.expires_at,
            application=context.settings.public_url,
            link=f"{context.settings.public_url}/account/data",
        )
        await context.mail.send(mail)


async def _measure(context: Context, user_id: UUID) -> int | None:
    """Return the length of the export in bytes; None if it takes longer than MEASURE_SECONDS."""
    at, size = datetime.now(UTC), 0
    text = readme(context.settings.public_url, context.personal, at)
    try:
        async with (
            asyncio.timeout(MEASURE_SECONDS),
            snapshot(context.db) as db,
            aclosing(archive(db, user_id, context.personal, text, at)) as chunks,
        ):
            async for chunk in chunks:
                size += len(chunk)
                await asyncio.sleep(0)  # other work of the worker
    except TimeoutError:
        return None
    return size


@task(on=UserDeleted)
async def erase(context: Context, event: UserDeleted, id: UUID) -> None:
    """Erase the rows of a deleted account in the tables whose declaration has a statement."""
    for table in context.personal:
        if statement := table.erased:
            erased = AT_ONCE
            while erased == AT_ONCE:
                async with context.db.transaction() as db:
                    erased = await statement(db, event.user_id, AT_ONCE)


tasks: list[Task[Any]] = [prepare_export, erase]
