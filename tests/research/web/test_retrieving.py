"""The retriever over the web: a web in memory behind the gateway's ports, a real database."""

from __future__ import annotations

import asyncio

import pytest

from wiseflow.core.authoring import Sought
from wiseflow.core.errors import (
    AuthFailed,
    BudgetSpent,
    CircuitOpen,
    LeaseLost,
    NetworkFailed,
    NoEvidence,
    NotFound,
    ProviderDown,
    WorkerCrashed,
)
from wiseflow.core.jobs import Lease
from wiseflow.core.library import KeptPage

DEPTH = "https://lakes.example/depth"
SEALS = "https://seals.example/baikal"
RAILS = "https://rails.example/circum"
RIFT = "https://rift.example/geology"
ICE = "https://ice.example/winter"
# One page, with nothing on it that could be read.
SCANNED = (
    b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    b"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"
    b"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] >>\nendobj\n"
    b"trailer << /Size 4 /Root 1 0 R >>\n%%EOF"
)
STORY = " ".join(
    f"In the year {1900 + number} the depth of the lake was measured at {number * 7} places."
    for number in range(20)
)


def addresses(gathered):
    return {item.hit.url for item in gathered.evidence}


async def test_a_section_gets_passages_of_pages_that_are_kept_as_sources(house, ask):
    gathered = await house.retriever().gather(ask("Lake Baikal greatest depth"))

    best = gathered.evidence[0]
    assert (best.hit.url, best.provider, best.hit.language) == (DEPTH, "tavily", "en")
    assert best.hit.passage.title == "How deep Lake Baikal is"
    assert gathered.queries == ("Lake Baikal greatest depth",)
    assert {item.hit.passage.passage_id for item in gathered.evidence} <= set(gathered.considered)
    for item in gathered.evidence:
        passage = item.hit.passage
        source = await house.documents.source(passage.source_id)
        assert source.text[passage.start : passage.end] == passage.text
        assert (source.collection, source.url) == ("web", item.hit.url)


async def test_an_overview_costs_one_search_and_no_page(house, ask):
    request = ask("Lake Baikal", "Siberia", limit=60, overview=True, focus_entities=("Siberia",))

    gathered = await house.retriever().gather(request)

    assert house.web.asked == {"Lake Baikal Siberia": 1}
    assert [item.hit.url for item in gathered.evidence] == [DEPTH, SEALS, RAILS, RIFT, ICE]
    assert gathered.evidence[0].hit.language == "en"
    assert await house.pages.kept(house.lease.job_id) == {}


async def test_an_overview_takes_the_texts_of_results_without_a_snippet(house, ask, found):
    house.web.results = [
        found(DEPTH, snippet="", text="The lake is deep. " * 200),
        found(SEALS, snippet=" "),
    ]

    gathered = await house.retriever().gather(ask(overview=True, language="en"))

    (item,) = gathered.evidence
    assert item.hit.passage.text.startswith("The lake is deep. The lake")
    assert len(item.hit.passage.text) <= 1200
    assert house.compute.calls == {}


async def test_an_overview_that_finds_nothing_says_where_it_looked(house, ask):
    house.web.results = []

    with pytest.raises(NoEvidence, match="tavily found nothing on 'Lake Baikal'"):
        await house.retriever().gather(ask(overview=True))


async def test_a_search_that_finds_nothing_is_asked_once_more(house, ask):
    house.web.empty_at_first = 1

    gathered = await house.retriever().gather(ask(overview=True))

    assert gathered.evidence
    assert house.web.asked == {"Lake Baikal": 2}


async def test_searches_and_pages_go_side_by_side(house, ask):
    await house.retriever().gather(ask("a", "b", "c"))

    assert {query: house.web.asked[query] for query in "abc"} == {"a": 1, "b": 1, "c": 1}
    assert sum(house.web.fetched.values()) == 4
    assert house.web.most_at_once == 4


@pytest.mark.parametrize(("limit", "pages"), [(6, 3), (10, 4), (16, 5)])
async def test_a_longer_report_reads_more_pages(house, ask, limit, pages):
    await house.retriever().gather(ask(limit=limit))

    assert len(house.web.fetched) == pages


async def test_what_several_queries_find_goes_first(house, ask, found):
    house.web.by_query = {"a": [found(RAILS), found(ICE)], "b": [found(SEALS), found(ICE)]}

    await house.retriever().gather(ask("a", "b", limit=1))

    assert set(house.web.fetched) == {ICE, RAILS}


