"""What a scrape is answered: the instruments, and what is looked up at that moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from prometheus_client import GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from wiseflow.observability.metrics.catalogue import BY_NAME, Kind


class Sample(NamedTuple):
    """One number that is looked up when it is asked for.

    Args:
        name: of its metric in the catalogue.
        value: in the metric's unit.
        labels: their values in the order of the catalogue.
    """

    name: str
    value: float
    labels: tuple[str, ...] = ()


class Exposition:
    """Answers scrapes.

    Args:
        registry: with the instruments.
        look: gives what is to be looked up, bounded in time; it raises nothing.
    """

    def __init__(
        self, registry: CollectorRegistry, look: Callable[[], Awaitable[Iterable[Sample]]]
    ) -> None:
        self._registry = registry
        self._look = look
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)

    async def text(self, accept: str = "") -> tuple[bytes, str]:
        """All metrics now, and their content type.

        Args:
            accept: the request's header of that name.
        """
        encode, content_type = choose_encoder(accept)
        looked_up = families(list(await self._look()))
        return encode(_Together(self._registry, looked_up)), content_type


def families(samples: Sequence[Sample]) -> list[Metric]:
    """The samples by their metric, as the library writes them."""
    found: list[Metric] = []
    for name, some in groupby(sorted(samples, key=lambda one: one.name), key=lambda one: one.name):
        metric = BY_NAME[name]
        counts = metric.kind is Kind.COUNTER
        make = CounterMetricFamily if counts else GaugeMetricFamily
        family = make(
            name.removesuffix("_total") if counts else name, metric.text, None, metric.labels
        )
        for sample in some:
            family.add_metric(sample.labels, sample.value)
        found.append(family)
    return found


class _Together(Collector):
    """The instruments and what was looked up, as one."""

    def __init__(self, registry: CollectorRegistry, looked_up: Sequence[Metric]) -> None:
        self._registry = registry
        self._looked_up = looked_up

    def collect(self) -> Iterable[Metric]:
        """All of them, without the times at which series began: they would double the series."""
        yield from self._looked_up
        for metric in self._registry.collect():
            kept = [one for one in metric.samples if not one.name.endswith("_created")]
            metric.samples = kept
            yield metric
