"""Lists by key: a page, the signed cursor that leads to the next, and its Link header (RFC 8288). A cursor says where
the last page ended, and for whom and what it was made, so that nobody can make one or use it elsewhere."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec

from api.kernel.errors import VALIDATION_FAILED, FieldError
from api.kernel.identity.auth import verifying_keys
from api.kernel.settings import Settings

T = TypeVar("T")
Limit = Annotated[int, msgspec.Meta(ge=1, le=100, description="How many, 1 to 100.")]
Cursor = Annotated[
    str, msgspec.Meta(max_length=1024, description="The last answer's next_cursor, to go on from there.")
]


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A part of a list; without a `next_cursor` it is the last."""

    items: list[T]
    next_cursor: str | None
    total: int

    def links(self, path: str, query: bytes) -> list[tuple[bytes, bytes]]:
        """The Link header for the next page of what was asked for."""
        if self.next_cursor is None:
            return []
        kept = [
            (name, value)
            for name, value in parse_qsl(query.decode("ascii"), keep_blank_values=True)
            if name != "cursor"
        ]
        return [(b"link", f'<{path}?{urlencode([*kept, ("cursor", self.next_cursor)])}>; rel="next"'.encode())]


class Cursors:
    """Makes and reads the cursors of one list, whose `scope` is all that decides what is in it: whose, and its
    filters."""

    def __init__(self, settings: Settings, *scope: object) -> None:
        self._keys = verifying_keys(settings, "cursor")
        self._scope = hashlib.sha256(msgspec.json.encode([*map(str, scope)])).digest()

    def make(self, *position: object) -> str:
        """From the last item's sort key."""
        return self._make(self._keys[0], position)

    def page(self, found: list[T], limit: int, total: int, position: Callable[[T], tuple[object, ...]]) -> Page[T]:
        """The page that these make, one more than `limit` of which were asked for: that one only says that there are
        more. `position` is an item's sort key."""
        items = found[:limit]
        following = self.make(*position(items[-1])) if len(found) > limit else None
        return Page(items=items, next_cursor=following, total=total)

    def read(self, cursor: str | None, *kinds: type) -> list[Any]:
        """The sort key that a cursor holds, as those types; a None for each without a cursor. Raises
        VALIDATION_FAILED."""
        if cursor is None:
            return [None for _ in kinds]
        try:
            whole = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
            signature, body = whole[:16], whole[16:]
            signed = [key for key in self._keys if hmac.compare_digest(signature, self._sign(key, body))]
            if not signed or self._make(signed[0], msgspec.json.decode(body)) != cursor:
                raise ValueError
            return [*msgspec.json.decode(body, type=tuple[*kinds])]  # type: ignore[valid-type]
        except (ValueError, msgspec.DecodeError):
            error = FieldError(
                "/cursor", "Is not a cursor of this list: take it from the last answer, with the same filters."
            )
            raise VALIDATION_FAILED(errors=[error]) from None

    def _make(self, key: bytes, position: Sequence[object]) -> str:
        body = msgspec.json.encode(position)
        return base64.urlsafe_b64encode(self._sign(key, body) + body).rstrip(b"=").decode()

    def _sign(self, key: bytes, body: bytes) -> bytes:
        return hmac.digest(key, self._scope + body, "sha256")[:16]
