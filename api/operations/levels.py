"""Log levels that operators set for a time. Each process reads them from PostgreSQL every FOLLOW_SECONDS, applies them
to its loggers, and takes them back at their end, also while PostgreSQL is down.

Only loggers of this application can be changed. Those of libraries keep their level: at DEBUG, some write requests,
arguments and conversations with servers, which contain secrets."""

import functools
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from api.kernel import Context, Problem
from api.operations import queries
from api.operations.types import EffectiveLevel

logger = logging.getLogger(__name__)

FOLLOW_SECONDS = 2.0
_ROOT = Path(__file__).parents[2]
_APPLICATION = ("api", "worker")
_ACCESS = "api.access"
"""Lines about requests."""


class Levels:
    """The levels that are applied to the loggers of this process, and when each ends (time.monotonic)."""

    def __init__(self) -> None:
        self._ends: dict[str, float] = {}
        self._levels: dict[str, str] = {}

    def apply(self, wanted: Sequence[EffectiveLevel]) -> None:
        """Set these levels, and take back all others."""
        levels: dict[str, str] = {}
        self._ends = {}
        for each in sorted(wanted, key=lambda level: level.logger):  # all loggers, '', come first
            for name in [each.logger] if each.logger else _APPLICATION:
                levels[name], self._ends[name] = each.level, time.monotonic() + each.seconds
        self._set(levels)

    def expire(self) -> None:
        """Take back the levels that have ended."""
        now = time.monotonic()
        self._set({name: level for name, level in self._levels.items() if self._ends[name] > now})

    def _set(self, levels: Mapping[str, str]) -> None:
        changed = {name for name in levels.keys() | self._levels.keys() if levels.get(name) != self._levels.get(name)}
        self._levels = dict(levels)
        for name in sorted(changed):
            logging.getLogger(name).setLevel(levels.get(name, "NOTSET"))
            fields = {"name": name, "set_to": levels.get(name)}
            logger.warning("the log level was changed", extra={"fields": fields})


_levels = Levels()
"""Loggers belong to the process."""


async def follow_log_levels(context: Context) -> int:
    """Apply the levels of PostgreSQL to this process. Returns their number."""
    try:
        wanted = await queries.list_effective_levels(context.db)
    except Problem:
        _levels.expire()
        return 0
    _levels.apply(wanted)
    return len(wanted)


@functools.cache
def loggers() -> tuple[str, ...]:
    """The names of the loggers that can be changed: the packages of the application, and that of requests."""
    found = {_ACCESS}
    for package in _APPLICATION:
        for path in (_ROOT / package).rglob("__init__.py"):
            found.add(".".join(path.parent.relative_to(_ROOT).parts))
    return tuple(sorted(name for name in found if not name.endswith(".handlers")))
