"""Runs sweeps, and reports their last runs."""

import contextlib
import time
from collections.abc import Sequence

from api.kernel.context import Context
from api.kernel.data.cache import CacheUnavailable
from api.kernel.feature import Sweep
from api.kernel.live.feeds import SUPERUSERS
from api.kernel.outbox.sweeps import Run, report_sweeps
from api.kernel.telemetry import swept_at, swept_rows


class Sweeper:
    def __init__(self, context: Context, sweeps: Sequence[Sweep]) -> None:
        """Raises TypeError if two sweeps have one name, by which their runs and metrics are known."""
        self._context = context
        self.sweeps = sweeps
        names = [sweep.run.__name__ for sweep in sweeps]
        if twice := {name for name in names if names.count(name) > 1}:
            raise TypeError(f"{', '.join(sorted(twice))}: two sweeps have this name; rename one.")
        self._runs: dict[str, Run] = {}
        self._is_news = False
        """Whether a sweep has worked or failed since the last report."""

    async def run(self, sweep: Sweep) -> int:
        """Run a sweep once. Returns the number of its rows. Raises its errors."""
        name = sweep.run.__name__
        run = self._runs.setdefault(name, Run(name, sweep.seconds, 0.0))
        run.began = time.time()
        try:
            done, labels = await sweep.run(self._context), {"sweep": name}
        except Exception as error:
            run.failed, run.error = time.time(), type(error).__name__
            self._is_news = True
            raise
        run.ended = time.time()
        if done:
            run.worked, run.rows = run.ended, done
            self._is_news = True
        swept_rows.add(done, labels)
        swept_at.set(run.ended, labels)
        return done

    async def report(self) -> int:
        """Report the last runs. Returns 0."""
        with contextlib.suppress(CacheUnavailable):  # the next report has them
            await report_sweeps(self._context.cache, list(self._runs.values()))
            if self._is_news:
                self._is_news = False
                self._context.hints.give("outbox.schedules", SUPERUSERS)
        return 0
