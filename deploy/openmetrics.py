"""Metrics as OpenMetrics 1.0 text, for the monitoring that an institution has. No port is opened for them."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.openmetrics.exposition import generate_latest


class _Collected:
    """What `generate_latest` reads metrics from."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


def openmetrics(metrics: list[Metric]) -> str:
    """The metrics as OpenMetrics 1.0 text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(metrics))
    return str(generate_latest(registry).decode())
