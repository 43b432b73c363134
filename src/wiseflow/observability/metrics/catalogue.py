"""Every metric there is, told once: what is exposed and the reference page are made of this table.

It imports nothing, so that the reference page can be made without Prometheus' library.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """How a metric behaves; the value is Prometheus' word."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Reach(StrEnum):
    """What a metric tells of."""

    ALL = "all instances"  # read from the database: each instance tells the same, never sum it
    PROCESS = "this process"  # sum it over instances


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric.

    Args:
        name: as Prometheus shows it; a histogram's without ``_bucket``, ``_sum`` and ``_count``.
        kind: how it behaves.
        reach: what it tells of.
        help: one sentence, without its reach.
        labels: their names.
        buckets: the upper bounds of a histogram's, in its unit.
        lint: why ``promtool check metrics`` minds the name, where it does; "" where it does not.
    """

    name: str
    kind: Kind
    reach: Reach
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    lint: str = ""

    @property
    def text(self) -> str:
        """The help, with what it tells of."""
        whole = "of all instances, from the database: do not sum over instances"
        return f"{self.help} ({whole if self.reach is Reach.ALL else 'of this process'})."


# A research takes from a second (documents, no model) to an hour; a call from milliseconds to the
# minutes of API_TIMEOUT; an answer of the API milliseconds.
_RESEARCH_S: Final = (0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
_CALL_S: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300)
_ANSWER_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# 5000 and 10000 are the bounds that the alerts of inference latency ask about.
_INFERENCE_MS: Final = (
    50.0,
    100,
    250,
    500,
    1000,
    2500,
    5000,
    7500,
    10_000,
    20_000,
    60_000,
    300_000,
)

_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM
_ALL, _OWN = Reach.ALL, Reach.PROCESS
_GROWS: Final = "; a gauge that only grows, as the name is fixed and a counter's ends in _total"


def _metric(name: str, kind: Kind, reach: Reach, text: str, *labels: str) -> Metric:
    return Metric(name=name, kind=kind, reach=reach, help=text, labels=labels)


def _histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Metric:
    return Metric(name=name, kind=_H, reach=_OWN, help=text, labels=labels, buckets=buckets)


RESEARCHES: Final = (
    _metric("wiseflow_research_tasks_total", _C, _ALL, "Researches that were ever submitted"),
    _metric("wiseflow_research_tasks_active", _G, _ALL, "Researches that run now"),
    _metric("wiseflow_research_tasks_completed", _G, _ALL, f"Completed researches{_GROWS}"),
    _metric(
        "wiseflow_research_tasks_failed",
        _G,
        _ALL,
        f"Times that a research failed, those resumed since with them{_GROWS}",
    ),
    _histogram(
        "wiseflow_research_task_duration_seconds",
        "How long the run took with which a research ended",
        _RESEARCH_S,
        "status",
    ),
    _histogram(
        "wiseflow_research_task_queue_time_seconds",
        "How long a research waited from its submission until it was first begun",
        _RESEARCH_S,
    ),
)
QUEUE: Final = (
    _metric("wiseflow_queue_jobs", _G, _ALL, "Jobs that are stored", "kind", "status"),
    _metric(
        "wiseflow_queue_waiting_jobs", _G, _ALL, "Jobs that wait to be begun", "kind", "priority"
    ),
    _metric(
        "wiseflow_queue_oldest_waiting_seconds",
        _G,
        _ALL,
        "How long ago the oldest of the jobs that could be begun now was submitted",
        "kind",
    ),
    _metric("wiseflow_worker_jobs", _G, _OWN, "Jobs that the worker runs now"),
    _metric("wiseflow_worker_places", _G, _OWN, "Jobs that the worker may run at once"),
    _metric(
        "wiseflow_worker_jobs_left_total",
        _C,
        _OWN,
        "Jobs that the worker came to an end with, by what became of them",
        "kind",
        "ending",
    ),
)
CALLS: Final = (
    _metric(
        "wiseflow_llm_requests_total",
        _C,
        _OWN,
        "Requests to models, each attempt one",
        "provider",
        "model",
        "outcome",
    ),
    _metric(
        "wiseflow_llm_tokens_total",
        _C,
        _OWN,
        "Tokens of models, as providers count them",
        "provider",
        "model",
        "direction",
    ),
    _histogram(
        "wiseflow_llm_request_duration_seconds",
        "How long models took to answer, or to fail",
        _CALL_S,
        "provider",
        "model",
    ),
    _metric(
        "ai_inference_requests_total",
        _C,
        _OWN,
        "Requests to models and embedders, failed ones with them",
        "provider",
        "model",
    ),
    _metric(
        "ai_inference_errors_total",
        _C,
        _OWN,
        "Requests to models and embedders that failed",
        "provider",
        "model",
        "error",
    ),
    Metric(
        name="ai_inference_duration_ms",
        kind=_H,
        reach=_OWN,
        help="How many milliseconds models and embedders took to answer, or to fail",
        labels=("provider", "model"),
        buckets=_INFERENCE_MS,
        lint="milliseconds are in the fixed name, which alert rules and dashboards ask for",
    ),
    _metric(
        "wiseflow_gateway_attempts_total",
        _C,
        _OWN,
        "Attempts of calls to the outside",
        "kind",
        "provider",
        "outcome",
    ),
    _histogram(
        "wiseflow_gateway_attempt_duration_seconds",
        "How long attempts of calls took, without the wait for their limits",
        _CALL_S,
        "kind",
        "provider",
    ),
    _metric(
        "wiseflow_cost_dollars_total",
        _C,
        _OWN,
        "What answered calls cost in US dollars, as far as their prices are known",
        "kind",
        "provider",
        "model",
    ),
    _metric(
        "wiseflow_cost_unknown_calls_total",
        _C,
        _OWN,
        "Answered calls whose price is not known",
        "kind",
        "provider",
        "model",
    ),
    _metric("wiseflow_gateway_calls_under_way", _G, _OWN, "Distinct calls that are under way"),
)
LIMITS: Final = (
    _metric("wiseflow_limiter_waiting_calls", _G, _OWN, "Calls that wait for a limit", "provider"),
    _metric("wiseflow_limiter_sent_calls", _G, _OWN, "Calls that were sent and go on", "provider"),
    _metric(
        "wiseflow_limiter_used_ratio",
        _G,
        _OWN,
        "The part of a provider's limit that is used, of its most used key or model",
        "provider",
        "dimension",
    ),
    _metric(
        "wiseflow_limiter_paused_seconds",
        _G,
        _OWN,
        "For how long nothing more is sent to a provider that refused",
        "provider",
    ),
)
MACHINERY: Final = (
    _metric("wiseflow_engine_tasks", _G, _OWN, "Tasks of the engine that have not ended", "state"),
    _metric("wiseflow_engine_tasks_ended_total", _C, _OWN, "Tasks that ended", "state"),
    _metric("wiseflow_pool_workers", _G, _OWN, "Worker processes that a pool may have", "pool"),
    _metric("wiseflow_pool_busy_workers", _G, _OWN, "Worker processes with a call", "pool"),
    _metric("wiseflow_database_up", _G, _OWN, "Whether the database answered in time (1 or 0)"),
    _metric(
        "wiseflow_database_read_seconds",
        _G,
        _OWN,
        "How long it took to read what tells of all instances",
    ),
    _metric("wiseflow_build_info", _G, _OWN, "Always 1, with the version", "version"),
)
HTTP: Final = (
    _metric(
        "wiseflow_http_requests_total",
        _C,
        _OWN,
        "Requests that were answered",
        "method",
        "route",
        "status",
    ),
    _histogram(
        "wiseflow_http_request_duration_seconds",
        "How long answers took; a stream counts until it begins",
        _ANSWER_S,
        "method",
        "route",
    ),
    _metric("wiseflow_http_requests_under_way", _G, _OWN, "Requests that are being answered"),
)

# By the title of their section on the reference page.
CATALOGUE: Final = {
    "Researches": RESEARCHES,
    "The queue and the worker": QUEUE,
    "Calls to the outside": CALLS,
    "Limits of providers": LIMITS,
    "The program's own machinery": MACHINERY,
    "The HTTP API": HTTP,
}
BY_NAME: Final = {one.name: one for section in CATALOGUE.values() for one in section}
