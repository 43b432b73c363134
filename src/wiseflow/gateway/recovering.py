"""The stages of recovery: sending again, and not sending where it would fail.

What to do is the answer of ``SmartErrorRecovery``; here it is done. Retrying stands outside of the
breaker, so that a retry is not sent to who is down either.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from wiseflow.core.calls import Call, CallKind, Reply
from wiseflow.core.clock import Clock
from wiseflow.core.errors import CallError
from wiseflow.gateway.chain import Send, host_of
from wiseflow.limits.recovery import Action, SmartErrorRecovery

AGAIN = frozenset({Action.RETRY, Action.REPAIR, Action.WAIT})


def well_or_not(call: Call[Any]) -> str:
    """Who it is that may be unwell: the provider, or the host of a page."""
    return host_of(call) if call.kind is CallKind.FETCH else call.provider


class Retrying:
    """The stage that sends again what failed, as often as it is advised.

    Args:
        recovery: advises.
        clock: for waiting.
    """

    def __init__(self, recovery: SmartErrorRecovery, clock: Clock) -> None:
        self._recovery = recovery
        self._clock = clock

    async def __call__(self, call: Call[Any], send: Send) -> Reply[Any]:
        """The answer of one of the attempts. Raises what the last of them did."""
        for attempt in count(1):
            try:
                return await send(call)
            except CallError as error:
                wait_s = self._wait_s(call, error, attempt)
                if wait_s is None:
                    raise
            await self._clock.sleep(wait_s)
        raise AssertionError("attempts never end by themselves")  # pragma: no cover

    def _wait_s(self, call: Call[Any], error: CallError, attempt: int) -> float | None:
        """How long until the next attempt; ``None`` for none."""
        now = self._clock.monotonic()
        error.provider = well_or_not(call)
        advice = self._recovery.advise(error, attempt, now, model=call.model)
        if advice.action not in AGAIN:
            return None
        # The limiter holds back what was sent too fast, in its place in the queue; but not pages.
        held = advice.action is Action.WAIT and call.kind is not CallKind.FETCH
        wait_s = 0.0 if held else advice.after_s
        deadline = call.context.deadline
        return None if deadline is not None and now + wait_s >= deadline else wait_s


class Breaking:
    """The stage that does not send where it would only fail.

    Args:
        recovery: knows how providers are.
        clock: for the time.
    """

    def __init__(self, recovery: SmartErrorRecovery, clock: Clock) -> None:
        self._recovery = recovery
        self._clock = clock

    async def __call__(self, call: Call[Any], send: Send) -> Reply[Any]:
        """The answer. Raises ``CircuitOpen`` where nothing is sent."""
        who = well_or_not(call)
        self._recovery.before(who, call.model, self._clock.monotonic())
        try:
            reply = await send(call)
        except CallError:  # the retries hear of it
            raise
        except BaseException:
            self._recovery.given_up(who, self._clock.monotonic())
            raise
        self._recovery.succeeded(who, call.model, self._clock.monotonic())
        return reply
