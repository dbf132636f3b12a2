"""What a service serves: its own metrics, those of every service, and old names of both."""

from collections.abc import Iterable

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from runtime.metrics import OLD_NAMES


class _OldNames(Collector):
    """Serves renamed metrics under their old names too."""

    def collect(self) -> Iterable[Metric]:
        for old, metric in OLD_NAMES.items():
            for family in metric.collect():
                alias = Metric(old, f"Renamed to {family.name} in 0.2.0.", family.type)
                alias.samples = [
                    sample._replace(name=sample.name.replace(family.name, old, 1))
                    for sample in family.samples
                ]
                yield alias

    def describe(self) -> Iterable[Metric]:
        return ()


REGISTRY.register(_OldNames())


_STAGES = {
    "ingest": "tocsin_ingest_",
    "process": "tocsin_process_",
    "detector": "tocsin_detector_",
    "sink-elasticsearch": "tocsin_sink_",
    "sink-alerts": "tocsin_alerts_",
    "tower": "tocsin_tower_",
}
"""Service to the prefix of its own metrics."""


class _OfService(CollectorRegistry):
    """The registry without the metrics of other services."""

    def __init__(self, others: tuple[str, ...]) -> None:
        super().__init__()
        self._others = others

    def collect(self) -> Iterable[Metric]:
        for family in REGISTRY.collect():
            if not family.name.startswith(self._others):
                yield family


def of_service(service: str) -> CollectorRegistry:
    """The metrics of one service and of every service; an unknown service serves all."""
    if service not in _STAGES:
        return REGISTRY
    return _OfService(tuple(prefix for stage, prefix in _STAGES.items() if stage != service))
