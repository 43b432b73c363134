"""What is looked up at a scrape, as samples of the catalogue's metrics: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from wiseflow.app.metering.counting import TaskCounts
from wiseflow.app.metering.limit_use import LimitUse
from wiseflow.core.figures import JobFigures
from wiseflow.core.jobs import JobStatus
from wiseflow.engine.processes import ProcessPool
from wiseflow.observability.metrics.exposition import Sample
from wiseflow.observability.metrics.labels import Bounded
from wiseflow.research.handler import KIND


def of_researches(figures: JobFigures) -> Iterator[Sample]:
    """What all researches come to."""
    done, failed = JobStatus.COMPLETED, JobStatus.FAILED
    yield Sample("wiseflow_research_tasks_total", figures.submitted(KIND))
    yield Sample("wiseflow_research_tasks_active", figures.now(KIND, JobStatus.RUNNING))
    yield Sample("wiseflow_research_tasks_completed", figures.ended(KIND, done))
    yield Sample("wiseflow_research_tasks_failed", figures.ended(KIND, failed))


def of_queue(figures: JobFigures, kinds: Bounded) -> Iterator[Sample]:
    """What is stored, and what waits, by kind of job."""
    stored = Counter({(KIND, status.value): 0 for status in JobStatus})
    waiting: Counter[tuple[str, str]] = Counter()
    oldest_s = {KIND: 0.0}
    for (kind, status), count in figures.stored.items():
        stored[kinds.of(kind), status.value] += count
    for (kind, priority), count in figures.waiting.items():
        waiting[kinds.of(kind), priority.value] += count
    for kind, seconds in figures.oldest_s.items():
        told = kinds.of(kind)
        oldest_s[told] = max(oldest_s.get(told, 0.0), seconds)
    yield from (Sample("wiseflow_queue_jobs", count, key) for key, count in stored.items())
    for key, count in waiting.items():
        yield Sample("wiseflow_queue_waiting_jobs", count, key)
    for kind, seconds in oldest_s.items():
        yield Sample("wiseflow_queue_oldest_waiting_seconds", seconds, (kind,))


def of_limits(used: Mapping[str, LimitUse]) -> Iterator[Sample]:
    """The limits of providers."""
    for provider, use in used.items():
        yield Sample("wiseflow_limiter_waiting_calls", use.waiting, (provider,))
        yield Sample("wiseflow_limiter_sent_calls", use.under_way, (provider,))
        yield Sample("wiseflow_limiter_paused_seconds", use.paused_s, (provider,))
        for dimension, ratio in use.used.items():
            yield Sample("wiseflow_limiter_used_ratio", ratio, (provider, dimension.value))


def of_tasks(tasks: TaskCounts) -> Iterator[Sample]:
    """The engine's tasks."""
    for state, count in tasks.live().items():
        yield Sample("wiseflow_engine_tasks", count, (state.value,))
    for state, count in tasks.ended.items():
        yield Sample("wiseflow_engine_tasks_ended_total", count, (state.value,))


def of_pools(pools: Mapping[str, ProcessPool]) -> Iterator[Sample]:
    """The pools of worker processes."""
    for name, pool in pools.items():
        yield Sample("wiseflow_pool_workers", pool.workers, (name,))
        yield Sample("wiseflow_pool_busy_workers", pool.busy, (name,))


def of_worker(running: int, places: int) -> Iterator[Sample]:
    """The worker that runs jobs."""
    yield Sample("wiseflow_worker_jobs", running)
    yield Sample("wiseflow_worker_places", places)
