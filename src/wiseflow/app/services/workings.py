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
from wiseflow.core.limits import RateLimit
from wiseflow.gateway.recording import CallTotals
from wiseflow.limits.states import KeyShown
from wiseflow.settings.shown import ShownSetting, shown_settings

MEGABYTE = 1_000_000


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
        cpu_percent: of one core, since the process began: what it and its children used.
        memory_bytes: of this process and its children.
        machine_memory_percent: of the whole machine.
        uptime_s: since the process began.
        tasks_running, tasks_waiting: of the engine.
        held: why nothing new may start; "" when it may.
        calls: by provider.
        limits: of every key that was asked for.
        latencies: the latest answered calls in their order, in seconds.
    """

    cpu_percent: float
    memory_bytes: int
    machine_memory_percent: float
    uptime_s: float
    tasks_running: int
    tasks_waiting: int
    held: str
    calls: tuple[CallFigures, ...]
    limits: tuple[KeyShown, ...]
    latencies: tuple[float, ...]


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
    def researches_at_once(self) -> int:
        """How many researches run side by side in one process."""
        return self._app.max_concurrent_research

    async def instances(self) -> list[str]:
        """The instances that run jobs now."""
        self.principal.require(Scope.READ)
        return await self._app.queue.running_owners()

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
        latest = [one for one in self._app.outside.records.latest if not one.error]
        process = psutil.Process()
        uptime_s = max(time.time() - process.create_time(), 1.0)
        family = _family(process)
        return Now(
            cpu_percent=100 * sum(cpu for cpu, _ in family) / uptime_s,
            memory_bytes=sum(memory for _, memory in family),
            machine_memory_percent=psutil.virtual_memory().percent,
            uptime_s=uptime_s,
            tasks_running=len(self._app.tasks.active_tasks),
            tasks_waiting=len(self._app.tasks.pending_tasks),
            held=self.held(),
            calls=self._calls(),
            limits=self.limits(),
            latencies=tuple(one.latency_s for one in latest),
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


def _family(process: psutil.Process) -> list[tuple[float, int]]:
    """CPU seconds and bytes of memory of a process and of its children, those that still live."""
    found: list[tuple[float, int]] = []
    for one in (process, *process.children(recursive=True)):
        try:
            times = one.cpu_times()
            found.append((times.user + times.system, one.memory_info().rss))
        except psutil.Error:  # it ended between the look at the tree and this one
            continue
    return found
