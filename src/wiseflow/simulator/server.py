"""A simulator that runs: in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from aiohttp import web

from wiseflow.core.errors import Conflict, InvalidInput
from wiseflow.simulator.app import make_app
from wiseflow.simulator.checking import Checked, Checker
from wiseflow.simulator.clock import ScaledClock
from wiseflow.simulator.faults import FaultPlan
from wiseflow.simulator.limits import Limit, Limits
from wiseflow.simulator.log import RequestLog
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.providers import PROVIDERS, settings_of, url_of
from wiseflow.simulator.simulation import Simulation
from wiseflow.simulator.world import World

GRACE_S = 0.5  # real seconds for requests under way when it stops


class Simulator:
    """A simulator on a port of this machine, while it is entered.

    ::

        async with Simulator(SimulatorOptions(time_scale=0.01)) as sim:
            base = sim.url("openai")

    Args:
        options: what it does.

    Raises:
        InvalidInput: on entering, the address cannot be listened at.
    """

    def __init__(self, options: SimulatorOptions | None = None) -> None:
        self._simulation = Simulation(options or SimulatorOptions())
        self._runner: web.AppRunner | None = None
        self._checker: Checker | None = None

    async def __aenter__(self) -> Self:
        options = self._simulation.options
        runner = web.AppRunner(
            make_app(self._simulation),
            access_log=None,
            handle_signals=False,
            handler_cancellation=True,  # who hangs up holds no place
            shutdown_timeout=GRACE_S,
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, options.host, options.port)
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise InvalidInput(
                f"the simulator cannot listen at {options.host}, port {options.port} "
                f"({error.strerror or error})",
                cure="Give another port, or 0 for any that is free",
            ) from error
        self._runner = runner
        host, port = runner.addresses[0][:2]
        self._simulation.address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def address(self) -> str:
        """Of the simulator, as ``http://127.0.0.1:8080``.

        Raises:
            Conflict: it does not run.
        """
        if self._runner is None:
            raise Conflict("the simulator does not run", cure="Enter it: async with Simulator() …")
        return self._simulation.address

    @property
    def log(self) -> RequestLog:
        """Every request that ended."""
        return self._simulation.log

    @property
    def world(self) -> World:
        """What is so."""
        return self._simulation.shop.world

    @property
    def clock(self) -> ScaledClock:
        """Simulated time."""
        return self._simulation.clock

    def url(self, provider: str) -> str:
        """The base address of a provider, as its clients want it.

        Raises:
            NotFound: no such provider.
        """
        return url_of(self.address, provider)

    def settings(self) -> Mapping[str, str]:
        """Names and values of settings that make a program use the simulator."""
        return settings_of(self.address)

    def providers(self) -> Sequence[str]:
        """Their names."""
        return tuple(PROVIDERS)

    def check(self, text: str) -> Checked:
        """Which facts of the world a text states, and which it gets wrong."""
        if self._checker is None:
            self._checker = Checker(self.world)
        return self._checker.check(text)

    def set_faults(self, plan: FaultPlan) -> None:
        """Let other things go wrong; the plan's times count from now."""
        self._simulation.set_faults(plan)

    def set_limits(self, *limits: Limit) -> None:
        """Put these limits in place of all others, with nothing counted yet."""
        self._simulation.limits = Limits(limits)

    def reset(self) -> None:
        """Forget the log and what was counted."""
        self._simulation.reset()
