"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): a POST that is repeated with the same key within 24
hours has one effect, and the repetition gets the answer of the first.

The answer is a row that commits with the work (data/whole.py). There is no claim that a killed process could leave
behind: before the commit there is neither row nor effect, and a lock on the key ends with the transaction. A request
that commits nothing, such as one that is refused, has no row, and its repetition is a new request.

The answer is encrypted with a key that is derived from SECRET_KEY and the client's key, which is not stored: it may
hold a secret that is shown once. Only its caller gets it again. A key without an account belongs to its request, so
that its repetition needs the same path and body: many callers share a network, and one caller changes it."""

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar
from uuid import UUID

import msgspec
from starlette.types import Message, Receive, Scope

from api.kernel.context import Context, origin
from api.kernel.data.database import Database, Transaction
from api.kernel.data.whole import Whole
from api.kernel.errors import bad_request, conflict, path_of, problem
from api.kernel.http import queries
from api.kernel.http.routing import Inputs, Route
from api.kernel.http.streams import Stream
from api.kernel.identity.auth import verifying_keys
from api.kernel.identity.limits import NETWORK_BITS, network_of
from api.kernel.identity.sealing import seal, unseal
from api.kernel.input.uploads import Upload
from api.kernel.process.failpoints import passing

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
MOST_KEYS = 1000
"""Answers that are kept of one account, or of one network's callers without an account; the oldest are dropped."""
KEPT_BYTES = 64 * 1024
"""Maximum size of a body that is kept."""
_KEY = re.compile(rb'[!#-+\--~]{1,255}|"(?:[ !#-\[\]-~]|\\["\\]){1,255}"')
"""A string as in RFC 9651, or unquoted, as most clients send it."""

