"""What every search provider keeps to, over real HTTP against its twin in the simulator.

A further provider is one line of ``PROVIDERS``; that none is left out is a test of its own.
"""

from dataclasses import dataclass, replace

import pytest
from tests.providers.servers import KEY, answering, endpoint, serving

from wiseflow.core.asking import FetchRequest, SearchRequest
from wiseflow.core.calls import CallKind
from wiseflow.core.errors import (
    AuthFailed,
    CallError,
    CallTimeout,
    InvalidInput,
    MalformedOutput,
    NetworkFailed,
    ProviderDown,
    QuotaSpent,
    RateLimited,
)
from wiseflow.core.limits import Dimension
from wiseflow.providers.http import HttpClients
from wiseflow.providers.network import Network
from wiseflow.providers.pages import PageFetcher
from wiseflow.simulator.faults import FaultKind, FaultPlan, FaultRate
from wiseflow.simulator.limits import Dimension as Counted
from wiseflow.simulator.limits import Limit
from wiseflow.simulator.world import World


@dataclass(frozen=True)
class Provider:
    """What a provider can do.

    Args:
        name: of it.
        keys: takes a key.
        quota: says by itself that a key's quota is spent.
        tells_limits: in the headers of a success.
        dates: tells when a result was published.
        languages: searches in one language only, when told.
        texts: gives a text of each result, so that it need not be fetched.
        authors: tells who wrote a result.
        sites: tells which site or journal a result is of.
    """

    name: str
    keys: bool = False
    quota: bool = False
    tells_limits: bool = False
    dates: bool = True
    languages: bool = False
    texts: bool = False
    authors: bool = False
    sites: bool = False


PROVIDERS = [
    Provider("tavily", keys=True, quota=True, tells_limits=True),
    Provider("exa", keys=True, quota=True, tells_limits=True, texts=True, authors=True),
    Provider("perplexity", keys=True, quota=True, tells_limits=True, languages=True),
    Provider("searxng", languages=True),
    Provider("arxiv", texts=True, authors=True, sites=True),
    Provider("pubmed", keys=True, languages=True, texts=True, authors=True, sites=True),
    Provider("openalex", keys=True, tells_limits=True, languages=True, texts=True,
             authors=True, sites=True),
    Provider("crossref", keys=True, tells_limits=True, texts=True, authors=True, sites=True),
    Provider("wikipedia", languages=True),
    Provider("duckduckgo", dates=False),
]  # fmt: skip
QUERY = "What is known about the budget of the harbour?"
HERE = Network(local_only=True, allowed_networks=("127.0.0.0/8",))
SINCE, UNTIL = "2018-01-01", "2021-12-31"
KINDS = {
    FaultKind.RATE_LIMITED: RateLimited,
    FaultKind.RATE_LIMITED_SILENTLY: RateLimited,
    FaultKind.SERVER_ERROR: ProviderDown,
    FaultKind.UNAVAILABLE: ProviderDown,
    FaultKind.RESET: NetworkFailed,
    FaultKind.RESET_MIDWAY: (MalformedOutput, NetworkFailed),
    FaultKind.SLOW: CallTimeout,
    FaultKind.HANG: CallTimeout,
    FaultKind.TRUNCATED: MalformedOutput,
}
BROKEN = [
    b"",
    b" \n",
    b'{"results": [{"ti',
    b"<html>busy</html>",
    b"<?xml version='1.0'?><feed><entry>",
    b"[]",
    b"3",
    b"null",
    b"\xff\xfe\x00\x00",
    b"[" * 100_000,
    b"<a>" * 100_000,
]


def those(**wanted):
    """The providers that can do something, as parameters of a test."""
    found = [
        one
        for one in PROVIDERS
        if all(getattr(one, name) == is_so for name, is_so in wanted.items())
    ]
    return pytest.mark.parametrize("provider", found, ids=lambda one: one.name)


@pytest.fixture
async def asking(registry, sim):
    """Makes a provider that asks its twin, and waits as long as a busy machine may need."""
    opened = []

    def make(provider, timeout_s=30.0):
        clients = HttpClients(HERE, timeout_s=timeout_s)
        opened.append(clients)
        base = sim.settings()[f"{provider.name.upper()}_API_BASE"]
        asked = registry.endpoint(provider.name, api_key=KEY, base_url=base)
        return registry.search(asked, clients)

    yield make
    for clients in opened:
        await clients.aclose()


