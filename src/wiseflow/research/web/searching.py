"""Asks search providers for one research: the chosen one, and those that are asked beside it.

The chosen one is asked every query, and waited for. A further one is asked the first query only, as
indexes of papers allow few requests, and not for long: when it gives no answer, the others' stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from wiseflow.core.asking import SearchAnswer, SearchRequest, SearchResult
from wiseflow.core.authoring import Missed, Sought
from wiseflow.core.calls import RunContext
from wiseflow.core.errors import CallError, CallTimeout
from wiseflow.core.gateways import SearchCalls
from wiseflow.research.time_range import ALWAYS, Period
from wiseflow.research.web.results import Candidate, fused
from wiseflow.research.web.side_by_side import side_by_side

SEARCH_STEP = "search"
AGAIN_STEP = "search again"  # another name in the journal, which has the empty answer
FURTHER_QUERIES = 1
FURTHER_S = 120.0  # the wait for its turn included


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the searches of one request gave.

    Args:
        candidates: the pages, the best first.
        queries: those that somebody answered.
        missed: the searches that were not answered.
    """

    candidates: Sequence[Candidate]
    queries: tuple[str, ...]
    missed: tuple[Missed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    provider: str
    request: SearchRequest


class Searching:
    """Searches of one research.

    Args:
        searches: asks search providers.
        context: of the run.
        provider: the chosen one.
        further: those that are asked beside it.
        period: when what is found was published; what is known to be of another time is left out.
        further_s: how many seconds a further one may take.
    """

    def __init__(
        self,
        *,
        searches: SearchCalls,
        context: RunContext,
        provider: str,
        further: Sequence[str] = (),
        period: Period = ALWAYS,
        further_s: float = FURTHER_S,
    ) -> None:
        self._searches = searches
        self._context = context
        self.period = period
        self._provider = provider
        self._further = tuple(further)
        self._further_s = further_s

    @property
    def providers(self) -> tuple[str, ...]:
        """Who is asked, the chosen one first."""
        return (self._provider, *self._further)

    async def search(self, queries: Sequence[str], limit: int, language: str | None) -> Found:
        """What the searches found that were answered.

        Args:
            queries: the most important first.
            limit: results of each search, at most.
            language: ISO 639-1 code, or ``None`` for any.

        Raises:
            CallError: none was answered; what the chosen provider said last.
        """
        asks = self._asks(tuple(dict.fromkeys(queries)), limit, language or "")
        answers = await side_by_side(SEARCH_STEP, [partial(self._answer, one) for one in asks])
        told = list(zip(asks, answers, strict=True))
        failed = [(one, answer) for one, answer in told if isinstance(answer, CallError)]
        if failed and len(failed) == len(told):
            raise [error for one, error in failed if one.provider == self._provider][-1]
        answered = [(one, answer) for one, answer in told if isinstance(answer, SearchAnswer)]
        return Found(
            candidates=fused(
                [self._of_period(answer) for one, answer in answered if one.provider == name]
                for name in (self._provider, *self._further)
            ),
            queries=tuple(dict.fromkeys(one.request.query for one, _ in answered)),
            missed=tuple(_missed(one, error) for one, error in failed),
        )

    def _asks(self, queries: Sequence[str], limit: int, language: str) -> list[_Ask]:
        requests = [
            SearchRequest(
                query=query,
                limit=limit,
                language=language,
                since=self.period.since,
                until=self.period.until,
            )
            for query in queries
        ]
        chosen = [_Ask(provider=self._provider, request=request) for request in requests]
        further = [
            _Ask(provider=name, request=request)
            for name in self._further
            for request in requests[:FURTHER_QUERIES]
        ]
        return chosen + further

    async def _answer(self, ask: _Ask) -> SearchAnswer | CallError:
        try:
            if ask.provider != self._provider:
                return await self._soon(ask)
            answer = await self._asked(ask, SEARCH_STEP)
            # Now and then a provider finds nothing where it finds something a moment later.
            return answer if answer.results else await self._asked(ask, AGAIN_STEP)
        except CallError as error:
            return error

    async def _soon(self, ask: _Ask) -> SearchAnswer:
        try:
            async with asyncio.timeout(self._further_s):
                return await self._searches.search(
                    ask.request,
                    provider=ask.provider,
                    context=self._context,
                    step=SEARCH_STEP,
                    patient=False,
                )
        except TimeoutError:
            raise CallTimeout(
                f"{ask.provider} gave no answer in {self._further_s:g} s, its limits included",
                provider=ask.provider,
                cure="Run fewer researches at once, or leave it out of academic_sources",
            ) from None

    async def _asked(self, ask: _Ask, step: str) -> SearchAnswer:
        return await self._searches.search(
            ask.request, provider=ask.provider, context=self._context, step=step
        )

    def _of_period(self, answer: SearchAnswer) -> list[SearchResult]:
        return [one for one in answer.results if self.period.holds(one.published)]


def _missed(ask: _Ask, error: CallError) -> Missed:
    return Missed(sought=Sought.SEARCH, name=ask.request.query, reason=str(error))
