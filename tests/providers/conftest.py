from __future__ import annotations

import pytest
from tests.providers.servers import FixedClock, declared

from wiseflow.providers.http import HttpClients
from wiseflow.providers.network import Network
from wiseflow.providers.registry import Registry


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
