"""The search providers and the fetcher against the simulator, which shares no code with them."""

from functools import partial

import pytest
from tests.providers.servers import KEY

from wiseflow.core.asking import FetchRequest, SearchRequest
from wiseflow.core.errors import (
    AuthFailed,
    BadRequest,
    CallTimeout,
    MalformedOutput,
    NetworkFailed,
    ProviderDown,
    QuotaSpent,
    RateLimited,
)
from wiseflow.core.limits import Dimension
from wiseflow.providers.http import HttpClients
from wiseflow.providers.network import Network
from wiseflow.providers.pages import PageFetcher, PageLimits
from wiseflow.simulator.faults import FaultKind, FaultPlan, FaultRate
from wiseflow.simulator.limits import Dimension as Counted
from wiseflow.simulator.limits import Limit
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess

NAMES = ["exa", "perplexity", "searxng", "tavily"]
REQUEST = SearchRequest(query="tidal energy", limit=3)
HERE = Network(local_only=True, allowed_networks=("127.0.0.0/8",))
KINDS = {
    FaultKind.RATE_LIMITED: RateLimited,
    FaultKind.RATE_LIMITED_SILENTLY: RateLimited,
    FaultKind.SERVER_ERROR: ProviderDown,
    FaultKind.UNAVAILABLE: ProviderDown,
    FaultKind.RESET: NetworkFailed,
    FaultKind.RESET_MIDWAY: NetworkFailed,
    FaultKind.SLOW: CallTimeout,
    FaultKind.HANG: CallTimeout,
    FaultKind.TRUNCATED: MalformedOutput,
    FaultKind.KEY_EXPIRED: AuthFailed,
    FaultKind.QUOTA_SPENT: QuotaSpent,
}


@pytest.fixture(scope="module")
def simulator():
    with SimulatorProcess(SimulatorOptions(time_scale=0.01)) as running:
        yield running


@pytest.fixture
def sim(simulator):
    simulator.reset()
    simulator.set_faults(FaultPlan())
    simulator.set_limits()
    return simulator


@pytest.fixture
async def searching(registry, sim):
    """Makes a provider that asks the simulator."""
    clients = HttpClients(HERE, timeout_s=1.0)

    def make(name):
        asked = registry.endpoint(name, api_key=KEY, base_url=sim.url(name))
        return registry.search(asked, clients)

    yield make
    await clients.aclose()


def striking(kind):
    # What drips or hangs must do so for longer than the client waits, at 100 times the speed.
    return FaultPlan(rates=(FaultRate(kind=kind, rate=1.0),), slow_s=6_000.0, hang_s=6_000.0)


@pytest.mark.parametrize("name", NAMES)
async def test_a_search_finds_pages_that_can_be_fetched(searching, name):
    reply = await searching(name).search(REQUEST)

    assert 0 < len(reply.value.results) <= 3
    assert all(one.title and one.snippet and one.published for one in reply.value.results)
    fetcher = PageFetcher(HERE)
    page = await fetcher.fetch(FetchRequest(url=reply.value.results[0].url))
    await fetcher.aclose()
    assert page.value.content_type == "text/html"


@pytest.mark.parametrize("name", NAMES)
async def test_a_key_is_tested(searching, name):
    assert (await searching(name).test_key()).valid


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", list(KINDS))
async def test_what_goes_wrong_is_of_its_kind(searching, sim, name, kind):
    sim.set_faults(striking(kind))
    expected = (MalformedOutput, NetworkFailed) if kind == FaultKind.RESET_MIDWAY else KINDS[kind]

    with pytest.raises(expected) as caught:
        await searching(name).search(REQUEST)

    assert KEY not in repr(caught.value)


@pytest.mark.parametrize("name", ["exa", "perplexity", "tavily"])
async def test_limits_are_heard_on_success(searching, sim, name):
    sim.set_limits(Limit(dimension=Counted.REQUESTS, amount=30, window_s=60))

    reply = await searching(name).search(REQUEST)

    told = [one for one in reply.allowances if one.dimension is Dimension.REQUESTS]
    assert [one.limit for one in told] == [30]
    assert told[0].remaining is not None


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
    fetcher = PageFetcher(HERE, limits=PageLimits(total_s=1.0))
    sim.set_faults(striking(kind))

    fetch = partial(fetcher.fetch, FetchRequest(url=url))
    with pytest.raises(expected):
        await fetch()
    await fetcher.aclose()
