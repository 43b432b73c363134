"""The stage that keeps a call within the seconds of its run's budget.

It stands outside all waiting (for a limit, for a retry, for an outage to end), and before the
flights, so that whoever's time is over leaves, and others go on with the call.
"""

from __future__ import annotations

import asyncio
from typing import Any

from wiseflow.core.calls import Call, Reply
from wiseflow.core.errors import BudgetSpent
from wiseflow.gateway.chain import Send, called


async def within_seconds(call: Call[Any], send: Send) -> Reply[Any]:
    """The answer, if it comes in time.

    Raises:
        BudgetSpent: the run's seconds, without those kept for writing up, are over.
    """
    spending = call.context.spending
    left_s = spending.left_s(closing=call.closing) if spending else None
    if left_s is None:
        return await send(call)
    limit = asyncio.timeout(max(0.0, left_s))
    try:
        async with limit:
            return await send(call)
    except TimeoutError:
        if not limit.expired():
            raise
        raise BudgetSpent(
            f"the budget of the research is spent: its seconds were over before {called(call)}"
            " had answered",
            resource="seconds",
            cure="Give it more with --time-limit and resume it; finished steps are kept",
        ) from None
