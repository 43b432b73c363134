"""A follow-up's retriever: the sources of the earlier research first, then the chosen search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wiseflow.core.authoring import Evidence, EvidenceRequest, Gathered, Missed, Retriever, Sought
from wiseflow.core.documents import Hit, Passage
from wiseflow.core.errors import CallError, NoEvidence
from wiseflow.research.after.stored import UNKNOWN_PROVIDER
from wiseflow.research.earlier import Known

# Of a section's passages, as many may be of the earlier sources; the others are new.
EARLIER_SHARE = 0.5
# Sentences of the earlier summary that a planner is shown.
MOST_KNOWN = 12


class JoinedRetriever:
    """Finds passages for a research that builds on an earlier one.

    Args:
        earlier: over the sources of the earlier research.
        search: the one that the research would have alone.
        known: what the earlier research found.
        tells: whether the planner is told the earlier summary; one that only quotes the passages it
            is shown would take its sentences for a document's.
    """

    def __init__(self, *, earlier: Retriever, search: Retriever, known: Known, tells: bool) -> None:
        self._earlier = earlier
        self._search = search
        self._told = _told(known) if tells else ()

    async def gather(self, request: EvidenceRequest) -> Gathered:
        """Passages for a request: the earlier sources' first, then those of the search.

        Where the search is not answered, the earlier ones have to do.

        Raises:
            NoEvidence: neither holds anything on the topic.
            CallError: the search was not answered, and the earlier sources hold nothing.
        """
        share = EARLIER_SHARE if not request.overview else 1.0
        few = replace(request, limit=max(1, int(request.limit * share)))
        earlier = await self._earlier.gather(few)
        try:
            found = await self._search.gather(request)
        except (CallError, NoEvidence) as error:
            if not earlier.evidence:
                raise
            missed = Missed(sought=Sought.SEARCH, name=request.queries[0], reason=error.message)
            return replace(earlier, missed=(missed,))
        return _joined(self._told if request.overview else (), earlier, found, request.limit)

    async def choose(
        self, request: EvidenceRequest, found: Sequence[Evidence]
    ) -> tuple[Evidence, ...]:
        """The best of what was found, as the search chooses."""
        return await self._search.choose(request, found)


def _joined(told: tuple[Evidence, ...], earlier: Gathered, found: Gathered, limit: int) -> Gathered:
    passages = {
        one.hit.passage.passage_id: one for one in (*told, *earlier.evidence, *found.evidence)
    }
    return Gathered(
        evidence=tuple(passages.values())[: limit + len(told)],
        queries=tuple(dict.fromkeys((*earlier.queries, *found.queries))),
        considered=tuple(dict.fromkeys((*earlier.considered, *found.considered))),
        missed=found.missed,
    )


def _told(known: Known) -> tuple[Evidence, ...]:
    """The earlier summary as passages for a planner; it plans with them, and nobody cites them."""
    title = f"Known already, from the earlier report “{known.title}”"
    return tuple(
        Evidence(hit=_hit(known, title, number, sentence), score=1.0, provider=UNKNOWN_PROVIDER)
        for number, sentence in enumerate(known.summary[:MOST_KNOWN])
    )


def _hit(known: Known, title: str, number: int, sentence: str) -> Hit:
    source_id = f"{known.research_id}-{number}"
    passage = Passage(
        passage_id=f"{source_id}:0-{len(sentence)}",
        source_id=source_id,
        start=0,
        end=len(sentence),
        text=sentence,
        title=title,
    )
    return Hit(passage=passage, score=1.0, language=known.language)
