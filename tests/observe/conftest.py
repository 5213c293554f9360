from collections.abc import Callable
from pathlib import Path

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from api.kernel.telemetry.exposition import rendered
from tests.observe.promtool import fires
from tests.worker.conftest import publisher, queue, relay

__all__ = ["publisher", "queue", "relay"]


@pytest.fixture
def scrape(metrics: InMemoryMetricReader) -> Callable[[], str]:
    """Return the `/metrics` of this process."""
    return lambda: rendered(metrics.get_metrics_data())


@pytest.fixture
def alarm(scrape: Callable[[], str], tmp_path: Path) -> Callable[..., tuple[bool, bool]]:
    """Return whether an alert fires on the scrape `before`, and on the current metrics."""

    def judge(alert: str, before: str, *, after: str | None = None, again: bool = True) -> tuple[bool, bool]:
        return fires(alert, before, after or scrape(), tmp_path, again=again)

    return judge
