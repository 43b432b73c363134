"""What all search providers share: how results become an answer, and how a key is tested."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from wiseflow.core.asking import KeyTest, SearchAnswer, SearchRequest, SearchResult
from wiseflow.core.calls import Reply, Usage
from wiseflow.core.limits import Allowance
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients, JsonReply
from wiseflow.providers.key_tests import Told, tested_key


class SearchBase(ABC):
    """A search provider over HTTP; a subclass asks, and reads what came.

    Args:
        endpoint: who is asked.
        clients: used to ask; its clock times a test.
        pace: what is known of its limits without being told.
    """

    def __init__(
        self, endpoint: Endpoint, clients: HttpClients, *, pace: tuple[Allowance, ...] = ()
    ) -> None:
        self._endpoint = endpoint
        self._clock = clients.clock
        self._pace = pace

    @abstractmethod
    async def search(self, request: SearchRequest) -> Reply[SearchAnswer]:
        """The results for a query. Raises ``CallError``."""

    async def test_key(self) -> KeyTest:
        """Whether it answers, and takes its key, by a cheap request. Raises ``CallError``."""
        return await tested_key(self._endpoint, self._clock, self._test)

    async def _test(self) -> Told:
        """The cheapest request that a wrong key would fail: a search for one result."""
        await self.search(SearchRequest(query="test", limit=1))
        return Told()

    def _answer(
        self, results: Sequence[SearchResult], *replies: JsonReply, cost: float | None = None
    ) -> Reply[SearchAnswer]:
        """Results as an answer.

        Args:
            results: the best first.
            replies: that they are from; the first one's headers tell of the limits.
            cost: of the search, where it was told.
        """
        return Reply(
            value=SearchAnswer(results=tuple(results), provider=self._endpoint.provider),
            usage=Usage(bytes=sum(reply.bytes for reply in replies), cost=cost),
            allowances=(*replies[0].allowances, *self._pace),
        )
