"""Spans by OpenTelemetry, sent over OTLP and HTTP. Only loaded when somebody wants traces."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

import requests
from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import Status, StatusCode

from wiseflow.core.ids import decode
from wiseflow.core.version import VERSION
from wiseflow.observability.logs import get_logger
from wiseflow.observability.tracing import Attribute, Span

_log = get_logger(__name__)

# A collector that does not answer costs this many spans' memory, and this long at the end.
QUEUE: Final = 4096
EXPORT_S: Final = 5.0
END_S: Final = 6.0
SEND_EVERY_S: Final = 1.0
PATH: Final = "/v1/traces"
_trace: ContextVar[str] = ContextVar("wiseflow_trace", default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceOptions:
    """Where spans go.

    Args:
        endpoint: the address of the collector, without the path of traces.
        headers: that go with them; they may be secret.
        instance: the name of this process.
        proxies: whether the proxies of the environment are used.
    """

    endpoint: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    instance: str = ""
    proxies: bool = True


def trace_id(job_id: str) -> int:
    """The id of the trace of a job: its own 128 bits, which no other job has.

    Source: a ULID and a trace id of W3C Trace Context are both 128 bits, of which not all may be 0.
    """
    try:
        value = decode(job_id)
    except ValueError:  # not one of ours
        value = int.from_bytes(hashlib.sha256(job_id.encode()).digest()[:16])
    return value & (1 << 128) - 1 or 1


class OtelTracing:
    """Makes spans, and sends them in the background; see ``Tracing``.

    What cannot be sent is dropped: traces never hold up the work.

    Args:
        options: where they go.
    """

    def __init__(self, options: TraceOptions) -> None:
        session = requests.Session()
        session.trust_env = options.proxies
        exporter = OTLPSpanExporter(
            endpoint=options.endpoint.rstrip("/") + PATH,
            headers=dict(options.headers),
            timeout=EXPORT_S,
            session=session,
        )
        about = {
            "service.name": "wiseflow",
            "service.version": VERSION,
            "service.instance.id": options.instance,
        }
        # Not the library's global one: it belongs to who embeds us.
        self._provider = TracerProvider(
            resource=Resource.create(about), shutdown_on_exit=False, id_generator=_OfJobs()
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                exporter,
                max_queue_size=QUEUE,
                schedule_delay_millis=SEND_EVERY_S * 1000,
                export_timeout_millis=EXPORT_S * 1000,
            )
        )
        self._tracer = self._provider.get_tracer("wiseflow", VERSION)

    @contextmanager
    def root(self, trace: str, name: str, attributes: Mapping[str, Attribute]) -> Generator[Span]:
        """See ``Tracing.root``. A job that is resumed gets a further root in the same trace."""
        token = _trace.set(trace)
        try:
            with self._made(name, attributes, Context()) as made:
                yield made
        finally:
            _trace.reset(token)

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, Attribute]) -> Generator[Span]:
        """See ``Tracing.span``."""
        with self._made(name, attributes, None) as made:
            yield made

    async def aclose(self) -> None:
        """Send what is left, for a bounded time, and end."""
        try:
            async with asyncio.timeout(END_S):
                await asyncio.to_thread(self._provider.shutdown)
        except TimeoutError:
            _log.warning("The last traces could not be sent")

    @contextmanager
    def _made(
        self, name: str, attributes: Mapping[str, Attribute], context: Context | None
    ) -> Generator[Span]:
        with self._tracer.start_as_current_span(
            name,
            context=context,
            attributes=attributes,
            record_exception=False,  # its text may hold anything
            set_status_on_exception=False,
        ) as inner:
            made = _OtelSpan(inner)
            try:
                yield made
            except BaseException as error:
                made.failed(type(error).__name__)
                raise


class _OtelSpan:
    """See ``Span``."""

    def __init__(self, inner: api.Span) -> None:
        self._inner = inner

    @property
    def wanted(self) -> bool:
        """Whether it is sampled."""
        return self._inner.is_recording()

    def tell(self, attributes: Mapping[str, Attribute]) -> None:
        """Add attributes."""
        self._inner.set_attributes(dict(attributes))

    def failed(self, error: str) -> None:
        """Make it an error."""
        self._inner.set_attribute("error.type", error)
        self._inner.set_status(Status(StatusCode.ERROR, error))


class _OfJobs(IdGenerator):
    """Trace ids of the jobs that are run, span ids by chance."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()
        self._chance = random.SystemRandom()

    def generate_trace_id(self) -> int:
        """That of the job that the running task works on."""
        job_id = _trace.get()
        return trace_id(job_id) if job_id else self._random.generate_trace_id()

    def generate_span_id(self) -> int:
        """Any: processes that go on with one trace must not meet, whatever they were seeded by."""
        return self._chance.randrange(1, 1 << 64)
