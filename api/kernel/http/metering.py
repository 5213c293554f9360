"""Quotas by the calendar. A call counts when its handler starts, whatever it answers. Not counted are calls that the
server fails, and repetitions that get a kept answer (idempotency.py)."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import Scope

from api.kernel.errors import QUOTA_EXCEEDED, Problem
from api.kernel.http.idempotency import Kept
from api.kernel.identity.calls import Call, joined


async def metered(
    take: Callable[[], Awaitable[Call]],
    scope: Scope,
    find: Callable[[], Awaitable[Kept | None]] | None,
    run: Callable[[], Awaitable[Any]],
) -> Any:
    """Take a call of the quota and run the handler; `find` returns the kept answer of a repetition, which needs no
    call. Adds the quota to the response headers. Raises QUOTA_EXCEEDED, and like `take` and `run`."""
    limits = scope["extra_headers"]
    try:
        call = await take()
    except QUOTA_EXCEEDED as refusal:
        kept = await find() if find else None
        if kept is not None:
            return kept
        scope["extra_headers"] = joined(limits, refusal.headers)
        raise
    scope["extra_headers"] = joined(limits, call.headers())
    try:
        answer = await run()
    except Exception as error:
        if not isinstance(error, Problem) or error.status >= 500:
            call.give_back()
        raise
    if isinstance(answer, Kept) and Kept.replayed in answer.headers:
        call.give_back()
    return answer
