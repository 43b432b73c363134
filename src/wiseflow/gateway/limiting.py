"""The stage that waits: no call leaves before all limits of its key and model have room for it."""

from __future__ import annotations

from typing import Any

from wiseflow.core.calls import Call, CallKind, Reply
from wiseflow.core.errors import ProviderDown, RateLimited
from wiseflow.core.limits import Need
from wiseflow.gateway.chain import Send
from wiseflow.gateway.directory import Directory
from wiseflow.gateway.flights import mark_sent
from wiseflow.limits.door import Limiter


class Limiting:
    """The stage.

    Args:
        limiter: whose limits hold.
        directory: knows the key of a call.
    """

    def __init__(self, limiter: Limiter, directory: Directory) -> None:
        self._limiter = limiter
        self._directory = directory

    async def __call__(self, call: Call[Any], send: Send) -> Reply[Any]:
        """The answer, once it is the call's turn.

        Raises:
            RateLimited: its deadline passes before it could be sent, or the provider refused it.
            ConfigurationError: the provider's key or address is not set.
            InvalidInput: there is no such provider.
        """
        if call.kind is CallKind.FETCH:
            # Bounded by the downloads; hosts are too many to keep the limits of each.
            mark_sent()
            return await send(call)
        # A library takes seconds to load: a call that had its turn before would arrive so much
        # later than it was counted, and one a minute after it too soon for the provider.
        await self._directory.prepare(call)
        context = call.context
        key = self._directory.limit_key(call)
        async with self._limiter.admitted(
            key, call.need, priority=context.priority, run=context.run_id, deadline=context.deadline
        ) as ticket:
            mark_sent()
            try:
                reply = await send(call)
            except (RateLimited, ProviderDown) as error:
                ticket.refused(error)
                raise
            used = Need(tokens=reply.usage.tokens, bytes=reply.usage.bytes)
            ticket.settle(used, reply.allowances)
            return reply
