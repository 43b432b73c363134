"""Whether the program works: real checks, each with a time limit, each kept for a moment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

import psutil

from wiseflow.app.application import Application
from wiseflow.app.outside import model_to_use
from wiseflow.core.errors import WiseflowError
from wiseflow.core.jobs import JobStatus
from wiseflow.gateway.fronts import split_model
from wiseflow.observability.logs import get_logger
from wiseflow.research.handler import KIND

# So that any number of probes costs one check a second.
KEPT_S = 1.0
# Asking a provider counts against its key's limits.
MODEL_KEPT_S = 30.0
CACHE_LIMIT_S = 2.0
DATABASE_LIMIT_S = 2.0
MODEL_LIMIT_S = 5.0
MIB = 1024 * 1024
_log = get_logger(__name__)


class HealthStatus(StrEnum):
    """How something is."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"
    NOT_CONFIGURED = "not_configured"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentHealth:
    """How one part is; never an address, nor why it failed: that is in the log.

    Args:
        status: ``ok``, ``failed`` or ``not_configured``.
        latency_ms: how long its answer took; ``None`` when it was not asked.
    """

    status: HealthStatus
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """How the program is.

    Args:
        status: of the whole: without the database it failed, without its model it is degraded.
        uptime_s: since it was opened.
        active, pending: researches that run, and that wait, in the whole database.
        memory_mb: of this process and those below it, pages they share counted once.
        cpu_percent: of one core, of this process since the look before.
    """

    status: HealthStatus
    uptime_s: float
    database: ComponentHealth
    cache: ComponentHealth
    llm_api: ComponentHealth
    active: int
    pending: int
    memory_mb: float
    cpu_percent: float


class _Kept:
    """The outcome of a check, made anew when it is too old; those who come meanwhile wait."""

    def __init__(self, check: Callable[[], Awaitable[ComponentHealth]], kept_s: float) -> None:
        self._check = check
        self._kept_s = kept_s
        self._checking = asyncio.Lock()
        self._found: ComponentHealth | None = None
        self._at = 0.0

    async def get(self) -> ComponentHealth:
        async with self._checking:
            if self._found is None or time.monotonic() - self._at >= self._kept_s:
                self._found = await self._check()
                self._at = time.monotonic()
            return self._found


class Health:
    """Looks how the program is.

    Args:
        application: open.
    """

    def __init__(self, application: Application) -> None:
        self._app = application
        self._begun = time.monotonic()
        self._process = psutil.Process()
        self._database = _Kept(self._check_database, KEPT_S)
        self._cache = _Kept(self._check_cache, KEPT_S)
        self._model = _Kept(self._check_model, MODEL_KEPT_S)
        self._counts: tuple[int, int] = (0, 0)
        self._stopping = False

    def stop(self) -> None:
        """Be not ready from now on, so that nobody sends more."""
        self._stopping = True

    async def ready(self) -> bool:
        """Whether requests can be served."""
        return not self._stopping and (await self._database.get()).status is HealthStatus.OK

    async def report(self) -> HealthReport:
        """How the program is now."""
        async with asyncio.TaskGroup() as group:
            database = group.create_task(self._database.get(), name="health of the database")
            cache = group.create_task(self._cache.get(), name="health of the cache")
            model = group.create_task(self._model.get(), name="health of the model")
            memory = group.create_task(asyncio.to_thread(_memory_mb, self._process), name="memory")
        active, pending = self._counts
        return HealthReport(
            status=_whole(database.result(), cache.result(), model.result()),
            uptime_s=time.monotonic() - self._begun,
            database=database.result(),
            cache=cache.result(),
            llm_api=model.result(),
            active=active,
            pending=pending,
            memory_mb=memory.result(),
            cpu_percent=self._process.cpu_percent(),
        )

    async def _check_database(self) -> ComponentHealth:
        async def check() -> HealthStatus:
            tested = await self._app.test_connection()
            if tested.status != "ok":
                _log.warning("The database does not answer", error=tested.error)
                return HealthStatus.FAILED
            counts = await self._app.queue.counts(kind=KIND)
            self._counts = counts[JobStatus.RUNNING], counts[JobStatus.PENDING]
            return HealthStatus.OK

        return await _timed(check, DATABASE_LIMIT_S)

    async def _check_cache(self) -> ComponentHealth:
        """What processes share beside the database."""

        async def check() -> HealthStatus:
            if self._app.settings.limit_store != "redis":
                return HealthStatus.NOT_CONFIGURED
            tested = await self._app.test_cache()
            return HealthStatus.OK if tested.status == "ok" else HealthStatus.FAILED

        return _asked(await _timed(check, CACHE_LIMIT_S))

    async def _check_model(self) -> ComponentHealth:
        async def check() -> HealthStatus:
            name = await model_to_use(self._app.settings)
            if not name:
                return HealthStatus.NOT_CONFIGURED
            tested = await self._app.outside.directory.test_key(split_model(name)[0])
            return HealthStatus.OK if tested.valid else HealthStatus.FAILED

        return _asked(await _timed(check, MODEL_LIMIT_S))


async def _timed(check: Callable[[], Awaitable[HealthStatus]], limit_s: float) -> ComponentHealth:
    begun = time.perf_counter()
    try:
        async with asyncio.timeout(limit_s):
            status = await check()
    except (WiseflowError, TimeoutError) as error:
        _log.warning("A health check failed", error=str(error) or "it took too long")
        status = HealthStatus.FAILED
    return ComponentHealth(status=status, latency_ms=(time.perf_counter() - begun) * 1000)


def _asked(found: ComponentHealth) -> ComponentHealth:
    """What is not set up took no time."""
    unasked = found.status is HealthStatus.NOT_CONFIGURED
    return replace(found, latency_ms=None) if unasked else found


def _whole(database: ComponentHealth, *others: ComponentHealth) -> HealthStatus:
    if database.status is HealthStatus.FAILED:
        return HealthStatus.FAILED
    failed = any(one.status is HealthStatus.FAILED for one in others)
    return HealthStatus.DEGRADED if failed else HealthStatus.OK


def _memory_mb(process: psutil.Process) -> float:
    return sum(map(_bytes_of, [process, *process.children(recursive=True)])) / MIB


def _bytes_of(process: psutil.Process) -> int:
    try:
        memory = process.memory_full_info()
    except psutil.Error:  # it ended since the look at the tree
        return 0
    return int(getattr(memory, "pss", 0) or memory.rss)
