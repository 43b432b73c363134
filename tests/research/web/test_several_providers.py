"""Several search providers for one research: what each is asked, and what is made of it."""

import pytest

from wiseflow.core.authoring import Sought
from wiseflow.core.errors import NoEvidence, ProviderDown, RateLimited
from wiseflow.research.time_range import Period

DEPTH = "https://lakes.example/depth"
SEALS = "https://seals.example/baikal"
PAPER = "https://papers.example/1"
ABSTRACT = (
    "Lake Baikal holds a fifth of the fresh water that lies on the surface of the earth. " * 3
)
NEW, OLD = "2024-05-06", "2001-02-03"


def paper(found, number=1, **fields):
    values = {
        "provider": "arxiv", "title": f"The waters of Lake Baikal in {number} samples",
        "snippet": "A fifth.", "text": f"In sample {number}: {ABSTRACT}", "published": NEW,
        "doi": f"10.5555/{number}", **fields,
    }  # fmt: skip
    return found(f"https://papers.example/{number}", **values)


def asked(house):
    return [(name, request.query) for name, request, _ in house.web.requests]


async def test_the_chosen_one_is_asked_all_queries_and_the_others_the_first(house, ask):
    await house.retriever(further=("arxiv", "pubmed")).gather(ask("a", "b"))

    counted = {name: asked(house).count(name) for name in asked(house)}
    assert set(counted) == {("tavily", "a"), ("tavily", "b"), ("arxiv", "a"), ("pubmed", "a")}
    assert {name: waits for name, _, waits in house.web.requests} == {
        "tavily": True, "arxiv": False, "pubmed": False,
    }  # fmt: skip


async def test_an_abstract_is_evidence_without_being_fetched(house, ask, found):
    house.web.further = {"arxiv": [paper(found)]}

    gathered = await house.retriever(further=("arxiv",)).gather(ask("fresh water Lake Baikal"))

    [item] = [one for one in gathered.evidence if one.hit.url == PAPER]
    assert item.provider == "arxiv abstract"
    assert item.hit.passage.text in ABSTRACT or "fifth of the fresh water" in item.hit.passage.text
    assert PAPER not in house.web.fetched
    source = await house.documents.source(item.hit.passage.source_id)
    assert (source.url, source.published) == (PAPER, NEW)


async def test_a_further_provider_takes_no_page_from_the_others(house, ask, found):
    house.web.further = {"arxiv": [paper(found, number) for number in range(1, 6)]}
    alone = await house.retriever().gather(ask(limit=6))
    pages = len({one.hit.url for one in alone.evidence})

    both = await house.retriever(further=("arxiv",)).gather(ask(limit=6))

    assert pages == 3
    assert len(house.web.fetched) == 3
    assert any(one.provider == "arxiv abstract" for one in both.evidence)


async def test_the_page_of_a_paper_goes_before_its_abstract(house, ask, found):
    house.web.results = [found(DEPTH, doi="10.5555/1")]
    house.web.further = {"arxiv": [paper(found)]}

    gathered = await house.retriever(further=("arxiv",)).gather(ask())

    assert {one.hit.url for one in gathered.evidence} == {DEPTH}


async def test_the_abstract_stands_in_for_a_page_that_cannot_be_read(house, ask, found):
    house.web.results = [found(DEPTH, doi="10.5555/1")]
    house.web.further = {"arxiv": [paper(found)]}
    del house.web.pages[DEPTH]

    gathered = await house.retriever(further=("arxiv",)).gather(ask("fresh water"))

    assert {(one.hit.url, one.provider) for one in gathered.evidence} == {(PAPER, "arxiv abstract")}
    assert gathered.missed == ()


async def test_a_provider_that_fails_for_good_is_missed_and_not_the_end(house, ask):
    house.web.broken = {"pubmed: a": ProviderDown("pubmed is down", provider="pubmed")}

    gathered = await house.retriever(further=("arxiv", "pubmed")).gather(ask("a"))

    assert gathered.evidence
    assert gathered.queries == ("a",)
    [missed] = gathered.missed
    assert (missed.sought, missed.name, missed.reason) == (Sought.SEARCH, "a", "pubmed is down")


async def test_the_chosen_one_may_fail_where_another_answers(house, ask, found):
    house.web.broken = {"a": ProviderDown("tavily is down")}
    house.web.further = {"arxiv": [paper(found)]}

    gathered = await house.retriever(further=("arxiv",)).gather(ask("a"))

    assert [one.hit.url for one in gathered.evidence] == [PAPER]
    assert [one.reason for one in gathered.missed] == ["tavily is down"]


async def test_where_all_fail_the_chosen_one_says_why(house, ask):
    house.web.broken = {
        "a": ProviderDown("tavily is down"), "arxiv: a": RateLimited("arxiv is busy"),
    }  # fmt: skip

    with pytest.raises(ProviderDown, match="tavily is down"):
        await house.retriever(further=("arxiv",)).gather(ask("a"))


async def test_an_overview_is_of_all_providers(house, ask, found):
    house.web.further = {"arxiv": [paper(found)]}
    request = ask(overview=True, limit=60, language="en")

    gathered = await house.retriever(further=("arxiv",)).gather(request)

    assert [one.hit.url for one in gathered.evidence[:2]] == [DEPTH, PAPER]


async def test_an_overview_that_finds_nothing_names_all_who_were_asked(house, ask):
    house.web.results = []

    with pytest.raises(NoEvidence, match="tavily, arxiv found nothing"):
        await house.retriever(further=("arxiv",)).gather(ask(overview=True))


async def test_a_time_range_goes_to_the_providers_and_holds_for_those_that_pass_it_over(
    house, ask, found
):
    house.web.results = [found(DEPTH, published=OLD), found(SEALS, published="")]
    house.web.further = {"arxiv": [paper(found), paper(found, 2, published=OLD)]}
    period = Period(since="2020-01-01", until="2024-12-31")

    gathered = await house.retriever(further=("arxiv",), period=period).gather(ask())

    # What is of no known date is kept.
    assert {one.hit.url for one in gathered.evidence} == {SEALS, PAPER}
    assert {(request.since, request.until) for _, request, _ in house.web.requests} == {
        ("2020-01-01", "2024-12-31")
    }


async def test_a_page_that_tells_its_own_date_is_held_to_the_time_range(house, ask, found):
    house.web.results = [found(DEPTH, published=""), found(SEALS, published="")]
    page = house.web.pages[DEPTH]
    dated = b"<meta property='article:published_time' content='2001-02-03T08:00:00Z'></head>"
    house.web.pages[DEPTH] = type(page)(
        url=DEPTH, content_type="text/html", body=page.body.replace(b"</head>", dated)
    )

    gathered = await house.retriever(period=Period(since="2020-01-01")).gather(ask())

    assert {one.hit.url for one in gathered.evidence} == {SEALS}
    assert [one.reason for one in gathered.missed] == [
        "it was published on 2001-02-03, out of the time range"
    ]