@pytest.fixture
def at(registry, make_clients):
    """Makes a provider that asks a server."""
    return lambda provider, base: registry.search(
        endpoint(base, provider=provider.name), make_clients()
    )


def striking(kind):
    # What drips or hangs must do so for longer than the client waits, at 100 times the speed.
    return FaultPlan(rates=(FaultRate(kind=kind, rate=1.0),), slow_s=6_000.0, hang_s=6_000.0)


def test_every_search_provider_is_listed_here(registry):
    assert {one.name for one in PROVIDERS} == {
        spec.name for spec in registry.specs(CallKind.SEARCH)
    }


@those()
async def test_results_are_plain_records_of_their_provider(asking, provider):
    reply = await asking(provider).search(SearchRequest(query=QUERY, limit=4))

    results = reply.value.results
    assert len(results) == 4
    assert reply.value.provider == provider.name
    assert reply.usage.bytes > 0
    assert [one.score for one in results] == sorted((one.score for one in results), reverse=True)
    assert len({one.url for one in results}) == 4
    for one in results:
        assert one.provider == provider.name
        assert one.title
        assert one.snippet
        assert one.url.startswith(("http://", "https://"))
        assert 0 < one.score <= 1
        assert (len(one.published) == 10) is provider.dates
        if provider.texts:
            assert one.text


@those()
async def test_who_wrote_a_result_is_told_where_the_provider_knows(asking, provider):
    reply = await asking(provider).search(SearchRequest(query=QUERY, limit=4))

    by_title = {page.title: page for page in World(1).pages.values()}
    for one in reply.value.results:
        assert one.authors == (by_title[one.title].authors if provider.authors else ())
        assert bool(one.site) is provider.sites
        if provider.sites:
            assert one.site in {"arXiv", by_title[one.title].site}


@those(texts=False)
async def test_what_is_found_can_be_fetched(asking, provider):
    reply = await asking(provider).search(SearchRequest(query=QUERY, limit=1))

    fetcher = PageFetcher(HERE)
    page = await fetcher.fetch(FetchRequest(url=reply.value.results[0].url))
    await fetcher.aclose()
    assert page.value.content_type == "text/html"


@those()
@pytest.mark.parametrize("limit", [1, 2, 7])
async def test_no_more_results_come_than_are_asked_for(asking, provider, limit):
    reply = await asking(provider).search(SearchRequest(query=QUERY, limit=limit))

    assert 0 < len(reply.value.results) <= limit


@those()
async def test_nothing_found_is_an_answer(asking, sim, provider):
    sim.set_faults(striking(FaultKind.EMPTY))

    assert (await asking(provider).search(SearchRequest(query=QUERY))).value.results == ()


@those()
@pytest.mark.parametrize(
    ("since", "until"), [(SINCE, UNTIL), (SINCE, ""), ("", UNTIL), ("2049-01-01", "")]
)
async def test_what_is_known_to_be_of_other_days_is_left_out(asking, provider, since, until):
    request = SearchRequest(query=QUERY, limit=5, since=since, until=until)

    results = (await asking(provider).search(request)).value.results

    told = [one.published for one in results if one.published]
    assert all(since <= day <= (until or day) for day in told)
    if provider.dates and since != "2049-01-01":
        assert told


@those()
async def test_a_day_that_is_none_is_refused_before_anything_is_sent(asking, sim, provider):
    if not provider.dates:
        return
    request = SearchRequest(query=QUERY, since="yesterday")

    with pytest.raises(InvalidInput, match="no date"):
        await asking(provider).search(request)

    assert sim.log() == []


@those(languages=True)
async def test_a_language_is_kept_to(asking, provider):
    english = await asking(provider).search(SearchRequest(query=QUERY, language="en"))
    german = await asking(provider).search(SearchRequest(query=QUERY, language="de"))

    assert english.value.results
    assert german.value.results == ()  # all that is simulated is in English


@those(languages=False)
async def test_where_no_language_can_be_told_none_is(asking, provider):
    assert (await asking(provider).search(SearchRequest(query=QUERY, language="de"))).value.results


