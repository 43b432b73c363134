"""Opens the program: its database, its engine and its gateway, closed in the reverse order."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

from wiseflow.app.application import READING_POOL, RESEARCH_POOL, Application
from wiseflow.app.databases import check_local_only, database_options
from wiseflow.app.engines import engine
from wiseflow.app.libraries import parse_bounds
from wiseflow.app.limiting import open_limiter
from wiseflow.app.metering.truth import Truth
from wiseflow.app.outside import Outside, open_outside
from wiseflow.app.sealing import with_kept_secrets
from wiseflow.app.sharing import shared_outside
from wiseflow.app.tracing import open_tracing
from wiseflow.app.warming import Warming
from wiseflow.core.clock import Clock, SystemClock
from wiseflow.core.news import OnNews
from wiseflow.core.tasks import TaskEvent
from wiseflow.engine.processes import ProcessPool
from wiseflow.engine.remembering import remembered
from wiseflow.engine.tasks import TaskManager
from wiseflow.settings.model import Settings
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.figures import SqlJobFigures
from wiseflow.storage.sql.schema import open_database
from wiseflow.storage.sql.secrets import SqlSecretStore
from wiseflow.storage.sql.statistics import SqlStatisticsStore

if TYPE_CHECKING:  # Prometheus' library is slow to import, and short commands need none of it
    from wiseflow.app.metering.meter import Meter

# One search, or the writing of one section, takes milliseconds; a call that takes this is stuck.
COMPUTE_TIMEOUT_S = 120.0
# What a worker process imports at its start, so that the first research need not wait for it.
RESEARCH_MODULES = (
    "wiseflow.research.extractive.authors",
    "wiseflow.research.extractive.retrieving",
)
READING_MODULES = ("wiseflow.research.web.warming",)


@asynccontextmanager
async def open_application(
    settings: Settings,
    *,
    clock: Clock | None = None,
    on_task: Callable[[TaskEvent], None] | None = None,
    on_news: OnNews | None = None,
    meter: Meter | None = None,
) -> AsyncGenerator[Application]:
    """The application, its database open and of this version; closed on leaving.

    Args:
        settings: what holds.
        clock: the time; the system's when ``None``.
        on_task: is told what happens to the tasks of the engine.
        on_news: is told who is asked, once, and who does not answer and is waited for.
        meter: counts what happens, in a service.

    Raises:
        StorageError: the database cannot be opened.
        SchemaMismatch: a newer version has upgraded it.
        ConfigurationError: a setting cannot be used.
    """
    check_local_only(settings)
    database = await open_database(settings.database_url, database_options(settings))
    try:
        settings = await with_kept_secrets(settings, SqlSecretStore(database))
        given, clock = clock, clock or SystemClock()
        async with (
            open_tracing(settings) as tracing,
            remembered(SqlStatisticsStore(database), clock) as predictor,
            _research_pool(settings) as research,
            _reading_pool(settings) as reading,
            engine(settings, predictor=predictor, on_event=_told(on_task, meter)) as tasks,
            _outside(settings, given, on_news) as outside,
            _metered(meter, database, tasks, outside, clock),
            Warming(reading.start, outside.directory.warm) as warming,
        ):
            tasks.add_pool(RESEARCH_POOL, research)
            tasks.add_pool(READING_POOL, reading)
            opened = Application(
                settings=settings,
                database=database,
                tasks=tasks,
                outside=outside,
                warming=warming,
                clock=clock,
                meter=meter,
                tracing=tracing,
            )
            try:
                yield opened
            finally:
                await opened.upkeep.aclose()
    finally:
        await database.close()


def _told(
    on_task: Callable[[TaskEvent], None] | None, meter: Meter | None
) -> Callable[[TaskEvent], None] | None:
    """Tells the events of tasks to whoever wants to know."""
    if on_task is None or meter is None:
        return on_task if meter is None else meter.changed

    def tell(event: TaskEvent) -> None:
        meter.changed(event)
        on_task(event)

    return tell


def _metered(
    meter: Meter | None, database: Database, tasks: TaskManager, outside: Outside, clock: Clock
) -> AbstractAsyncContextManager[None]:
    if meter is None:
        return nullcontext()
    # Only a service has a meter, and its modules are slow to import.
    from wiseflow.app.metering.meter import Metered  # noqa: PLC0415

    truth = Truth(SqlJobFigures(database), clock)
    return meter.measuring(Metered(tasks=tasks, outside=outside, truth=truth))


def _research_pool(settings: Settings) -> ProcessPool:
    return ProcessPool(
        workers=settings.max_concurrent_tasks,
        name=RESEARCH_POOL,
        timeout_s=COMPUTE_TIMEOUT_S,
        preload=RESEARCH_MODULES,
    )


def _reading_pool(settings: Settings) -> ProcessPool:
    """Processes that read files and pages, which are hostile: bounded in memory and time."""
    return ProcessPool(
        workers=settings.max_concurrent_tasks,
        name=READING_POOL,
        timeout_s=settings.index_parse_timeout_s,
        limits=parse_bounds(settings),
        preload=READING_MODULES,
    )


@asynccontextmanager
async def _outside(
    settings: Settings, clock: Clock | None, on_news: OnNews | None
) -> AsyncGenerator[Outside]:
    """The gateway that the event loop's applications share; one alone where time is not real."""
    if clock is None:
        async with shared_outside(settings, on_news=on_news) as outside:
            yield outside
        return
    opened = await open_limiter(settings, clock)
    try:
        async with open_outside(settings, clock, opened.limiter, on_news=on_news) as outside:
            yield outside
    finally:
        await opened.aclose()
