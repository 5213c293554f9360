"""Feed: the events that a client follows, and how they are shown. A handler returns one; hub.py delivers it."""

import copy
import functools
import types
import typing
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import msgspec

E = TypeVar("E")
T = TypeVar("T")
Other = TypeVar("Other")

encode = msgspec.json.Encoder().encode


def name_position(epoch: str, at: int) -> str:
    """Return the id with which clients resume after a position. It is opaque to them."""
    return f"{epoch}.{at}"


def chunk_of(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


class Happened(msgspec.Struct, frozen=True):
    """An event of any type, for feeds that follow all types."""

    type: str
    key: UUID
    """The id that is the event's first field."""
    person: UUID | None
    """The event's first person; None also if the event is not `live`."""
    data: msgspec.Raw
    """The event as JSON."""


class Feed(Generic[T]):
    """Events as they are committed, to a client that stays connected.

    `show(context, event)` returns what clients are sent for an event, or None to send nothing. It is called once for
    each event and not for each client, so its result must not depend on the caller. The annotation of `event`, a type
    or a union, says which events are followed; each has `live = True`. `Happened` follows all types. Select by `key`,
    the id that is the events' first field, or by `person`, an account that the events are about; without both, all
    events of the types are followed. Pass a module-level function, not one made for each request.

    `feed | other` follows both; an event of both is sent as the first one shows it.
    """

    __slots__ = ("key", "parts", "person", "view")

    def __init__(
        self,
        show: Callable[[Any, E], Awaitable[T | None]],
        *,
        key: UUID | None = None,
        person: UUID | None = None,
    ) -> None:
        self.view = view_of(show)
        self.key, self.person = key, person
        self.parts: tuple[Feed[Any], ...] = (self,)
        if person is not None and not self.view.takes_all:
            raise TypeError(f"{show.__qualname__}: a Feed of a person needs `event: Happened`.")

    def __or__(self, other: "Feed[Other]") -> "Feed[T | Other]":
        both: Feed[Any] = copy.copy(self)
        both.parts = self.parts + other.parts
        return both

    def part_for(self, row: "Occurrence") -> "Feed[Any] | None":
        """Return the part that follows an event, if any."""
        for part in self.parts:
            if (
                (part.view.takes_all or row.type in part.view.types)
                and part.key in (None, row.key)
                and part.person in (None, row.person)
            ):
                return part
        return None


class Occurrence(Protocol):
    """A committed event as it is stored."""

    @property
    def type(self) -> str: ...
    @property
    def key(self) -> UUID: ...
    @property
    def person(self) -> UUID | None: ...
    @property
    def data(self) -> str: ...


class View:
    """A `show` function and the events that it takes. Raises TypeError if one of them is not `live`."""

    def __init__(self, show: Callable[[Any, Any], Awaitable[Any]]) -> None:
        self.show = show
        *_, on = (hint for name, hint in typing.get_type_hints(show).items() if name != "return")
        union = typing.get_origin(on) in (typing.Union, types.UnionType)
        self.takes_all = on is Happened
        kinds = typing.get_args(on) if union else () if self.takes_all else (on,)
        for kind in kinds:
            if not getattr(kind, "live", False):
                raise TypeError(f"{show.__qualname__}: {kind.__name__} needs `live: ClassVar[bool] = True`.")
        self.types: list[str] = [kind.__struct_config__.tag for kind in kinds]
        self._decoder = msgspec.json.Decoder(on)

    def event(self, row: Occurrence) -> Any:
        """Return what `show` takes."""
        if self.takes_all:
            return Happened(row.type, row.key, row.person, msgspec.Raw(row.data.encode()))
        return self._decoder.decode(row.data)


view_of: Callable[[Callable[[Any, Any], Awaitable[Any]]], View] = functools.lru_cache(maxsize=256)(View)


class Item:
    """One event as clients are shown it, encoded once. `data` is None if nothing is sent; `lost` is True if `show`
    failed."""

    def __init__(self, id: str, at: int, name: str, data: bytes | None, lost: bool = False) -> None:
        self.id = id
        self.at = at
        self.name = name
        self.data = data
        self.lost = lost

    @functools.cached_property
    def lines(self) -> bytes:
        """As a server-sent event (HTML §9.2)."""
        return self._lines()

    @functools.cached_property
    def chunk(self) -> bytes:
        """The lines as a chunk (RFC 9112 §7.1)."""
        return chunk_of(self._lines())

    @functools.cached_property
    def frame(self) -> str:
        """As the text of a WebSocket message."""
        return f'{{"id":"{self.id}","event":"{self.name}","data":{(self.data or b"null").decode()}}}'

    def _lines(self) -> bytes:
        return b"id: %s\nevent: %s\ndata: %s\n\n" % (self.id.encode(), self.name.encode(), self.data)
