"""The stage that asks another: stand-ins for a provider or a model that fails.

A call begins with the one that was asked for, but while that is likely to fail; as failures are
forgotten with time, the way back is found by itself. Without a stand-in, or when none can do it, a
call may wait for an outage to pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wiseflow.core.calls import Call, CallKind, Reply
from wiseflow.core.clock import Clock
from wiseflow.core.errors import CallError, ErrorClass, ModelMissing
from wiseflow.core.news import OnNews, OutageBegun, OutageOver
from wiseflow.gateway.chain import Send, called
from wiseflow.limits.recovery import SmartErrorRecovery
from wiseflow.observability.logs import get_logger

_log = get_logger(__name__)

# The same request would meet the same end elsewhere.
STAYS = frozenset({ErrorClass.BAD_REQUEST, ErrorClass.CONTEXT_LENGTH})
OUTAGE = frozenset({ErrorClass.TRANSIENT, ErrorClass.NETWORK})
FIRST_LOOK_S = 1.0
LONGEST_LOOK_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Who can be asked: a provider, and its model or ""."""

    provider: str
    model: str = ""


class Fallback:
    """The stage.

    Args:
        others: the stand-ins for a call, the first to be asked first.
        clock: for waiting.
        outage_wait_s: how long a call may wait for providers that are down; 0 for not at all.
        recovery: knows who is likely to fail now; those are asked after the others.
        on_news: is told, once, that a provider is waited for, and that it answers again.
    """

    def __init__(
        self,
        others: Callable[[Call[Any]], Sequence[Target]],
        clock: Clock,
        outage_wait_s: float,
        recovery: SmartErrorRecovery,
        on_news: OnNews | None = None,
    ) -> None:
        self._others = others
        self._clock = clock
        self._outage_wait_s = outage_wait_s
        self._recovery = recovery
        self._on_news = on_news
        self._waited_for: set[str] = set()

    async def __call__(self, call: Call[Any], send: Send) -> Reply[Any]:
        """The answer of the first that gives one.

        Raises:
            CallError: what the one that was asked for said, when nobody gives one.
        """
        # One page that is missed is told in its report; it holds no research up.
        patient = call.patient and call.kind is not CallKind.FETCH
        longest_s = self._outage_wait_s if patient else 0.0
        until = self._clock.monotonic() + longest_s
        if call.context.deadline is not None:
            until = min(until, call.context.deadline)
        look_s = FIRST_LOOK_S
        while True:
            reply = await self._round(call, send)
            if not isinstance(reply, _Failed):
                return reply
            left_s = until - self._clock.monotonic()
            if reply.down is None or left_s <= 0:
                raise reply.first
            if look_s == FIRST_LOOK_S:
                await self._wait_begins(call, reply.down, left_s)
            await self._clock.sleep(min(max(look_s, reply.retry_after_s), left_s))
            look_s = min(2 * look_s, LONGEST_LOOK_S)

    async def _round(self, call: Call[Any], send: Send) -> Reply[Any] | _Failed:
        errors: list[CallError] = []
        for target in self._targets(call):
            try:
                reply = await send(replace(call, provider=target.provider, model=target.model))
            except CallError as error:
                if not _may_switch(error):
                    raise errors[0] if errors else error from None
                errors.append(error)
                continue
            self._answered(target.provider)
            if (target.provider, target.model) != (call.provider, call.model):
                await _tell(call, target, errors[0] if errors else None)
            return reply
        return _Failed(errors)

    async def _wait_begins(self, call: Call[Any], error: CallError, wait_s: float) -> None:
        provider = error.provider or call.provider
        if call.context.tell is not None:
            data = {"provider": provider, "why": error.message, "wait_s": wait_s, "step": call.step}
            await call.context.tell("waiting", data)
        if provider in self._waited_for:
            return
        self._waited_for.add(provider)
        _log.warning("Calls wait for a provider", provider=provider, why=error.message)
        if self._on_news is not None:
            news = OutageBegun(provider=provider, why=error.message, cure=error.cure, wait_s=wait_s)
            self._on_news(news)

    def _answered(self, provider: str) -> None:
        if provider not in self._waited_for:
            return
        self._waited_for.remove(provider)
        _log.info("A provider answers again", provider=provider)
        if self._on_news is not None:
            self._on_news(OutageOver(provider=provider))

    def _targets(self, call: Call[Any]) -> list[Target]:
        others = self._others(call)
        first = Target(provider=call.provider, model=call.model)
        if not others:
            return [first]
        chain = [(one.provider, one.model) for one in dict.fromkeys((first, *others))]
        ordered = self._recovery.in_order(chain, self._clock.monotonic())
        return [Target(provider=provider, model=model) for provider, model in ordered]


class _Failed:
    """A round in which nobody answered."""

    def __init__(self, errors: Sequence[CallError]) -> None:
        self.first = errors[0]
        # One who may come back is enough to wait for.
        down = [error for error in errors if _is_outage(error)]
        self.down = down[0] if down else None
        self.retry_after_s = min((error.retry_after_s or 0.0 for error in down), default=0.0)


def _may_switch(error: CallError) -> bool:
    return error.error_class not in STAYS or isinstance(error, ModelMissing)


def _is_outage(error: CallError) -> bool:
    return error.retryable and error.error_class in OUTAGE


async def _tell(call: Call[Any], target: Target, error: CallError | None) -> None:
    stand_in = called(replace(call, provider=target.provider, model=target.model))
    why = type(error).__name__ if error else "it failed too often of late"
    _log.info("A stand-in answered", asked=called(call), answered=stand_in, why=why)
    if call.context.tell is not None:
        data = {"asked": called(call), "answered": stand_in, "why": why, "step": call.step}
        await call.context.tell("fallback", data)
