from __future__ import annotations

import pytest
from tests.providers.servers import FixedClock, declared

from wiseflow.providers.http import HttpClients
from wiseflow.providers.network import Network
from wiseflow.providers.registry import Registry
from wiseflow.simulator.faults import FaultPlan
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess


@pytest.fixture(scope="session")
def simulator():
    """A simulator at 100 times the speed, one for each process of the tests."""
    with SimulatorProcess(SimulatorOptions(time_scale=0.01)) as running:
        yield running


@pytest.fixture
def sim(simulator):
    """The simulator as if it had just begun, without faults and limits."""
    simulator.reset()
    simulator.set_faults(FaultPlan())
    simulator.set_limits()
    return simulator


@pytest.fixture
async def make_clients():
    """Makes HTTP clients, and closes them."""
    made: list[HttpClients] = []

    def make(network: Network | None = None, **others) -> HttpClients:
        made.append(HttpClients(network, clock=others.pop("clock", FixedClock()), **others))
        return made[-1]

    yield make
    for clients in made:
        await clients.aclose()


@pytest.fixture
def registry() -> Registry:
    """The providers that the project file declares, whatever is installed."""
    return Registry(declared())
