"""An hour of samples of how this process does, one each few seconds, and no more."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from wiseflow.app.metering.interval import Happened, Latencies
from wiseflow.app.metering.limit_use import LimitUse
from wiseflow.core.clock import Clock
from wiseflow.core.figures import JobFigures
from wiseflow.core.jobs import JobStatus
from wiseflow.engine.machine import Reading
from wiseflow.observability.logs import get_logger

_log = get_logger(__name__)

INTERVAL_S: Final = 5.0
KEPT_S: Final = 3600.0
KEPT: Final = round(KEPT_S / INTERVAL_S)
_MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceSample:
    """How this process did in one interval, which ended at ``at``.

    Args:
        at: seconds since the epoch.
        interval_s: how long it was.
        cpu_use: the share of the cores it may use, 0 to 1, that it and others kept busy.
        own_cores: how many cores this process and its children kept busy.
        memory_use: the share of the memory it may use, 0 to 1, that it and others have.
        memory_bytes: of this process alone.
        running: jobs that ran here at the end of it.
        places: how many may run here at once; 0 where no worker is.
        jobs_ended, jobs_failed: how many ended here in it.
        pending: jobs of all instances that waited at the end of it; ``None`` is not known.
        oldest_s: how long ago the oldest of those that could be begun was submitted.
        api: answers of the HTTP API.
        calls: attempts of calls, by provider.
        limits: how much of each provider's limits was used at the end of it.
    """

    at: float
    interval_s: float = INTERVAL_S
    cpu_use: float = 0.0
    own_cores: float = 0.0
    memory_use: float = 0.0
    memory_bytes: int = 0
    running: int = 0
    places: int = 0
    jobs_ended: int = 0
    jobs_failed: int = 0
    pending: int | None = None
    oldest_s: float = 0.0
    api: Latencies = field(default_factory=Latencies)
    calls: Mapping[str, Latencies] = field(default_factory=dict[str, Latencies])
    limits: Mapping[str, LimitUse] = field(default_factory=dict[str, LimitUse])

    @property
    def worker_use(self) -> float:
        """The share of the worker's places, 0 to 1, that have a job."""
        return self.running / self.places if self.places else 0.0

    @property
    def jobs_per_minute(self) -> float:
        """How many jobs would end in a minute at this pace."""
        return self.jobs_ended / self.interval_s * _MINUTE_S

    @property
    def calls_made(self) -> int:
        """Attempts of calls to all providers."""
        return sum(one.count for one in self.calls.values())

    @property
    def errors(self) -> int:
        """Jobs and calls that failed, and the server's own errors."""
        return self.jobs_failed + self.api.failed + sum(one.failed for one in self.calls.values())

    @property
    def limit_use(self) -> float:
        """The part, 0 and up, that is used of the limit that is used most."""
        used = (ratio for use in self.limits.values() for ratio in use.used.values())
        return max(used, default=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is looked at when a sample is taken.

    Args:
        reading: of the machine.
        memory_bytes: of this process alone.
        running, places: of the worker.
        happened: since the sample before.
        limits: of providers, now.
        figures: of all instances; ``None`` when the database does not tell.
    """

    reading: Reading
    memory_bytes: int
    running: int
    places: int
    happened: Happened
    limits: Mapping[str, LimitUse]
    figures: JobFigures | None


def sample_of(looked: Looked, *, at: float, interval_s: float) -> PerformanceSample:
    """The sample that follows from what was seen."""
    reading, happened, figures = looked.reading, looked.happened, looked.figures
    return PerformanceSample(
        at=at,
        interval_s=interval_s,
        cpu_use=min(1.0, reading.activity.cpu_use),
        own_cores=reading.activity.own_cores,
        memory_use=reading.memory_used_bytes / max(1, reading.memory_limit_bytes),
        memory_bytes=looked.memory_bytes,
        running=looked.running,
        places=looked.places,
        jobs_ended=happened.jobs_ended,
        jobs_failed=happened.jobs_failed,
        pending=None if figures is None else _pending(figures),
        oldest_s=0.0 if figures is None else max(figures.oldest_s.values(), default=0.0),
        api=happened.api,
        calls=happened.calls,
        limits=looked.limits,
    )


def _pending(figures: JobFigures) -> int:
    return sum(
        count for (_, status), count in figures.stored.items() if status is JobStatus.PENDING
    )


class PerformanceSeries:
    """The samples of the last hour.

    Args:
        look: looks at everything.
        clock: the time.
    """

    def __init__(self, look: Callable[[], Awaitable[Looked]], clock: Clock) -> None:
        self._look = look
        self._clock = clock
        self._samples: deque[PerformanceSample] = deque(maxlen=KEPT)
        self._last = clock.monotonic()

    def since(self, at: float) -> list[PerformanceSample]:
        """The samples taken after a time (seconds since the epoch), oldest first."""
        return [one for one in self._samples if one.at > at]

    async def take(self) -> None:
        """Take a sample now."""
        looked = await self._look()
        now = self._clock.monotonic()
        # A look that had to wait for the database makes the interval longer.
        interval_s, self._last = max(1e-3, now - self._last), now
        self._samples.append(sample_of(looked, at=self._clock.now(), interval_s=interval_s))

    async def run(self) -> None:
        """Take samples until it is cancelled."""
        while True:
            await self._clock.sleep(INTERVAL_S)
            try:
                await self.take()
            except Exception as error:  # noqa: BLE001 - a task's boundary: the next may be taken
                _log.error("A sample could not be taken", exc_info=error)
