"""What a service looks after beside its jobs: schedules that are due, and who is to be told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from wiseflow.app.defaults import Settled
from wiseflow.app.endpoints import network_of
from wiseflow.core.clock import Clock
from wiseflow.core.errors import NotFound
from wiseflow.core.jobs import JobRequest, Outcome
from wiseflow.core.ports import ReportStore
from wiseflow.core.schedules import Schedule
from wiseflow.core.webhooks import SecretBox
from wiseflow.jobs.context import JobContext
from wiseflow.jobs.scheduling import ScheduleTick
from wiseflow.jobs.ticking import Tick, keep_ticking
from wiseflow.jobs.webhooks import WebhookHandler, WebhookTick
from wiseflow.research.handler import KIND
from wiseflow.research.rendering.json import report_from_text, report_to_json
from wiseflow.settings.model import Settings
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.schedules import SqlScheduleStore
from wiseflow.storage.sql.shares import SqlShareStore
from wiseflow.storage.sql.webhooks import SqlWebhookStore

if TYPE_CHECKING:  # it imports the HTTP client, which is slow
    from wiseflow.providers.posting import WebhookPoster

NewRequest = Callable[..., JobRequest]


class Upkeep:
    """Keeps time for a service.

    Args:
        settings: what holds.
        database, queue, reports: where all is kept.
        settle: checks a configuration and fills in what it does not name.
        new_request: makes the job of a research; see ``Application.research_request``.
        clock: the time.
        box: seals the secrets of webhooks.
    """

    def __init__(
        self,
        *,
        settings: Settings,
        database: Database,
        queue: SqlJobQueue,
        reports: ReportStore,
        settle: Callable[[Mapping[str, object]], Awaitable[Settled]],
        new_request: NewRequest,
        clock: Clock,
        box: SecretBox,
    ) -> None:
        self.schedules = SqlScheduleStore(database, queue)
        self.webhooks = SqlWebhookStore(database, queue)
        self.shares = SqlShareStore(database)
        self.box = box
        self._settings = settings
        self._reports = reports
        self._poster: WebhookPoster | None = None
        self._settle = settle
        self._new_request = new_request
        self._clock = clock

    async def run(self, *, stop: asyncio.Event) -> None:
        """Look after all of it until ``stop`` is set: beside a server, or beside a worker."""
        await keep_ticking(self.ticks(), clock=self._clock, stop=stop)

    def ticks(self) -> Sequence[Tick]:
        """What is looked after."""
        return [
            ScheduleTick(store=self.schedules, request=self.request),
            WebhookTick(store=self.webhooks, kind=KIND),
        ]

    @property
    def poster(self) -> WebhookPoster:
        """What sends messages; it is made when it is first needed."""
        if self._poster is None:
            from wiseflow.providers.posting import WebhookPoster  # noqa: PLC0415 - slow

            self._poster = WebhookPoster(network_of(self._settings))
        return self._poster

    async def deliver(self, run: JobContext) -> Outcome | None:
        """Run a job of the kind ``webhook``; raises as ``WebhookHandler``."""
        handler = WebhookHandler(
            store=self.webhooks,
            poster=self.poster,
            box=self.box,
            report=self._report,
            clock=self._clock,
        )
        return await handler(run)

    async def aclose(self) -> None:
        """Close all connections."""
        if self._poster is not None:
            await self._poster.aclose()

    async def request(self, schedule: Schedule) -> JobRequest:
        """The research that a schedule asks for, with the defaults that hold now.

        Raises:
            InvalidInput: something of it cannot be used any more.
            ConfigurationError: a provider that it names is not set up any more.
        """
        spec = schedule.spec
        settled = await self._settle(spec.configuration)
        return self._new_request(spec.topic, settled.given, priority=spec.priority, tags=spec.tags)

    async def _report(self, job_id: str) -> Mapping[str, object] | None:
        try:
            return report_to_json(report_from_text(await self._reports.get(job_id)))
        except NotFound:
            return None
