"""The retrievers of what follows a report: earlier sources alone, and before another search."""

from dataclasses import dataclass, field, replace

import pytest

from wiseflow.core.authoring import Evidence, EvidenceRequest, Gathered, Missed, Sought
from wiseflow.core.documents import Hit, Source, passage_of
from wiseflow.core.errors import NetworkFailed
from wiseflow.core.library import StoredSource
from wiseflow.research.after.joined import JoinedRetriever
from wiseflow.research.after.stored import StoredRetriever
from wiseflow.research.earlier import Known

TEXTS = {
    "bees": "Honey bees dance to tell where flowers are. The dance tells the distance.",
    "ants": "Ants follow trails of scent. Each ant makes the trail stronger.",
}


def a_source(source_id, text):
    source = Source(
        source_id=source_id,
        collection="web",
        document_id=source_id,
        path="",
        title=source_id.title(),
        url=f"https://insects.example/{source_id}",
        published="",
        language="en",
        sha256="",
        text=text,
    )
    return StoredSource(source=source, passages=(passage_of(source, 0, len(text)),))


class Pages:
    """A shelf of stored pages that counts how often it is read."""

    def __init__(self):
        self.reads = 0

    async def pages(self, source_ids):
        self.reads += 1
        return {one: a_source(one, TEXTS[one]) for one in source_ids if one in TEXTS}


class Inline:
    """Runs functions where they are called."""

    async def run(self, function, /, *args, **kwargs):
        return function(*args, **kwargs)


@dataclass
class Search:
    """A search that finds what it is given, or fails."""

    found: Gathered = field(default_factory=lambda: Gathered(evidence=()))
    error: Exception | None = None

    async def gather(self, request):
        if self.error:
            raise self.error
        return self.found

    async def choose(self, request, found):
        return tuple(found[: request.limit])


@pytest.fixture
def known():
    return Known(
        research_id="r1",
        title="Insects",
        language="en",
        summary=("Bees dance.", "Ants follow scent."),
        source_ids=("bees", "ants", "gone"),
        providers={"bees": "tavily"},
    )


@pytest.fixture
def pages():
    return Pages()


@pytest.fixture
def stored(pages, known):
    return StoredRetriever(pages=pages, compute=Inline(), known=known)


def a_request(*queries, **changes):
    return replace(EvidenceRequest(topic=queries[0], queries=queries, limit=4), **changes)


def evidence(source_id, text="New words about bees."):
    passage = a_source(source_id, text).passages[0]
    return Evidence(hit=Hit(passage=passage, score=1.0), score=1.0, provider="exa")


def ids(gathered):
    return [one.hit.passage.source_id for one in gathered.evidence]


async def test_earlier_sources_give_the_passages_that_a_query_is_about(stored, pages):
    bees = await stored.gather(a_request("how honey bees dance"))
    ants = await stored.gather(a_request("ant trails of scent"))

    assert (ids(bees), ids(ants)) == (["bees"], ["ants"])
    assert [one.provider for one in (*bees.evidence, *ants.evidence)] == [
        "tavily",
        "earlier research",
    ]
    assert pages.reads == 1


async def test_earlier_sources_give_nothing_on_something_else(stored):
    assert ids(await stored.gather(a_request("the price of copper in Chile"))) == []


async def test_a_passage_in_other_words_is_given_to_those_who_can_tell(pages, known):
    lenient = StoredRetriever(pages=pages, compute=Inline(), known=known, least_share=0.0)

    found = await lenient.gather(a_request("which insects perform choreography, a dance of sorts"))

    assert ids(found) == ["bees"]


async def test_earlier_passages_stand_before_new_ones_and_nothing_twice(stored, known):
    search = Search(Gathered(evidence=(evidence("bees", TEXTS["bees"]), evidence("new"))))
    joined = JoinedRetriever(earlier=stored, search=search, known=known, tells=True)

    found = await joined.gather(a_request("honey bees dance"))

    assert ids(found) == ["bees", "new"]


async def test_new_passages_have_half_of_the_places(stored, known):
    search = Search(Gathered(evidence=tuple(evidence(f"n{number}") for number in range(9))))
    joined = JoinedRetriever(earlier=stored, search=search, known=known, tells=True)

    found = await joined.gather(a_request("honey bees dance", "ant trails of scent", limit=4))

    assert sorted(ids(found)[:2]) == ["ants", "bees"]
    assert ids(found)[2:] == ["n0", "n1"]


async def test_a_planner_that_understands_is_told_the_earlier_summary(stored, known):
    def joined(tells):
        return JoinedRetriever(earlier=stored, search=Search(), known=known, tells=tells)

    told = await joined(True).gather(a_request("honey bees", overview=True))
    quoted = await joined(False).gather(a_request("honey bees", overview=True))

    assert [one.hit.passage.text for one in told.evidence[:2]] == list(known.summary)
    assert "earlier report “Insects”" in told.evidence[0].hit.passage.title
    assert ids(quoted) == ["bees"]


async def test_when_the_search_is_not_answered_earlier_passages_have_to_do(stored, known):
    search = Search(error=NetworkFailed("no route"))
    joined = JoinedRetriever(earlier=stored, search=search, known=known, tells=True)

    found = await joined.gather(a_request("honey bees dance"))

    assert ids(found) == ["bees"]
    assert found.missed == (
        Missed(sought=Sought.SEARCH, name="honey bees dance", reason="no route"),
    )
    with pytest.raises(NetworkFailed):
        await joined.gather(a_request("the price of copper in Chile"))
