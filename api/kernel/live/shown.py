"""Events as shown to clients: rendered and encoded once, and cached for clients that catch up."""

import asyncio
import contextvars
import functools
import logging
from collections import OrderedDict
from typing import Any

from api.kernel.errors import UNAVAILABLE, Problem
from api.kernel.live.feeds import Item, View, encode, name_position
from api.kernel.live.queries import Row
from api.kernel.telemetry import parent_from, span

logger = logging.getLogger(__name__)

SHOW_SECONDS = 5.0
KEPT_BYTES = 4 * 1024 * 1024


class Shown:
    def __init__(self) -> None:
        self.epoch = ""
        self._kept: OrderedDict[tuple[View, int], Item] = OrderedDict()
        self._bytes = 0
        self._making: dict[tuple[View, int], asyncio.Task[Item]] = {}

    async def item(self, context: Any, view: View, row: Row) -> Item:
        """An event as a view shows it; concurrent calls share one call of `show`. Raises UNAVAILABLE."""
        key = (view, row.at)
        if key in self._kept:
            return self._kept[key]
        task = self._making.get(key)
        if task is None:
            make = asyncio.get_running_loop().create_task
            task = self._making[key] = make(self._show(context, view, row), context=contextvars.Context())
            task.add_done_callback(functools.partial(self._keep, key))
        return await asyncio.shield(task)

    def begin(self, epoch: str) -> None:
        """Forget the events of another epoch, whose positions are assigned again."""
        self.epoch = epoch
        self._kept.clear()
        self._bytes = 0

    def _keep(self, key: tuple[View, int], task: asyncio.Task[Item]) -> None:
        del self._making[key]
        if task.cancelled() or task.exception() is not None:  # the next call tries again
            return
        self._kept[key] = item = task.result()
        self._bytes += _size(item)
        while self._bytes > KEPT_BYTES:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= _size(oldest)

    async def _show(self, context: Any, view: View, row: Row) -> Item:
        id = name_position(self.epoch, row.at)
        with span(f"show {row.type}", parent=parent_from(row.traceparent)):
            try:
                async with asyncio.timeout(SHOW_SECONDS):
                    shown = await view.show(context, view.event(row))
            except UNAVAILABLE:
                raise
            except Problem:  # such as NOT_FOUND: deleted in the meantime
                return Item(id, row.at, row.type, None)
            except Exception:
                logger.exception("an event cannot be shown", extra={"fields": {"type": row.type, "position": row.at}})
                return Item(id, row.at, row.type, None, lost=True)
        return Item(id, row.at, row.type, None if shown is None else encode(shown))


def _size(item: Item) -> int:
    """The bytes of an event with its forms for streams and sockets."""
    return 3 * len(item.data or b"")