IDEMPOTENCY_KEY_INVALID = bad_request(
    "IDEMPOTENCY_KEY_INVALID", "Idempotency-Key must be 1 to 255 visible ASCII characters, such as a UUID."
)
IDEMPOTENCY_KEY_REUSED = problem(
    422, "IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key was used for a different request; use a new key."
)
IDEMPOTENCY_IN_PROGRESS = conflict(
    "IDEMPOTENCY_IN_PROGRESS", "A request with this Idempotency-Key is in progress; repeat it after Retry-After."
)
IDEMPOTENCY_ANSWER_LOST = conflict(
    "IDEMPOTENCY_ANSWER_LOST",
    "The request with this Idempotency-Key was completed, but its answer is not available; read the resource.",
)
REFUSALS = (IDEMPOTENCY_KEY_INVALID, IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_ANSWER_LOST)


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """An encoded answer, without the headers of one request."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes | None
    """None if it is larger than KEPT_BYTES."""
    request: bytes = b""
    """SHA-256 of method, path, query and body."""
    replayed: ClassVar[tuple[bytes, bytes]] = (REPLAYED.lower().encode(), b"true")


class _Completed(Exception):
    """A concurrent request with the key has committed."""


def keeps_answers(route: Route, inputs: Inputs) -> bool:
    """Whether a route accepts Idempotency-Key: a POST whose answer can be kept. Answers with tokens cannot, because
    they may have been revoked since: handlers that take `cookies`, `claims` or `renew` issue and revoke them. Streams
    are not held in memory, and files are sent with another boundary each time."""
    tokens = inputs.ambient & {"cookies", "claims", "renew"}
    streamed = inputs.feed or route.socket or inputs.returns is Stream or inputs.body in (bytes, Upload)
    return route.method == "POST" and not tokens and not streamed


class Attempt:
    """A request with a key, of which `key` is the value without quotes. Decode its input from `receive`, which computes
    the digest of the body. Raises IDEMPOTENCY_KEY_INVALID."""

    def __init__(self, key: bytes, scope: Scope, receive: Receive) -> None:
        if not _KEY.fullmatch(key):
            raise IDEMPOTENCY_KEY_INVALID
        self.key = key[1:-1] if key.startswith(b'"') else key
        self._digest = hashlib.sha256(_framed(scope["method"].encode(), path_of(scope).encode(), scope["query_string"]))
        self._receive = receive
        self._ids: list[bytes] = []
        self._owner = b""
        self._seals: list[bytes] = []

    async def receive(self) -> Message:
        message = await self._receive()
        self._digest.update(message.get("body", b""))
        return message

    async def run(
        self,
        context: Context,
        account: UUID | None,
        encode: Callable[[Any], Kept],
        handler: Callable[..., Awaitable[Any]],
        /,
        **arguments: Any,
    ) -> Kept:
        """Return the kept answer, or else run the handler and keep its answer. Raises like the handler, and REFUSALS
        except the first."""
        self._identify(context, account)
        kept = await self._find(context.db)
        if kept is not None:
            return kept
        try:
            async with Whole(context.db, self._lock) as db:
                own = {"context": msgspec.structs.replace(context, db=db)} if "context" in arguments else {}
                answer = encode(await handler(**arguments | own))
                if db.transaction_of_all is not None:
                    sealed = self._seal(answer)
                    await queries.insert_answer(db.transaction_of_all, self._ids[0], self._owner, sealed, MOST_KEYS - 1)
        except _Completed:
            kept = await self._find(context.db)
            if kept is None:
                raise IDEMPOTENCY_IN_PROGRESS(headers={"retry-after": "1"}) from None
            return kept
        passing("answer.kept")
        return answer

    async def find(self, context: Context, account: UUID | None) -> Kept | None:
        """Return the kept answer, without running the handler. Raises REFUSALS except the first."""
        self._identify(context, account)
        return await self._find(context.db)

    def _identify(self, context: Context, account: UUID | None) -> None:
        """Name the caller and the key by digests with each current secret, so that keys outlast its replacement."""
        request, purposes = self._digest.digest(), ("idempotency-id", "idempotency-seal")
        caller = _framed(b"account", account.bytes) if account else _framed(b"guest", request)
        ids, seals = (verifying_keys(context.settings, purpose) for purpose in purposes)
        self._ids = [hmac.digest(secret, caller + self.key, "sha256") for secret in ids]
        self._seals = [hmac.digest(secret, self.key, "sha256") for secret in seals]
        owner = account.bytes if account else network_of(origin.get().address, NETWORK_BITS).encode()
        self._owner = hmac.digest(ids[0], _framed(b"owner", owner), "sha256")

    async def _lock(self, db: Transaction) -> None:
        """Lock the key, at the beginning of the transaction of the work."""
        if not await queries.lock_answer(db, int.from_bytes(self._ids[0][:8], signed=True)):
            raise IDEMPOTENCY_IN_PROGRESS(headers={"retry-after": "1"})
        if await queries.find_answer(db, self._ids):  # a statement after the lock sees what its last holder committed
            raise _Completed

    async def _find(self, db: Database) -> Kept | None:
        row = await queries.find_answer(db, self._ids)
        if row is None:
            return None
        kept = self._unseal(row)
        if kept.request != self._digest.digest():
            raise IDEMPOTENCY_KEY_REUSED
        if kept.body is None:
            raise IDEMPOTENCY_ANSWER_LOST
        return msgspec.structs.replace(kept, headers=[*kept.headers, Kept.replayed])

    def _seal(self, answer: Kept) -> bytes:
        """Encrypt an answer, bound to its id."""
        small = answer.body is not None and len(answer.body) <= KEPT_BYTES
        kept = msgspec.structs.replace(answer, body=answer.body if small else None, request=self._digest.digest())
        return seal(self._seals[0], msgspec.msgpack.encode(kept), self._ids[0])

    def _unseal(self, row: queries.Row) -> Kept:
        plain = unseal(self._seals, row.sealed, row.id)
        if plain is None:
            raise IDEMPOTENCY_ANSWER_LOST
        return msgspec.msgpack.decode(plain, type=Kept)


def _framed(*parts: bytes) -> bytes:
    """The parts, so that no two sequences of them have the same bytes."""
    return b"".join(len(part).to_bytes(4) + part for part in parts)
