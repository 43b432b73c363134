"""The stage that keeps count: what was sent, what came back, how long it took, what it cost.

It stands next to the provider, so that it sees every attempt, and none of the waiting before it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from wiseflow.core.calls import Call, CallKind, Reply, Usage
from wiseflow.core.clock import Clock
from wiseflow.core.errors import CallError
from wiseflow.gateway.budgeting import Prices
from wiseflow.gateway.chain import Send, called
from wiseflow.observability.logs import get_logger

_log = get_logger(__name__)

KEPT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One attempt of a call.

    Args:
        kind, provider, model: what was asked of whom.
        run_id: whose call it was.
        step: its purpose in the run.
        error: the name of what went wrong; "" when it was answered.
        latency_s: from sending to the whole answer, in seconds.
        usage: what it used, when it was answered, with what that cost where it is known.
    """

    kind: CallKind
    provider: str
    model: str
    run_id: str
    step: str
    error: str
    latency_s: float
    usage: Usage


@dataclass(slots=True)
class CallTotals:
    """What all attempts of one kind to one model of one provider came to.

    Its cost is in US dollars; ``None`` when a price was not known.
    """

    answered: int = 0
    failed: dict[str, int] = field(default_factory=dict[str, int])
    input_tokens: int = 0
    output_tokens: int = 0
    latency_s: float = 0.0
    cost: float | None = 0.0

    @property
    def attempts(self) -> int:
        """Answered and failed ones."""
        return self.answered + sum(self.failed.values())

    def add(self, record: AttemptRecord) -> None:
        """Count an attempt."""
        self.latency_s += record.latency_s
        if record.error:
            self.failed[record.error] = self.failed.get(record.error, 0) + 1
            return
        used = record.usage
        self.answered += 1
        self.input_tokens += used.input_tokens
        self.output_tokens += used.output_tokens
        known = self.cost is not None and used.cost is not None
        self.cost = (self.cost or 0.0) + (used.cost or 0.0) if known else None


class CallRecords:
    """The stage, and what it knows.

    Args:
        clock: for latencies.
        on_attempt: is told each attempt.
        prices: what calls cost; without them, only what providers tell is known.
    """

    def __init__(
        self,
        clock: Clock,
        on_attempt: Callable[[AttemptRecord], None] | None = None,
        *,
        prices: Prices | None = None,
    ) -> None:
        self._clock = clock
        self._prices = prices
        self.totals: dict[tuple[CallKind, str, str], CallTotals] = {}
        # Each is told every attempt; whoever listens for a while takes itself out again.
        self.listeners = [] if on_attempt is None else [on_attempt]
        self.latest: deque[AttemptRecord] = deque(maxlen=KEPT)

    async def __call__(self, call: Call[Any], send: Send) -> Reply[Any]:
        """The answer; the attempt is counted whatever comes of it."""
        begun = self._clock.monotonic()
        try:
            reply = await send(call)
        except CallError as error:
            self._note(call, type(error).__name__, begun, Usage())
            raise
        self._note(call, "", begun, self._priced(call, reply.usage))
        return reply

    def _priced(self, call: Call[Any], used: Usage) -> Usage:
        if used.cost is not None or self._prices is None:
            return used
        return replace(used, cost=self._prices.cost(call, used))

    def _note(self, call: Call[Any], error: str, begun: float, usage: Usage) -> None:
        record = AttemptRecord(
            kind=call.kind,
            provider=call.provider,
            model=call.model,
            run_id=call.context.run_id,
            step=call.step,
            error=error,
            latency_s=self._clock.monotonic() - begun,
            usage=usage,
        )
        key = (record.kind, record.provider, record.model)
        self.totals.setdefault(key, CallTotals()).add(record)
        self.latest.append(record)
        for tell in self.listeners:
            tell(record)
        _log.debug(
            "A call came back",
            provider=called(call),
            step=call.step,
            error=error,
            latency_s=round(record.latency_s, 3),
            tokens=usage.tokens,
        )
