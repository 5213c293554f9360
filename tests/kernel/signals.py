"""The recorded metrics."""

from typing import Any

from opentelemetry.sdk.metrics.export import InMemoryMetricReader


def points(metrics: InMemoryMetricReader, name: str) -> list[Any]:
    data = metrics.get_metrics_data()
    if data is None:
        return []
    return [
        point
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == name
        for point in metric.data.data_points
    ]