async def test_a_page_is_fetched_once_for_all_sections(house, ask):
    retriever = house.retriever()

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(retriever.gather(ask(f"query {number}")))

    assert set(house.web.fetched.values()) == {1}
    assert house.compute.calls["read_page"] == len(house.web.fetched)


async def test_a_section_that_is_cancelled_leaves_its_page_to_the_next(house, ask):
    retriever = house.retriever()
    first = asyncio.create_task(retriever.gather(ask("first")))
    await house.web.page_asked.wait()
    second = asyncio.create_task(retriever.gather(ask("second")))
    await asyncio.sleep(0)

    first.cancel()

    assert (await second).evidence
    assert len(await house.pages.kept(house.lease.job_id)) == 4


async def test_the_next_best_page_takes_the_place_of_one_that_fails(house, ask):
    house.web.broken = {DEPTH: NetworkFailed("the connection broke")}

    gathered = await house.retriever().gather(ask())

    assert addresses(gathered) == {SEALS, RAILS, RIFT, ICE}
    (missed,) = gathered.missed
    assert (missed.sought, missed.name, missed.reason) == (
        Sought.PAGE,
        DEPTH,
        "the connection broke",
    )
    kept = await house.pages.kept(house.lease.job_id)
    assert kept[DEPTH] == KeptPage(error="the connection broke")


async def test_a_page_that_cannot_be_parsed_counts_as_failed(house, ask):
    house.web.put(DEPTH, "", "", content_type="image/png")
    house.web.put(SEALS, "", "", body=b"")

    gathered = await house.retriever().gather(ask())

    assert {missed.name: missed.reason for missed in gathered.missed} == {
        DEPTH: "the page is of the type 'image/png', which is not read",
        SEALS: "the file is empty",
    }
    assert addresses(gathered) <= {RAILS, RIFT, ICE}


async def test_a_scanned_paper_is_named_as_such_and_the_next_best_page_is_taken(house, ask):
    house.web.put(DEPTH, "", "", content_type="application/pdf", body=SCANNED)

    gathered = await house.retriever().gather(ask())

    assert [(missed.name, missed.reason) for missed in gathered.missed] == [
        (DEPTH, "the PDF is scanned: no text layer")
    ]
    assert addresses(gathered) == {SEALS, RAILS, RIFT, ICE}


async def test_a_page_that_kills_its_reader_counts_as_failed(house, ask):
    class Crashing:
        async def run(self, function, /, *args, **kwargs):
            if function.__name__ == "read_page" and args[0].url == DEPTH:
                raise WorkerCrashed("the worker died")
            return function(*args, **kwargs)

    house.compute = Crashing()

    gathered = await house.retriever().gather(ask())

    assert [missed.name for missed in gathered.missed] == [DEPTH]


async def test_no_more_pages_are_tried_than_three_times_those_wanted(house, ask, found):
    house.web.results = [found(f"https://down.example/{n}", snippet="") for n in range(8)]
    house.web.by_query = {
        str(query): [found(f"https://down{query}.example/{n}", snippet="") for n in range(8)]
        for query in range(3)
    }

    gathered = await house.retriever().gather(ask("0", "1", "2"))

    assert gathered.evidence == ()
    assert len(gathered.missed) == len(house.web.fetched) == 12


async def test_snippets_stand_in_where_no_page_can_be_read(house, ask):
    house.web.pages.clear()

    gathered = await house.retriever().gather(ask())

    assert {item.provider for item in gathered.evidence} == {"tavily snippet"}
    for item in gathered.evidence:
        source = await house.documents.source(item.hit.passage.source_id)
        assert source.text == item.hit.passage.text
    assert len(gathered.missed) == 5
    kept = await house.pages.kept(house.lease.job_id)
    assert kept[DEPTH].error
    assert kept[DEPTH].source_id == gathered.evidence[0].hit.passage.source_id


async def test_a_text_that_came_with_the_result_is_not_fetched(house, ask, found):
    text = "Lake Baikal holds a fifth of the fresh water of the world. " * 3
    house.web.results = [found(DEPTH, text=text), found(SEALS)]

    gathered = await house.retriever().gather(ask("Lake Baikal fresh water"))

    assert gathered.evidence[0].hit.url == DEPTH
    assert "fresh water" in gathered.evidence[0].hit.passage.text
    assert gathered.evidence[0].hit.passage.title == "How deep Lake Baikal is"
    assert set(house.web.fetched) == {SEALS}


async def test_copies_of_one_text_are_one_page(house, ask, found):
    page = house.web.pages[DEPTH]
    copy = "https://mirror.example/copied"
    house.web.put(copy, "", "", body=page.body)
    house.web.results = [found(DEPTH), found(copy), found(SEALS)]

    gathered = await house.retriever().gather(ask("Lake Baikal"))

    assert addresses(gathered) == {DEPTH, SEALS}


