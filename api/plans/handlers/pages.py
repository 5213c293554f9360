"""A page of each list of plans."""

from typing import Protocol, TypeVar

from api.kernel import Listing


class Numbered(Protocol):
    @property
    def id(self) -> int: ...


T = TypeVar("T", bound=Numbered)


def page_of(found: list[T], limit: int, total: int | None) -> Listing[T]:
    """Return a page of up to `limit + 1` rows; the extra row only shows that there is another page."""
    items = found[:limit]
    return Listing(items=items, after=items[-1].id if len(found) > limit else None, total=total or 0)
