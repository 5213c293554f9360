"""One read for all that ask for the same at the same time."""

import asyncio
import contextvars
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from api.kernel.data.together import own_error

T = TypeVar("T")


class Shared(Generic[T]):
    """A read whose concurrent calls share a statement. Each result is of a read that began after its call, so that it
    contains everything committed before. At most one read runs."""

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._running: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """Raises like the read, each call with an error of its own."""
        if self._next is None:
            run = self._run(self._running)
            self._next = asyncio.get_running_loop().create_task(run, context=contextvars.Context())
        try:
            return await asyncio.shield(self._next)
        except Exception as error:  # noqa: BLE001  # raised as a copy
            raise own_error(error) from None

    async def _run(self, before: "asyncio.Task[T] | None") -> T:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        return await self._read()
