"""The instruments of one process: made of the catalogue, and told what happens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.registry import CollectorRegistry

from wiseflow.observability.metrics.catalogue import BY_NAME, Kind
from wiseflow.observability.metrics.labels import Bounded

I = TypeVar("I", Counter, Gauge, Histogram)  # noqa: E741 - an instrument

MS_PER_S = 1000
# So many models that no setting names, and so many classes of errors, are told apart.
OTHER_MODELS = 40
ERROR_CLASSES = 40
JOB_KINDS = 12
ROUTES = 200
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ANSWERED = "answered"
NO_ROUTE = "none"


def counter(name: str, registry: CollectorRegistry) -> Counter:
    """The counter of that name in the catalogue."""
    metric = BY_NAME[name]
    assert metric.kind is Kind.COUNTER, name
    return Counter(name, metric.text, metric.labels, registry=registry)


def gauge(name: str, registry: CollectorRegistry) -> Gauge:
    """The gauge of that name in the catalogue."""
    metric = BY_NAME[name]
    assert metric.kind is Kind.GAUGE, name
    return Gauge(name, metric.text, metric.labels, registry=registry)


def histogram(name: str, registry: CollectorRegistry) -> Histogram:
    """The histogram of that name in the catalogue."""
    metric = BY_NAME[name]
    assert metric.kind is Kind.HISTOGRAM, name
    return Histogram(name, metric.text, metric.labels, registry=registry, buckets=metric.buckets)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSeen:
    """One attempt of a call, as the instruments need it.

    Args:
        kind: ``model``, ``search``, ``fetch`` or ``embed``.
        provider, model: who was asked; a model may be "".
        error: the class of what went wrong; "" when it was answered.
        latency_s: from sending to the whole answer.
        input_tokens, output_tokens: as the provider counts them.
        cost: in US dollars; ``None`` when it is not known.
    """

    kind: str
    provider: str
    model: str
    error: str
    latency_s: float
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None


class Children(Generic[I]):
    """The instruments behind one with labels, found once: to find one costs more than to count.

    Args:
        instrument: with labels.
    """

    def __init__(self, instrument: I) -> None:
        self._instrument = instrument
        self._found: dict[tuple[str, ...], I] = {}

    def of(self, *labels: str) -> I:
        """The one with these values."""
        found = self._found.get(labels)
        if found is None:
            found = self._found[labels] = self._instrument.labels(*labels)
        return found


class CallInstruments:
    """Counts attempts of calls.

    Args:
        registry: where they are read.
        providers: the names of those that are installed.
        models: those that settings name.
    """

    def __init__(
        self, registry: CollectorRegistry, *, providers: Iterable[str], models: Iterable[str]
    ) -> None:
        self._providers = Bounded(providers)
        self._models = Bounded({"", *models}, room=OTHER_MODELS)
        self._errors = Bounded(room=ERROR_CLASSES)
        self._attempts = Children(counter("wiseflow_gateway_attempts_total", registry))
        self._took_s = Children(histogram("wiseflow_gateway_attempt_duration_seconds", registry))
        self._cost = Children(counter("wiseflow_cost_dollars_total", registry))
        self._unpriced = Children(counter("wiseflow_cost_unknown_calls_total", registry))
        self._inferences = Children(counter("ai_inference_requests_total", registry))
        self._inference_errors = Children(counter("ai_inference_errors_total", registry))
        self._inference_ms = Children(histogram("ai_inference_duration_ms", registry))
        self._chats = Children(counter("wiseflow_llm_requests_total", registry))
        self._chat_s = Children(histogram("wiseflow_llm_request_duration_seconds", registry))
        self._tokens = Children(counter("wiseflow_llm_tokens_total", registry))

    def saw(self, call: CallSeen) -> None:
        """Count one attempt."""
        answered = not call.error
        provider = self._providers.of(call.provider, earned=False)
        model = self._models.of(call.model, earned=answered)
        outcome = ANSWERED if answered else self._errors.of(call.error)
        self._attempts.of(call.kind, provider, outcome).inc()
        self._took_s.of(call.kind, provider).observe(call.latency_s)
        if answered:
            self._priced(call, provider, model)
        if call.kind in {"model", "embed"}:
            self._inferred(call, provider, model, outcome)
        if call.kind == "model":
            self._chatted(call, provider, model, outcome)

    def _priced(self, call: CallSeen, provider: str, model: str) -> None:
        if call.cost is None:
            self._unpriced.of(call.kind, provider, model).inc()
        else:
            self._cost.of(call.kind, provider, model).inc(call.cost)

    def _inferred(self, call: CallSeen, provider: str, model: str, outcome: str) -> None:
        self._inferences.of(provider, model).inc()
        self._inference_ms.of(provider, model).observe(call.latency_s * MS_PER_S)
        if call.error:
            self._inference_errors.of(provider, model, outcome).inc()

    def _chatted(self, call: CallSeen, provider: str, model: str, outcome: str) -> None:
        self._chats.of(provider, model, outcome).inc()
        self._chat_s.of(provider, model).observe(call.latency_s)
        self._tokens.of(provider, model, "input").inc(call.input_tokens)
        self._tokens.of(provider, model, "output").inc(call.output_tokens)


class JobInstruments:
    """Counts what a worker begins and ends."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._kinds = Bounded(room=JOB_KINDS)
        self._left = counter("wiseflow_worker_jobs_left_total", registry)
        self._queued_s = histogram("wiseflow_research_task_queue_time_seconds", registry)
        self._took_s = histogram("wiseflow_research_task_duration_seconds", registry)

    def waited(self, seconds: float) -> None:
        """A research was begun for the first time, so long after it was submitted."""
        self._queued_s.observe(max(0.0, seconds))

    def left(self, kind: str, ending: str) -> None:
        """The worker has done with a job, for now or for good."""
        self._left.labels(self._kinds.of(kind), ending).inc()

    def ended(self, status: str, seconds: float) -> None:
        """A research ended, after a run of so long."""
        self._took_s.labels(status).observe(seconds)


class HttpInstruments:
    """Counts answered requests."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._routes = Bounded(room=ROUTES)
        self._methods = Bounded(METHODS)
        self._requests = counter("wiseflow_http_requests_total", registry)
        self._took_s = histogram("wiseflow_http_request_duration_seconds", registry)
        self.under_way = gauge("wiseflow_http_requests_under_way", registry)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request.

        Args:
            method: of HTTP.
            route: the template that it was for, never its path; "" when there was none.
            status: of the answer.
            seconds: until the whole answer, or until a stream began.
        """
        method = self._methods.of(method)
        route = self._routes.of(route) if route else NO_ROUTE
        self._requests.labels(method, route, str(status)).inc()
        self._took_s.labels(method, route).observe(seconds)
