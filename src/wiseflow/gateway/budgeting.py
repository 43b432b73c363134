"""The stage that spends: each attempt sets its worst case aside, and counts its true use.

It stands inside the retries, because every attempt may cost, and before the limits, so that a call
that the run cannot pay does not wait for its turn.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from wiseflow.core.calls import Call, CallKind, Reply, Usage
from wiseflow.core.errors import CallError, CallTimeout, MalformedOutput, NetworkFailed
from wiseflow.gateway.chain import Send

# The provider may have done the work before the answer was lost, and then asks for its price.
MAYBE_PAID = (CallTimeout, MalformedOutput, NetworkFailed)


class Prices(Protocol):
    """What calls cost."""

    def cost(self, call: Call[Any], used: Usage) -> float | None:
        """In the currency of the price list; ``None`` when the price is not known."""
        ...


class Budgeting:
    """The stage.

    Args:
        prices: what calls cost.
    """

    def __init__(self, prices: Prices) -> None:
        self._prices = prices

    async def __call__(self, call: Call[Any], send: Send) -> Reply[Any]:
        """The answer, its cost told and counted.

        Raises:
            BudgetSpent: the run may not spend so much.
        """
        spending = call.context.spending
        if spending is None:
            return self._priced(call, await send(call))
        worst = replace(call.worst, cost=self._prices.cost(call, call.worst))
        reserved = await spending.reserve(worst, closing=call.closing)
        try:
            reply = self._priced(call, await send(call))
        except MAYBE_PAID:
            reserved.settle(worst, answered=False)
            raise
        except CallError:  # refused before any work was done
            reserved.settle(Usage(cost=0.0), answered=False)
            raise
        except BaseException:  # cancelled: it may have been sent
            reserved.settle(worst, answered=False)
            raise
        # A page is no call to a provider: it costs nothing, and is not told as one.
        reserved.settle(reply.usage, answered=call.kind is not CallKind.FETCH)
        return reply

    def _priced(self, call: Call[Any], reply: Reply[Any]) -> Reply[Any]:
        if reply.usage.cost is not None:
            return reply
        cost = self._prices.cost(call, reply.usage)
        return replace(reply, usage=replace(reply.usage, cost=cost))
