"""What a service looks after beside its jobs: schedules that are due, and who is to be told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from wiseflow.app.defaults import Settled
from wiseflow.core.clock import Clock
from wiseflow.core.jobs import JobRequest
from wiseflow.core.schedules import Schedule
from wiseflow.jobs.scheduling import ScheduleTick
from wiseflow.jobs.ticking import Tick, keep_ticking
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.schedules import SqlScheduleStore

NewRequest = Callable[..., JobRequest]


class Upkeep:
    """Keeps time for a service.

    Args:
        database, queue: where all is kept.
        settle: checks a configuration and fills in what it does not name.
        new_request: makes the job of a research; see ``Application.research_request``.
        clock: the time.
    """

    def __init__(
        self,
        *,
        database: Database,
        queue: SqlJobQueue,
        settle: Callable[[Mapping[str, object]], Awaitable[Settled]],
        new_request: NewRequest,
        clock: Clock,
    ) -> None:
        self.schedules = SqlScheduleStore(database, queue)
        self._settle = settle
        self._new_request = new_request
        self._clock = clock

    async def run(self, *, stop: asyncio.Event) -> None:
        """Look after all of it until ``stop`` is set: beside a server, or beside a worker."""
        await keep_ticking(self.ticks(), clock=self._clock, stop=stop)

    def ticks(self) -> Sequence[Tick]:
        """What is looked after."""
        return [ScheduleTick(store=self.schedules, request=self.request)]

    async def request(self, schedule: Schedule) -> JobRequest:
        """The research that a schedule asks for, with the defaults that hold now.

        Raises:
            InvalidInput: something of it cannot be used any more.
            ConfigurationError: a provider that it names is not set up any more.
        """
        spec = schedule.spec
        settled = await self._settle(spec.configuration)
        return self._new_request(spec.topic, settled.given, priority=spec.priority, tags=spec.tags)
