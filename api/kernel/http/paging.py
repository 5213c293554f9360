"""Keyset pagination: a page, the signed cursor of the next one, and its Link header (RFC 8288). A cursor contains the
last position and is bound to the caller and the list, so that it cannot be forged or used elsewhere. Listing is for
clients of the reference system, which expect a bare array."""

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
Limit = Annotated[int, msgspec.Meta(ge=1, le=100, description="Maximum number of items, 1 to 100.")]
Cursor = Annotated[str, msgspec.Meta(max_length=1024, description="`next_cursor` of the previous page.")]


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list. `next_cursor` is null on the last page."""

    items: list[T]
    next_cursor: str | None
    total: int

    def links(self, path: str, query: bytes) -> list[tuple[bytes, bytes]]:
        """Build the Link header of the next page."""
        if self.next_cursor is None:
            return []
        return [_next(path, query, "cursor", self.next_cursor)]


class Listing(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list whose body is an array of its items, in the order of integer ids. The parameter `after` of the
    next page is in the header Link, the number of all items in X-Total-Count."""

    items: list[T]
    after: int | None
    total: int

    def links(self, path: str, query: bytes) -> list[tuple[bytes, bytes]]:
        """Build the headers Link and X-Total-Count."""
        total = (b"x-total-count", b"%d" % self.total)
        return [total] if self.after is None else [total, _next(path, query, "after", str(self.after))]


def _next(path: str, query: bytes, name: str, value: str) -> tuple[bytes, bytes]:
    """Return the header Link of the same request with another value of a parameter."""
    kept = [pair for pair in parse_qsl(query.decode("ascii"), keep_blank_values=True) if pair[0] != name]
    return b"link", f'<{path}?{urlencode([*kept, (name, value)])}>; rel="next"'.encode()


class Cursors:
    """Creates and reads the cursors of one list. `scope` is everything that selects its items, such as the account and
    the filters."""

    def __init__(self, settings: Settings, *scope: object) -> None:
        self._keys = verifying_keys(settings, "cursor")
        self._scope = hashlib.sha256(msgspec.json.encode([*map(str, scope)])).digest()

    def make(self, *position: object) -> str:
        """Create a cursor from the last item's sort key."""
        return self._make(self._keys[0], position)

    def page(self, found: list[T], limit: int, total: int, position: Callable[[T], tuple[object, ...]]) -> Page[T]:
        """Build a page from up to `limit + 1` rows; the extra row only shows that there is another page. `position`
        returns an item's sort key."""
        items = found[:limit]
        following = self.make(*position(items[-1])) if len(found) > limit else None
        return Page(items=items, next_cursor=following, total=total)

    def read(self, cursor: str | None, *kinds: type) -> list[Any]:
        """Return the sort key in a cursor with these types, or a None for each without a cursor. Raises
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
                "/cursor",
                "Is not a cursor of this list; use next_cursor of the previous page with the same filters.",
                "cursor",
            )
            raise VALIDATION_FAILED(errors=[error]) from None

    def _make(self, key: bytes, position: Sequence[object]) -> str:
        body = msgspec.json.encode(position)
        return base64.urlsafe_b64encode(self._sign(key, body) + body).rstrip(b"=").decode()

    def _sign(self, key: bytes, body: bytes) -> bytes:
        return hmac.digest(key, self._scope + body, "sha256")[:16]