@those()
@pytest.mark.parametrize(
    "query",
    [
        "Wie hoch ist das Budget für den Häfen? 预算",
        'budget AND "harbour" OR (x:y) [z] !bang #&=?%',
        "harbour " * 300,
        "harbour\t\n\u2028budget\x00",
    ],
)
async def test_any_words_may_be_asked(asking, provider, query):
    reply = await asking(provider).search(SearchRequest(query=query, limit=3))

    assert len(reply.value.results) <= 3


@those()
@pytest.mark.parametrize("kind", list(KINDS))
async def test_what_goes_wrong_is_of_its_kind(asking, sim, provider, kind):
    sim.set_faults(striking(kind))
    timeout_s = 0.2 if kind in {FaultKind.HANG, FaultKind.SLOW} else 30.0

    with pytest.raises(KINDS[kind]) as caught:
        await asking(provider, timeout_s).search(SearchRequest(query=QUERY))

    assert caught.value.provider == provider.name
    assert KEY not in repr(caught.value)


@those()
async def test_how_long_to_wait_is_told_with_a_429(asking, sim, provider):
    plan = striking(FaultKind.RATE_LIMITED)
    sim.set_faults(replace(plan, retry_after_s=700.0))  # 7 s for who has no simulated clock

    with pytest.raises(RateLimited) as caught:
        await asking(provider).search(SearchRequest(query=QUERY))

    assert caught.value.retry_after_s == pytest.approx(7, abs=0.5)


@those(keys=True)
async def test_a_key_is_sent_and_a_wrong_one_is_told_with_its_setting(asking, sim, provider):
    await asking(provider).search(SearchRequest(query=QUERY))
    assert {one["key"] for one in sim.log()} == {KEY}
    sim.set_faults(striking(FaultKind.KEY_EXPIRED))

    with pytest.raises(AuthFailed, match=f"{provider.name.upper()}_API_KEY") as caught:
        await asking(provider).search(SearchRequest(query=QUERY))

    assert KEY not in repr(caught.value)
    assert not (await asking(provider).test_key()).valid


@those(keys=False)
async def test_who_takes_no_key_is_told_none(asking, sim, provider):
    await asking(provider).search(SearchRequest(query=QUERY))

    if provider.name != "searxng":  # one's own may stand behind a gate
        assert {one["key"] for one in sim.log()} == {""}


@those(quota=True)
async def test_a_spent_quota_is_told_as_such(asking, sim, provider):
    sim.set_faults(striking(FaultKind.QUOTA_SPENT))

    with pytest.raises(QuotaSpent):
        await asking(provider).search(SearchRequest(query=QUERY))


@those(tells_limits=True)
async def test_limits_are_heard_on_success(asking, sim, provider):
    sim.set_limits(Limit(dimension=Counted.REQUESTS, amount=30, window_s=60))

    reply = await asking(provider).search(SearchRequest(query=QUERY))

    told = [one for one in reply.allowances if one.dimension is Dimension.REQUESTS]
    assert [one.limit for one in told] == [30]


@those()
async def test_that_it_answers_can_be_tested(asking, provider):
    tested = await asking(provider).test_key()

    assert tested.valid
    assert tested.detail


@those()
@pytest.mark.parametrize("body", BROKEN)
async def test_a_body_of_another_form_is_told_as_such(at, provider, body):
    async with serving(answering(body)) as server:
        with pytest.raises(MalformedOutput) as caught:
            await at(provider, server.base).search(SearchRequest(query="tides"))

    assert caught.value.provider == provider.name


@those()
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429, 500, 503])
async def test_no_error_holds_a_key_or_what_the_other_side_says(at, provider, status):
    said = {"error": f"{KEY} tides", "message": KEY}
    async with serving(answering(said, status=status)) as server:
        with pytest.raises(CallError) as caught:
            await at(provider, server.base).search(SearchRequest(query="tides"))

    assert KEY not in f"{caught.value!r}{caught.value}"
    assert "tides" not in f"{caught.value!r}"


@those()
async def test_what_a_provider_shows_of_itself_holds_no_key(at, provider):
    assert KEY not in repr(at(provider, "http://127.0.0.1:9"))
