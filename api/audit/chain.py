"""The chain: what the worker seals, a batch each second, and what anybody can compute again. docs/security.md has the
recipe, which needs nothing but JSON and SHA-256."""

import hashlib
import logging
from collections.abc import AsyncIterator

import msgspec

from api.audit import queries
from api.audit.types import EntryRow, Head
from api.kernel.context import Context
from api.kernel.database import Database

logger = logging.getLogger(__name__)

SEAL_SECONDS = 1.0
AT_ONCE = 500
START = Head(0, bytes(32))
"""What the first entry follows."""
_BEFORE_ALL = -(2**63)


class Broken(Exception):
    """The chain does not hold; the message names the first position that does not fit."""


class Walked(msgspec.Struct, frozen=True):
    """How far a walk came: the link it reached, how many entries' data and origins it found erased, and in the end how
    many are not sealed yet."""

    head: Head
    data: int
    origins: int
    waiting: int = 0


async def seal(context: Context) -> int:
    """Put the oldest entries that are not yet in the chain at its end; how many. Raises Problem."""
    async with context.db.transaction() as db:
        await queries.lock_chain(db)
        entries = await queries.list_unsealed(db, AT_ONCE)
        if not entries:
            return 0
        head = await queries.find_head(db) or START
        head = await _extend(db, head, entries)
    # Outside of the database, so that whoever rewrites the table cannot rewrite this.
    fields = {"position": head.last, "head": head.link.hex(), "entries": len(entries)}
    logger.info("audit sealed", extra={"fields": fields})
    return len(entries)


async def _extend(db: Database, head: Head, entries: list[EntryRow]) -> Head:
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


async def walk(db: Database, expected: Head | None = None) -> AsyncIterator[Walked]:
    """Compute the chain again from its start; a Walked after each batch, and one at the end. Raises Broken at the first
    entry that does not fit, at an `expected` link that is not there, and where more was erased than accounts were."""
    walked, after = Walked(START, 0, 0), _BEFORE_ALL
    while entries := await queries.list_sealed(db, after, AT_ONCE):
        for entry in entries:
            walked = _step(walked, entry)
            if expected and expected.last == walked.head.last and expected.link != walked.head.link:
                raise Broken(f"position {expected.last} is not what it was: the chain was made anew.")
        after = walked.head.last
        yield walked
    if expected and expected.last > walked.head.last:
        raise Broken(f"position {walked.head.last + 1} is missing, and all up to {expected.last}: the end was cut off.")
    told = await queries.sum_erased(db)
    if walked.data > told.entries or walked.origins > told.origins:
        raise Broken(
            f"position unknown: {walked.data} entries are without their data and {walked.origins} without their"
            f" origin; with their accounts went {told.entries} and {told.origins}. Somebody hid the others."
        )
    yield msgspec.structs.replace(walked, waiting=told.waiting)


def _step(walked: Walked, entry: EntryRow) -> Walked:
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
    return Walked(
        Head(at, entry.hash), walked.data + (entry.data_salt is None), walked.origins + (entry.origin_salt is None)
    )
