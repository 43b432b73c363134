"""What the dashboard reads of the program itself: providers, limits, settings, figures of now."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from wiseflow.app.application import Application
from wiseflow.app.endpoints import rates_of
from wiseflow.core.access import Principal, Scope
from wiseflow.core.calls import CallKind
from wiseflow.core.errors import WiseflowError
from wiseflow.core.instances import Instance
from wiseflow.core.jobs import JobStatus
from wiseflow.core.limits import RateLimit
from wiseflow.gateway.recording import CallTotals
from wiseflow.limits.states import KeyShown
from wiseflow.research.handler import KIND
from wiseflow.settings.shown import ShownSetting, shown_settings
from wiseflow.storage.sql.jobs import AGEING_S


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderState:
    """A provider and whether it can be asked.

    Args:
        name, about: which, and what it is.
        kinds: what it is asked for.
        ready: whether what it needs is set.
        needs_key: whether it answers nobody without a key.
        address: where it is asked; "" when that is not known.
        key_setting: the setting that holds its key.
    """

    name: str
    about: str
    kinds: tuple[str, ...]
    ready: bool
    needs_key: bool
    address: str
    key_setting: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFigures:
    """What the calls to one provider came to, since the process began.

    Args:
        kind, provider, model: what was asked of whom.
        totals: all attempts.
        p50_s, p95_s: of the latest answered ones, in seconds; ``None`` where there are none.
    """

    kind: CallKind
    provider: str
    model: str
    totals: CallTotals
    p50_s: float | None
    p95_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """The figures of this process at one moment.

    Args:
        uptime_s: since the process began.
        tasks_running, tasks_waiting: of the engine.
        held: why nothing new may start; "" when it may.
        calls: by provider.
        limits: of every key that was asked for.
    """

    uptime_s: float
    tasks_running: int
    tasks_waiting: int
    held: str
    calls: tuple[CallFigures, ...]
    limits: tuple[KeyShown, ...]


class WorkingsPages:
    """The program as the dashboard shows it.

    Args:
        application: open.
        principal: who asks.
    """

    def __init__(self, application: Application, principal: Principal) -> None:
        self._app = application
        self.principal = principal

    @property
    def researches_everywhere(self) -> int:
        """How many researches may run at once in all instances; 0 for no such bound."""
        return self._app.settings.max_research_everywhere

    @property
    def ageing_s(self) -> float:
        """Who has waited so long goes as if it were one priority more urgent."""
        return AGEING_S

    async def instances(self) -> Sequence[Instance]:
        """The instances of the service, the dead ones of the last hour included."""
        self.principal.require(Scope.READ)
        return await self._app.instances()

    async def researches_running(self) -> int:
        """How many researches run in all instances, of all tenants; 0 where that is not known."""
        self.principal.require(Scope.READ)
        figures = await self._app.meter.figures() if self._app.meter else None
        return figures.now(KIND, JobStatus.RUNNING) if figures else 0

    def held(self) -> str:
        """Why no new task may start on this machine; "" when it may."""
        room = self._app.tasks.room
        return room.held if room else ""

    def limits(self) -> tuple[KeyShown, ...]:
        """Every key of a provider that was asked for, as it is now."""
        self.principal.require(Scope.READ)
        return tuple(self._app.outside.limiter.state())

    def searches(self) -> list[str]:
        """The search providers that are set up, by name."""
        return [one.name for one in self.providers() if one.ready and "search" in one.kinds]

    def providers(self) -> list[ProviderState]:
        """All providers that are installed. Raises ``Forbidden``."""
        self.principal.require(Scope.READ)
        directory = self._app.outside.directory
        return [
            ProviderState(
                name=spec.name,
                about=spec.about,
                kinds=tuple(sorted(map(str, spec.kinds))),
                ready=directory.usable(spec.name),
                needs_key=spec.key_required,
                address=self._address(spec.name),
                key_setting=f"{spec.name.upper()}_API_KEY",
            )
            for spec in directory.specs
        ]

    def rates(self) -> list[tuple[str, RateLimit]]:
        """The limits that are set, by provider or ``provider:model``."""
        self.principal.require(Scope.READ)
        found = rates_of(self._app.settings)
        return [
            (f"{provider}:{model}" if model else provider, rate)
            for (provider, model), rate in sorted(found.items())
        ]

    def settings(self) -> list[ShownSetting]:
        """All settings that this version uses, without secrets. Raises ``Forbidden``."""
        self.principal.require(Scope.ADMIN)
        return [one for one in shown_settings(self._app.settings) if one.used]

    def now(self) -> Now:
        """The figures of this moment. Raises ``Forbidden``."""
        self.principal.require(Scope.READ)
        return Now(
            uptime_s=max(time.time() - psutil.Process().create_time(), 0.0),
            tasks_running=len(self._app.tasks.active_tasks),
            tasks_waiting=len(self._app.tasks.pending_tasks),
            held=self.held(),
            calls=self._calls(),
            limits=self.limits(),
        )

    def _calls(self) -> tuple[CallFigures, ...]:
        records = self._app.outside.records
        by_key: dict[tuple[CallKind, str, str], list[float]] = {}
        for one in records.latest:
            if not one.error:
                by_key.setdefault((one.kind, one.provider, one.model), []).append(one.latency_s)
        return tuple(
            CallFigures(
                kind=key[0],
                provider=key[1],
                model=key[2],
                totals=totals,
                p50_s=quantile(by_key.get(key, ()), 0.5),
                p95_s=quantile(by_key.get(key, ()), 0.95),
            )
            for key, totals in sorted(records.totals.items())
        )

    def _address(self, name: str) -> str:
        try:
            return self._app.outside.directory.endpoint(name).address
        except WiseflowError:
            return ""


def quantile(values: Sequence[float], share: float) -> float | None:
    """The least value that ``share`` of the values do not exceed; ``None`` of none."""
    if not values:
        return None
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
