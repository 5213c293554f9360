"""Export of the chain to a file that can be verified without the database, also after its entries are removed. The
format is NDJSON: a Checkpoint, then one EntryRow per line, with byte strings in base64."""

from collections.abc import Iterable
from typing import BinaryIO

import msgspec

from api.audit import queries
from api.audit.chain import AT_ONCE, BEGINNING, Broken, Walked, check_end, check_link, start_of, step
from api.audit.retention import announced_by
from api.audit.types import Checkpoint, EntryRow, Head
from api.kernel import Database


async def export(db: Database, file: BinaryIO) -> Walked:
    """Verify and write the sealed entries. Raises Broken, Problem, OSError."""
    start = await queries.find_checkpoint(db) or BEGINNING
    walked = start_of(start)
    file.write(msgspec.json.encode(start) + b"\n")
    while entries := await queries.list_sealed(db, walked.head.last, AT_ONCE):
        for entry in entries:
            walked = step(walked, entry)
            file.write(msgspec.json.encode(entry) + b"\n")
    return walked


def verify_file(lines: Iterable[bytes], expected: Head | None) -> Walked:
    """Verify the chain of an exported file. Raises Broken."""
    start: Checkpoint | None = None
    for number, line in enumerate(lines, 1):
        try:
            if start is None:
                start = msgspec.json.decode(line, type=Checkpoint)
                walked, data, origins = start_of(start), start.announced_data, start.announced_origins
                check_link(walked, expected)
                continue
            entry = msgspec.json.decode(line, type=EntryRow)
        except msgspec.DecodeError:
            raise Broken(f"line {number} of the file is not of an export.") from None
        walked = step(walked, entry)
        check_link(walked, expected)
        more_data, more_origins = announced_by(entry)
        data, origins = data + more_data, origins + more_origins
    if start is None:
        raise Broken("the file is empty.")
    check_end(walked, expected, data, origins)
    return walked
