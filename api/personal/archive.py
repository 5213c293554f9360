"""The export as a ZIP file, produced while it is sent: a README, and a JSON file for each table. Rows are read through
cursors and compressed at once, so that a copy of any length takes the same memory and nothing is stored a second time.

A file ends after PART_BYTES and is continued in the next part: longer members of a ZIP whose length is not known at
their start need ZIP64, which some programs cannot read."""

import time
import zipfile
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from uuid import UUID

from api.kernel import UNAVAILABLE, Database, PersonalTable

CHUNK_BYTES = 16 * 1024
PART_BYTES = 1_000_000_000
PAUSE_SECONDS = 40.0
"""Maximum time between two chunks, which the client determines. It is less than the time after which PostgreSQL ends an
idle transaction."""
COMPRESSION = 1
"""The fastest level, because other requests wait meanwhile; rows of JSON still shrink to about a tenth."""


class _Written:
    """What zipfile wrote since the last `take`."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def __len__(self) -> int:
        return len(self._bytes)

    def write(self, data: bytes) -> int:
        self._bytes += data
        return len(data)

    def flush(self) -> None:
        """Do nothing; zipfile calls it."""

    def close(self) -> None:
        """Do nothing."""

    def take(self) -> bytes:
        taken = bytes(self._bytes)
        self._bytes.clear()
        return taken


async def archive(
    db: Database, user_id: UUID, tables: Sequence[PersonalTable], readme: str, at: datetime
) -> AsyncGenerator[bytes, None]:
    """Yield the chunks of the ZIP file. All rows are read with `db`, which should be a `snapshot`. Raises UNAVAILABLE
    if the chunks are taken too slowly."""
    written = _Written()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as zipped:
        zipped.writestr(_member("README.txt", at), readme)
        yield written.take()
        for table in tables:
            async with aclosing(_add(zipped, written, db, user_id, table, at)) as chunks:
                async for chunk in chunks:
                    began = time.monotonic()
                    yield chunk
                    if time.monotonic() - began > PAUSE_SECONDS:
                        raise UNAVAILABLE("The data were not read in time.")
    yield written.take()


async def _add(
    zipped: zipfile.ZipFile, written: _Written, db: Database, user_id: UUID, table: PersonalTable, at: datetime
) -> AsyncGenerator[bytes, None]:
    """Add the rows of a table: a JSON array with a row on each line."""
    export = table.exported
    if export is None:
        return
    names = _names(table.exported_as)
    async with aclosing(export(db, user_id)) as rows:  # type: ignore[type-var]  # a query's rows are a generator
        row = await anext(rows, None)
        while True:
            with zipped.open(_member(next(names), at), "w") as file:
                size = file.write(b"[")
                while row is not None and size < PART_BYTES:
                    size += file.write((",\n" if size > 1 else "\n").encode() + row.encode())
                    if len(written) >= CHUNK_BYTES:
                        yield written.take()
                    row = await anext(rows, None)
                file.write(b"\n]\n")
            if row is None:
                break
    yield written.take()


def _names(file: str) -> Iterator[str]:
    yield f"{file}.json"
    part = 2
    while True:
        yield f"{file}-{part}.json"
        part += 1


def _member(name: str, at: datetime) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name, at.astimezone(UTC).timetuple()[:6])
    made.compress_type = zipfile.ZIP_DEFLATED
    made.external_attr = 0o600 << 16
    return made
