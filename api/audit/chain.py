"""The chain: what the worker seals, a batch each second, and what anybody can compute again. docs/security.md has the
recipe, which needs nothing but JSON and SHA-256."""

import hashlib
import logging
from collections.abc import AsyncIterator

import msgspec

from api.audit import queries
from api.audit.types import Checkpoint, EntryRow, Head
from api.kernel import Context, Database, Transaction

logger = logging.getLogger(__name__)

SEAL_SECONDS = 1.0
AT_ONCE = 500
START = Head(0, bytes(32))
"""What the first entry follows."""
BEGINNING = Checkpoint(START.last, START.link, 0, 0, 0, 0)
"""Where the chain begins as long as no entry was removed."""
_BEFORE_ALL = -(2**63)


class Broken(Exception):
    """The chain does not hold; the message names the first position that does not fit."""


class Walked(msgspec.Struct, frozen=True):
    """How far a walk came: the link it reached, how many entries' data and origins it found erased, those of removed
    entries included, and in the end how many are not sealed yet. Entries up to `removed` are removed."""

    head: Head
    data: int
    origins: int
    waiting: int = 0
    removed: int = 0


async def seal(context: Context) -> int:
    """Put the oldest entries that are not yet in the chain at its end; how many. Raises Problem."""
    async with context.db.transaction() as db:
        await queries.lock_chain(db)
        entries = await queries.list_unsealed(db, AT_ONCE)
        if not entries:
            return 0
        head = await queries.find_head(db) or (await find_start(db)).head
        head = await _extend(db, head, entries)
    # Outside of the database, so that whoever rewrites the table cannot rewrite this.
    fields = {"position": head.last, "head": head.link.hex(), "entries": len(entries)}
    logger.info("audit sealed", extra={"fields": fields})
    return len(entries)


async def _extend(db: Transaction, head: Head, entries: list[EntryRow]) -> Head:
    after, hashes = head.last, []
    data_digests, origin_digests = [*map(data_digest, entries)], [*map(origin_digest, entries)]
    for entry, data, origin in zip(entries, data_digests, origin_digests, strict=True):
        head = Head(head.last + 1, link(head, entry, data, origin))
        hashes.append(head.link)
    await queries.mark_sealed(db, [entry.id for entry in entries], after, data_digests, origin_digests, hashes)
    return head


def data_digest(entry: EntryRow) -> bytes:
    return _sha256(entry.data_salt, msgspec.json.decode(entry.data or "null"))


def origin_digest(entry: EntryRow) -> bytes:
    return _sha256(entry.origin_salt, entry.address, entry.user_agent)


def link(head: Head, entry: EntryRow, data: bytes, origin: bytes) -> bytes:
    """The hash of an entry that follows the head, with those digests."""
    return _sha256(
        head.link.hex(),
        head.last + 1,
        entry.id,
        entry.type,
        entry.key,
        entry.principal_id,
        entry.created_at,
        entry.traceparent,
        data.hex(),
        origin.hex(),
    )


def _sha256(*parts: object) -> bytes:
    """Of a JSON array in the canonical form of RFC 8785: no spaces, keys sorted, UTF-8."""
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).digest()


async def find_start(db: Database) -> Walked:
    """Where the chain begins: after the entries that were removed for their age."""
    checkpoint = await queries.find_checkpoint(db) or BEGINNING
    return start_of(checkpoint)


def start_of(checkpoint: Checkpoint) -> Walked:
    head = Head(checkpoint.last, checkpoint.link)
    return Walked(head, checkpoint.erased_data, checkpoint.erased_origins, removed=checkpoint.last)


async def walk(db: Database, expected: Head | None = None) -> AsyncIterator[Walked]:
    """Compute the chain again from its start; a Walked after each batch, and one at the end. Raises Broken at the first
    entry that does not fit, at an `expected` link that is not there, and where more was erased than was announced."""
    walked, after = await find_start(db), _BEFORE_ALL
    check_link(walked, expected)
    while entries := await queries.list_sealed(db, after, AT_ONCE):
        if (entries[0].position or 0) > walked.head.last + 1:
            start = await find_start(db)
            if start.head.last > walked.head.last:  # old entries were removed meanwhile
                walked, after = start, start.head.last
                continue
        for entry in entries:
            walked = step(walked, entry)
            check_link(walked, expected)
        after = walked.head.last
        yield walked
    told = await queries.sum_erased(db)
    check_end(walked, expected, told.entries, told.origins)
    yield msgspec.structs.replace(walked, waiting=told.waiting)


def check_link(walked: Walked, expected: Head | None) -> None:
    """Raises Broken where this is the expected link and has another hash, or where that one was removed."""
    if expected is None:
        return
    if expected.last < walked.removed:
        raise Broken(f"position {expected.last} was removed for its age, with all up to {walked.removed}.")
    if expected.last == walked.head.last and expected.link != walked.head.link:
        raise Broken(f"position {expected.last} is not what it was: the chain was made anew.")


def check_end(walked: Walked, expected: Head | None, data: int, origins: int) -> None:
    """Raises Broken where the chain ends too early, or more was erased than was announced."""
    if expected and expected.last > walked.head.last:
        raise Broken(f"position {walked.head.last + 1} is missing, and all up to {expected.last}: the end was cut off.")
    if walked.data > data or walked.origins > origins:
        raise Broken(
            f"position unknown: {walked.data} entries are without their data and {walked.origins} without their"
            f" origin; with their accounts went {data} and {origins}. Somebody hid the others."
        )


def step(walked: Walked, entry: EntryRow) -> Walked:
    """The walk one entry further. Raises Broken where it does not fit."""
    at = walked.head.last + 1
    if entry.position != at:
        raise Broken(f"position {at} is missing; the next is {entry.position}.")
    data, origin = entry.data_digest or b"", entry.origin_digest or b""
    if entry.hash != link(walked.head, entry, data, origin):
        raise Broken(f"position {at} ({entry.id}) does not follow the one before: it was changed, inserted or moved.")
    if entry.data is not None if entry.data_salt is None else data_digest(entry) != data:
        raise Broken(f"position {at} ({entry.id}) has other data than when it was sealed.")
    origin_erased = entry.origin_salt is None and entry.address is None and entry.user_agent is None
    if not origin_erased and origin_digest(entry) != origin:
        raise Broken(f"position {at} ({entry.id}) has another origin than when it was sealed.")
    return msgspec.structs.replace(
        walked,
        head=Head(at, entry.hash),
        data=walked.data + (entry.data_salt is None),
        origins=walked.origins + (entry.origin_salt is None),
    )
