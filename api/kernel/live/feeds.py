"""Feed: the events that a client follows, and how they are shown. A handler returns one; hub.py delivers it."""

import functools
import types
import typing
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

E = TypeVar("E")
T = TypeVar("T")

encode = msgspec.json.Encoder().encode


class Feed(Generic[T]):
    """Events as they are committed, to a client that stays connected.

    `show(context, event)` returns what clients are sent for an event, or None to send nothing. It is called once for
    each event and not for each client, so its result must not depend on the caller. Select by `key`, the id that is
    the events' first field; None follows all events of the types. The annotation of `event`, a type or a union, says
    which events are followed; each has `live = True`. Pass a module-level function, not one made for each request.
    """

    def __init__(self, show: Callable[[Any, E], Awaitable[T | None]], *, key: UUID | None = None) -> None:
        self.view = view_of(show)
        self.key = key


class View:
    """A `show` function and the events that it takes. Raises TypeError if one of them is not `live`."""

    def __init__(self, show: Callable[[Any, Any], Awaitable[Any]]) -> None:
        self.show = show
        *_, on = (hint for name, hint in typing.get_type_hints(show).items() if name != "return")
        union = typing.get_origin(on) in (typing.Union, types.UnionType)
        kinds = typing.get_args(on) if union else (on,)
        for kind in kinds:
            if not getattr(kind, "live", False):
                raise TypeError(f"{show.__qualname__}: {kind.__name__} needs `live: ClassVar[bool] = True`.")
        self.types: list[str] = [kind.__struct_config__.tag for kind in kinds]
        self.decoder = msgspec.json.Decoder(on)


view_of: Callable[[Callable[[Any, Any], Awaitable[Any]]], View] = functools.lru_cache(maxsize=256)(View)


class Item:
    """One event as clients are shown it, encoded once. `data` is None if nothing is sent; `lost` is True if `show`
    failed."""

    def __init__(self, at: int, name: str, data: bytes | None, lost: bool = False) -> None:
        self.at = at
        self.name = name
        self.data = data
        self.lost = lost

    @functools.cached_property
    def lines(self) -> bytes:
        """As a server-sent event (HTML §9.2)."""
        return b"id: %d\nevent: %s\ndata: %s\n\n" % (self.at, self.name.encode(), self.data)

    @functools.cached_property
    def frame(self) -> str:
        """As the text of a WebSocket message."""
        return f'{{"id":"{self.at}","event":"{self.name}","data":{(self.data or b"null").decode()}}}'
