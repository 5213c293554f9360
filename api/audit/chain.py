"""The hash chain. The worker seals entries once a second, and anyone with the entries can recompute it with JSON and
SHA-256; docs/security.md has the algorithm."""

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
"""Predecessor of the first entry."""
BEGINNING = Checkpoint(START.last, START.link, 0, 0, 0, 0)
"""Start of the chain while no entry was removed."""
_BEFORE_ALL = -(2**63)


class Broken(Exception):
    """The chain is not intact; the message names the first wrong position."""


class Walked(msgspec.Struct, frozen=True):
    """State of a verification: the last verified link, how many entries have erased data and origins (removed entries
    included), and at the end how many are not sealed yet. Entries up to `removed` were removed."""

    head: Head
    data: int
    origins: int
    waiting: int = 0
    removed: int = 0


async def seal(context: Context) -> int:
    """Append the oldest unsealed entries to the chain. Returns their number. Raises Problem."""
    async with context.db.transaction() as db:
        await queries.lock_chain(db)
        entries = await queries.list_unsealed(db, AT_ONCE)
        if not entries:
            return 0
        head = await queries.find_head(db) or (await find_start(db)).head
        head = await _extend(db, head, entries)
    # The log is outside of the database, so that an attacker who rewrites the table cannot rewrite it.
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
    """Hash of an entry with these digests that follows `head`."""
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
    """SHA-256 of a JSON array in canonical form (RFC 8785): no spaces, sorted keys, UTF-8."""
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).digest()


async def find_start(db: Database) -> Walked:
    """Start of the chain, after the entries removed for their age."""
    checkpoint = await queries.find_checkpoint(db) or BEGINNING
    return start_of(checkpoint)


def start_of(checkpoint: Checkpoint) -> Walked:
    head = Head(checkpoint.last, checkpoint.link)
    return Walked(head, checkpoint.erased_data, checkpoint.erased_origins, removed=checkpoint.last)


async def walk(db: Database, expected: Head | None = None) -> AsyncIterator[Walked]:
    """Recompute the chain from its start. Yields a Walked after each batch and one at the end. Raises Broken at the
    first wrong entry, at a missing `expected` link, and if more was erased than announced."""
    walked, after = await find_start(db), _BEFORE_ALL
    check_link(walked, expected)
    while entries := await queries.list_sealed(db, after, AT_ONCE):
        if (entries[0].position or 0) > walked.head.last + 1:
            start = await find_start(db)
            if start.head.last > walked.head.last:  # old entries were removed concurrently
                walked, after = start, start.head.last
                continue
        for entry in entries:
            walked = step(walked, entry)
            check_link(walked, expected)
        after = walked.head.last
        yield walked
    erased = await queries.sum_erased(db)
    check_end(walked, expected, erased.entries, erased.origins)
    yield msgspec.structs.replace(walked, waiting=erased.waiting)


async def verify_end(db: Database) -> tuple[Walked, int, str | None]:
    """Recompute the last links of the chain, AT_ONCE at most, from the hash of the entry before them on. Returns the
    last correct link, the first checked position, and a sentence about the first wrong one."""
    head = await queries.find_head(db)
    after = head.last - AT_ONCE - 1 if head and head.last > AT_ONCE else _BEFORE_ALL
    entries = await queries.list_sealed(db, after, AT_ONCE + 1)
    if len(entries) > AT_ONCE:
        before, *entries = entries
        walked = Walked(Head(before.position or 0, before.hash or b""), 0, 0)
    else:
        walked = await find_start(db)
        entries = [entry for entry in entries if not 0 < (entry.position or 0) <= walked.removed]  # removed meanwhile
    first = walked.head.last + 1
    for entry in entries:
        try:
            walked = step(walked, entry)
        except Broken as fault:
            return walked, first, str(fault)
    return walked, first, None


def check_link(walked: Walked, expected: Head | None) -> None:
    """Raises Broken if this is the expected position with another hash, or if that position was removed."""
    if expected is None:
        return
    if expected.last < walked.removed:
        raise Broken(f"position {expected.last} was removed for its age, with all up to {walked.removed}.")
    if expected.last == walked.head.last and expected.link != walked.head.link:
        raise Broken(f"position {expected.last} has another hash: the chain was rebuilt.")


def check_end(walked: Walked, expected: Head | None, data: int, origins: int) -> None:
    """Raises Broken if the chain ends too early, or if more was erased than announced."""
    if expected and expected.last > walked.head.last:
        raise Broken(f"position {walked.head.last + 1} is missing, and all up to {expected.last}: the end was cut off.")
    if walked.data > data or walked.origins > origins:
        raise Broken(
            f"position unknown: {walked.data} entries have no data and {walked.origins} no origin, but the"
            f" announced erasures are {data} and {origins}: the others were tampered with."
        )


def step(walked: Walked, entry: EntryRow) -> Walked:
    """Verify one more entry. Raises Broken if it does not fit."""
    at = walked.head.last + 1
    if entry.position != at:
        raise Broken(f"position {at} is missing; the next is {entry.position}.")
    data, origin = entry.data_digest or b"", entry.origin_digest or b""
    if entry.hash != link(walked.head, entry, data, origin):
        raise Broken(f"position {at} ({entry.id}) does not follow its predecessor: it was changed, inserted or moved.")
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