async def test_a_text_that_another_site_has_with_its_own_frame_is_a_copy(house, ask, found):
    copy = "https://agency.example/story"
    house.web.put(copy, "From our correspondent", f"{STORY}\nMore from this agency.")
    house.web.put(DEPTH, "How deep Lake Baikal is", STORY)
    house.web.results = [found(DEPTH), found(copy), found(SEALS)]

    gathered = await house.retriever().gather(ask("Lake Baikal"))

    assert addresses(gathered) == {DEPTH, SEALS}


async def test_addresses_that_lead_to_the_same_page_are_one_source(house, ask, found):
    page = house.web.pages[DEPTH]
    moved = "https://old.example/depth"
    house.web.pages[moved] = page
    house.web.results = [found(DEPTH), found(moved)]

    gathered = await house.retriever().gather(ask())

    assert len({item.hit.passage.source_id for item in gathered.evidence}) == 1
    kept = await house.pages.kept(house.lease.job_id)
    assert len({page.source_id for page in kept.values()}) == 1


async def test_a_resumed_research_fetches_nothing_again(house, ask):
    house.web.broken = {DEPTH: NetworkFailed("the connection broke")}
    first = await house.retriever().gather(ask())
    house.web.asked.clear()
    house.web.broken.clear()

    again = await house.retriever().gather(ask())

    assert again == first
    assert not house.web.fetched


async def test_a_kept_page_that_is_gone_is_fetched_again(house, ask):
    for url in house.web.pages:
        await house.pages.keep(house.lease, url)

    gathered = await house.retriever().gather(ask())

    assert gathered.evidence
    assert len(house.web.fetched) == 4


async def test_without_any_answered_search_there_is_no_evidence(house, ask):
    house.web.broken = {
        "a": CircuitOpen("tavily failed too often"),
        "b": AuthFailed("the key of tavily is refused", cure="Check TAVILY_API_KEY"),
    }

    with pytest.raises(AuthFailed, match=r"the key of tavily is refused.*TAVILY_API_KEY"):
        await house.retriever().gather(ask("a", "b"))
    house.web.broken = {"Lake Baikal": ProviderDown("down")}
    with pytest.raises(NoEvidence, match="no search was answered: down"):
        await house.retriever().gather(ask(overview=True))


async def test_a_search_that_fails_among_others_is_told(house, ask):
    house.web.broken = {"b": ProviderDown("tavily is down")}

    gathered = await house.retriever().gather(ask("a", "b", "c"))

    assert gathered.queries == ("a", "c")
    (missed,) = gathered.missed
    assert (missed.sought, missed.name, missed.reason) == (Sought.SEARCH, "b", "tavily is down")
    assert gathered.evidence


async def test_searches_that_find_nothing_give_nothing(house, ask):
    house.web.results = []

    gathered = await house.retriever().gather(ask())

    assert (gathered.evidence, gathered.missed) == ((), ())


async def test_a_spent_budget_ends_the_gathering_as_itself(house, ask):
    house.web.broken = {SEALS: BudgetSpent("nothing is left", resource="money")}

    with pytest.raises(BudgetSpent):
        await house.retriever().gather(ask())


async def test_a_worker_without_its_lease_keeps_no_page(house, ask):
    stale = Lease(job_id=house.lease.job_id, owner="b", token=house.lease.token - 1)

    with pytest.raises(LeaseLost):
        await house.retriever(stale).gather(ask())

    assert await house.pages.kept(house.lease.job_id) == {}


async def test_deleting_a_research_erases_its_pages_that_nobody_else_read(house, ask, found):
    mine = await house.retriever().gather(ask())
    other = await house.claim()
    house.web.results = [found(DEPTH)]
    await house.retriever(other).gather(ask())
    await house.end(house.lease)

    await house.queue.delete(house.lease.job_id)

    ids = {item.hit.url: item.hit.passage.source_id for item in mine.evidence}
    assert (await house.documents.source(ids[DEPTH])).url == DEPTH
    with pytest.raises(NotFound):
        await house.documents.source(ids[SEALS])


async def test_many_passages_are_ranked_in_a_worker_process(house, ask):
    long = "\n".join(f"Fact {n} of Lake Baikal is told here. " * 20 for n in range(200))
    house.web.put(DEPTH, "All facts", long)

    gathered = await house.retriever().gather(ask("Lake Baikal fact 77"))

    assert house.compute.calls["best_passages"] == 1
    assert "Fact 77 " in gathered.evidence[0].hit.passage.text
