"""Schedules, for one principal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wiseflow.app.application import Application
from wiseflow.core.access import Principal, Scope
from wiseflow.core.errors import InvalidInput
from wiseflow.core.ids import new_id
from wiseflow.core.jobs import Job, JobFilter
from wiseflow.core.schedules import Schedule, ScheduleSpec
from wiseflow.jobs.cron import check_cron, check_time_zone, next_time
from wiseflow.jobs.scheduling import run_request, tag_of
from wiseflow.research.asking import clean_topic
from wiseflow.research.handler import KIND

LONGEST_NAME = 200
MOST_RUNS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """When a schedule would run.

    Args:
        schedule: as it is.
        runs: its next due times, seconds since the epoch.
    """

    schedule: Schedule
    runs: tuple[float, ...]


class SchedulesService:
    """Schedules of a tenant.

    Args:
        application: open.
        principal: who asks.
    """

    def __init__(self, application: Application, principal: Principal) -> None:
        self._app = application
        self._store = application.upkeep.schedules
        self.principal = principal

    async def add(self, spec: ScheduleSpec) -> Schedule:
        """A new schedule.

        Raises:
            Forbidden: the principal may not run researches.
            InvalidInput: something of it cannot be used; its place is named.
            ConfigurationError: a provider that is named is not set up.
            Conflict: there is one of that name.
        """
        self.principal.require(Scope.RUN)
        checked = await self._checked(spec)
        return await self._store.add(
            checked,
            tenant=self.principal.tenant,
            submitter=self.principal.key_id,
            next_at=await self._next(checked),
        )

    async def schedule(self, wanted: str) -> Schedule:
        """One schedule, by its id or its name. Raises ``NotFound``, ``Forbidden``."""
        self.principal.require(Scope.READ)
        return await self._store.get(wanted, tenant=self.principal.tenant)

    async def preview(self, wanted: str, *, count: int) -> Preview:
        """A schedule with its next due times. Raises ``NotFound``, ``Forbidden``."""
        schedule = await self.schedule(wanted)
        spec, runs = schedule.spec, list[float]()
        at = schedule.next_at
        while at is not None and len(runs) < count:
            runs.append(at)
            at = next_time(spec.cron, spec.time_zone, at)
        return Preview(schedule=schedule, runs=tuple(runs))

    async def schedules(self, *, after: str = "", limit: int = 100) -> list[Schedule]:
        """The schedules, newest first. Raises ``Forbidden``."""
        self.principal.require(Scope.READ)
        return await self._store.list(tenant=self.principal.tenant, after=after, limit=limit)

    async def runs(self, wanted: str, *, limit: int = MOST_RUNS) -> Sequence[Job]:
        """The researches of a schedule, newest first. Raises ``NotFound``, ``Forbidden``."""
        schedule = await self.schedule(wanted)
        tag, tenant = tag_of(schedule.schedule_id), self.principal.tenant
        return await self._app.queue.list(JobFilter(kind=KIND, tag=tag, tenant=tenant, limit=limit))

    async def change(self, wanted: str, spec: ScheduleSpec) -> Schedule:
        """Have a schedule be as given; raises as ``add``, ``NotFound``."""
        self.principal.require(Scope.RUN)
        before = await self.schedule(wanted)
        checked = await self._checked(spec)
        return await self._store.change(
            before.schedule_id,
            checked,
            tenant=self.principal.tenant,
            next_at=await self._next_after_change(before, checked),
        )

    async def enable(self, wanted: str, *, enabled: bool) -> Schedule:
        """Have a schedule run, or not; raises ``NotFound``, ``Forbidden``.

        What was due while it did not run is not made up for.
        """
        self.principal.require(Scope.RUN)
        before = await self.schedule(wanted)
        if before.spec.enabled is enabled:
            return before
        spec = replace(before.spec, enabled=enabled)
        return await self._store.change(
            before.schedule_id, spec, tenant=self.principal.tenant, next_at=await self._next(spec)
        )

    async def delete(self, wanted: str) -> Schedule:
        """Forget a schedule; its researches stay. Raises ``NotFound``, ``Forbidden``."""
        self.principal.require(Scope.RUN)
        schedule = await self.schedule(wanted)
        await self._store.delete(schedule.schedule_id, tenant=self.principal.tenant)
        return schedule

    async def run_now(self, wanted: str) -> Job:
        """Submit a schedule's research now, whatever it runs at; raises as ``add``, ``NotFound``.

        Its next due time stays.
        """
        self.principal.require(Scope.RUN)
        schedule = await self.schedule(wanted)
        asked = run_request(await self._app.upkeep.request(schedule), schedule, 0.0)
        key = f"schedule/{schedule.schedule_id}/now/{new_id()}"
        asked = replace(asked, submitter=self.principal.key_id, idempotency_key=key)
        return await self._app.queue.get(await self._store.run_now(schedule, asked))

    async def _checked(self, spec: ScheduleSpec) -> ScheduleSpec:
        topic = clean_topic(spec.topic)
        name = " ".join(spec.name.split()) or topic[:LONGEST_NAME].rstrip()
        if len(name) > LONGEST_NAME:
            raise InvalidInput(
                f"name: it has {len(name)} characters", cure=f"At most {LONGEST_NAME} are kept"
            )
        await self._app.settle(spec.configuration, documents=False)
        return replace(
            spec,
            name=name,
            topic=topic,
            cron=check_cron(spec.cron),
            time_zone=check_time_zone(spec.time_zone),
        )

    async def _next(self, spec: ScheduleSpec) -> float | None:
        if not spec.enabled:
            return None
        return next_time(spec.cron, spec.time_zone, await self._store.now())

    async def _next_after_change(self, before: Schedule, spec: ScheduleSpec) -> float | None:
        """A schedule whose times stay keeps its due time, also one that is due just now."""
        times = (spec.cron, spec.time_zone, spec.enabled)
        if times == (before.spec.cron, before.spec.time_zone, before.spec.enabled):
            return before.next_at
        return await self._next(spec)
