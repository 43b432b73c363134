"""Documents and the web together, and what is of a time range only."""

from dataclasses import dataclass, field

import pytest

from wiseflow.core.authoring import Evidence, EvidenceRequest, Gathered, Missed, Sought
from wiseflow.core.documents import Hit, Passage
from wiseflow.core.errors import NetworkFailed, NoEvidence, StorageFull
from wiseflow.research.combining import PeriodRetriever, TogetherRetriever
from wiseflow.research.time_range import Period

REQUEST = EvidenceRequest(topic="Tides", queries=("tides",), limit=3)


def evidence(name, score, published=""):
    passage = Passage(passage_id=name, source_id=name, start=0, end=1, text="x")
    return Evidence(hit=Hit(passage=passage, score=score, published=published), score=score)


@dataclass
class Finding:
    """A retriever that finds what it was given, or fails."""

    found: Gathered | Exception
    requests: list[EvidenceRequest] = field(default_factory=list)

    async def gather(self, request):
        self.requests.append(request)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    async def choose(self, request, found):
        return tuple(found[: request.limit])


def gathered(*items, **others):
    return Gathered(evidence=tuple(items), **others)


def together(documents, web):
    return TogetherRetriever([("documents", Finding(documents)), ("the web", Finding(web))])


def names(found):
    return [one.hit.passage.passage_id for one in found.evidence]


async def test_both_have_the_same_say_whatever_their_scores():
    documents = gathered(
        evidence("d1", 20.0), evidence("d2", 10.0), queries=("tides",), considered=("d1", "d2")
    )
    web = gathered(
        evidence("w1", 0.5), evidence("w2", 0.4), queries=("tides",), considered=("w1",),
        missed=(Missed(sought=Sought.PAGE, name="https://a.b", reason="gone"),),
    )  # fmt: skip

    found = await together(documents, web).gather(REQUEST)

    assert names(found) == ["d1", "w1", "d2"]
    assert [one.score for one in found.evidence] == [1.0, 1.0, 0.5]
    assert found.queries == ("tides",)
    assert found.considered == ("d1", "d2", "w1")
    assert [one.name for one in found.missed] == ["https://a.b"]


@pytest.mark.parametrize("error", [NoEvidence("nothing there"), NetworkFailed("no line")])
async def test_one_that_fails_is_missed_where_the_other_finds_something(error):
    found = await together(gathered(evidence("d1", 1.0)), error).gather(REQUEST)

    assert names(found) == ["d1"]
    [missed] = found.missed
    assert (missed.sought, missed.name, missed.reason) == (Sought.SEARCH, "the web", error.message)


async def test_where_both_fail_there_is_nothing():
    with pytest.raises(NetworkFailed, match="no line"):
        await together(NoEvidence("nothing"), NetworkFailed("no line")).gather(REQUEST)


async def test_a_full_disk_is_the_end_whoever_meets_it():
    with pytest.raises(StorageFull):
        await together(gathered(evidence("d1", 1.0)), StorageFull("full")).gather(REQUEST)


async def test_what_is_known_to_be_of_another_time_is_left_out():
    found = gathered(
        evidence("old", 3.0, "2001-01-01"), evidence("new", 2.0, "2024-01-01"), evidence("any", 1.0)
    )

    kept = await PeriodRetriever(Finding(found), Period(since="2020-01-01")).gather(REQUEST)

    assert names(kept) == ["new", "any"]
