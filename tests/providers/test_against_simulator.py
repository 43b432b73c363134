"""The fetcher against the simulator, which shares no code with it."""

from functools import partial

import pytest
from tests.providers.servers import KEY

from wiseflow.core.asking import FetchRequest, SearchRequest
from wiseflow.core.errors import BadRequest, CallTimeout, NetworkFailed, ProviderDown, RateLimited
from wiseflow.providers.http import HttpClients
from wiseflow.providers.network import Network
from wiseflow.providers.pages import PageFetcher, PageLimits
from wiseflow.providers.politeness import Manners
from wiseflow.simulator.faults import FaultKind, FaultPlan, FaultRate

REQUEST = SearchRequest(query="tidal energy", limit=3)
HERE = Network(local_only=True, allowed_networks=("127.0.0.0/8",))


@pytest.fixture
async def searching(registry, sim):
    """Makes a provider that asks the simulator."""
    clients = HttpClients(HERE, timeout_s=30.0)

    def make(name):
        asked = registry.endpoint(name, api_key=KEY, base_url=sim.url(name))
        return registry.search(asked, clients)

    yield make
    await clients.aclose()


def striking(kind):
    # What drips or hangs must do so for longer than the client waits, at 100 times the speed.
    return FaultPlan(rates=(FaultRate(kind=kind, rate=1.0),), slow_s=6_000.0, hang_s=6_000.0)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (FaultKind.RATE_LIMITED, RateLimited),
        (FaultKind.UNAVAILABLE, ProviderDown),
        (FaultKind.RESET, NetworkFailed),
        (FaultKind.RESET_MIDWAY, NetworkFailed),
        (FaultKind.HANG, CallTimeout),
        (FaultKind.SLOW, CallTimeout),
        (FaultKind.KEY_EXPIRED, BadRequest),
    ],
)
async def test_a_page_that_does_not_come_is_told_by_its_kind(searching, sim, kind, expected):
    url = (await searching("exa").search(REQUEST)).value.results[0].url
    total_s = 0.2 if expected is CallTimeout else 30.0
    fetcher = PageFetcher(HERE, limits=PageLimits(total_s=total_s), manners=Manners(robots=False))
    sim.set_faults(striking(kind))

    fetch = partial(fetcher.fetch, FetchRequest(url=url))
    with pytest.raises(expected):
        await fetch()
    await fetcher.aclose()
