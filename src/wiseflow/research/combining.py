"""Retrievers made of retrievers: documents and the web together, and what is of a period only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice, zip_longest

from wiseflow.core.authoring import Evidence, EvidenceRequest, Gathered, Missed, Retriever, Sought
from wiseflow.core.errors import CallError, NoEvidence, WiseflowError
from wiseflow.research.time_range import Period
from wiseflow.research.web.side_by_side import side_by_side


class TogetherRetriever:
    """Finds passages by several retrievers at once, each of whom has the same say.

    Where one fails and another does not, that it failed is told with what the other found.

    Args:
        retrievers: by name; the first goes first where both are as good.
    """

    def __init__(self, retrievers: Sequence[tuple[str, Retriever]]) -> None:
        self._retrievers = tuple(retrievers)

    async def gather(self, request: EvidenceRequest) -> Gathered:
        """Passages for a request, those of each retriever in turn.

        Raises:
            NoEvidence, CallError: all failed; what the last one said.
            WiseflowError: one failed by what no other can make good, as a full disk.
        """
        parts = [partial(_gathered, one, request) for _, one in self._retrievers]
        found = await side_by_side("retriever", parts)
        if all(isinstance(one, WiseflowError) for one in found):
            raise [one for one in found if isinstance(one, WiseflowError)][-1]
        named = [(name, one) for (name, _), one in zip(self._retrievers, found, strict=True)]
        missed = [_missed(name, one) for name, one in named if isinstance(one, WiseflowError)]
        return _joined([one for one in found if isinstance(one, Gathered)], missed, request.limit)

    async def choose(
        self, request: EvidenceRequest, found: Sequence[Evidence]
    ) -> tuple[Evidence, ...]:
        """The best of what was found, as the last of the retrievers chooses."""
        return await self._retrievers[-1][1].choose(request, found)


class PeriodRetriever:
    """What another finds, without what is known to be of another time.

    Args:
        retriever: the other.
        period: when what is found was published.
    """

    def __init__(self, retriever: Retriever, period: Period) -> None:
        self._retriever = retriever
        self._period = period

    async def gather(self, request: EvidenceRequest) -> Gathered:
        """Passages for a request. Raises as the other does."""
        found = await self._retriever.gather(request)
        kept = (one for one in found.evidence if self._period.holds(one.hit.published))
        return replace(found, evidence=tuple(kept))

    async def choose(
        self, request: EvidenceRequest, found: Sequence[Evidence]
    ) -> tuple[Evidence, ...]:
        """The best of what was found, as the other chooses."""
        return await self._retriever.choose(request, found)


async def _gathered(
    retriever: Retriever, request: EvidenceRequest
) -> Gathered | NoEvidence | CallError:
    try:
        return await retriever.gather(request)
    except (NoEvidence, CallError) as error:
        return error


def _missed(name: str, error: WiseflowError) -> Missed:
    return Missed(sought=Sought.SEARCH, name=name, reason=str(error))


def _joined(found: Sequence[Gathered], missed: Sequence[Missed], limit: int) -> Gathered:
    evidence = _in_turn([_shares(one.evidence) for one in found])
    return Gathered(
        evidence=tuple(islice(evidence, max(limit, 1))),
        queries=_once(query for one in found for query in one.queries),
        considered=_once(passage for one in found for passage in one.considered),
        missed=(*missed, *(lost for one in found for lost in one.missed)),
    )


def _shares(evidence: Sequence[Evidence]) -> Sequence[Evidence]:
    """With scores as shares of the best: those of two retrievers are of different measures."""
    best = max((one.score for one in evidence), default=0.0)
    return [replace(one, score=round(one.score / best, 4)) if best else one for one in evidence]


def _in_turn(lists: Sequence[Sequence[Evidence]]) -> Iterator[Evidence]:
    """The best of each list, then the second of each; no passage is in two lists.

    Reciprocal rank fusion gives lists that share nothing the same order.
    """
    for row in zip_longest(*lists):
        yield from (one for one in row if one is not None)


def _once(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))
