"""What goes wrong, how often and when."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from wiseflow.core.errors import InvalidInput
from wiseflow.simulator.calls import CallKind
from wiseflow.simulator.limits import EVERY


class FaultKind(StrEnum):
    """One way to go wrong."""

    RATE_LIMITED = "429"
    RATE_LIMITED_SILENTLY = "429-silent"  # no Retry-After, no rate headers
    SERVER_ERROR = "500"
    UNAVAILABLE = "503"
    RESET = "reset"
    RESET_MIDWAY = "reset-midway"
    SLOW = "slow"
    HANG = "hang"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    WRONG_SCHEMA = "wrong-schema"
    THINK = "think"
    REFUSAL = "refusal"
    CONTEXT_LENGTH = "context-length"
    OBEY = "obey"  # the model does whatever any text of its prompt asks for
    KEY_EXPIRED = "key-expired"
    QUOTA_SPENT = "quota-spent"


_OF_MODELS = frozenset(
    {
        FaultKind.WRONG_SCHEMA,
        FaultKind.THINK,
        FaultKind.REFUSAL,
        FaultKind.CONTEXT_LENGTH,
        FaultKind.OBEY,
    }
)
_OF_ANSWERS = frozenset({FaultKind.EMPTY})
_ANYWHERE = frozenset(FaultKind) - _OF_MODELS - _OF_ANSWERS
APPLICABLE: Mapping[CallKind, frozenset[FaultKind]] = {
    CallKind.MODEL: frozenset(FaultKind),
    CallKind.SEARCH: _ANYWHERE | _OF_ANSWERS,
    CallKind.EMBED: _ANYWHERE | _OF_ANSWERS,
    CallKind.PAGE: _ANYWHERE,
    CallKind.INFO: frozenset({FaultKind.KEY_EXPIRED, FaultKind.QUOTA_SPENT, FaultKind.RESET}),
}

# What is gone when the request is made again: the mixture that `--faults` spreads its rate over.
PASSING = (
    FaultKind.RATE_LIMITED,
    FaultKind.RATE_LIMITED_SILENTLY,
    FaultKind.SERVER_ERROR,
    FaultKind.UNAVAILABLE,
    FaultKind.RESET,
    FaultKind.RESET_MIDWAY,
    FaultKind.TRUNCATED,
    FaultKind.EMPTY,
    FaultKind.WRONG_SCHEMA,
    FaultKind.THINK,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRate:
    """How often a fault strikes.

    Args:
        kind: which fault.
        rate: share of the requests it can strike.
        provider: whose requests; ``*`` is every one's.

    Raises:
        InvalidInput: the rate is no share.
    """

    kind: FaultKind
    rate: float
    provider: str = EVERY

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise InvalidInput(
                f"the rate of the fault {self.kind} is {self.rate:g}",
                cure="Give a share from 0 to 1",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A time in which every request of a provider meets the same fault.

    Args:
        provider: whose; ``*`` is every one's.
        start_s: simulated seconds after the plan was set.
        end_s: the same; the fault is over then.
        kind: which fault; a dead provider resets connections.

    Raises:
        InvalidInput: it ends before it begins.
    """

    provider: str
    start_s: float = 0.0
    end_s: float = math.inf
    kind: FaultKind = FaultKind.RESET

    def __post_init__(self) -> None:
        if not self.start_s < self.end_s:
            raise InvalidInput(
                f"an outage of {self.provider} lasts from {self.start_s:g} to {self.end_s:g} s",
                cure="Let it end after it begins",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEnd:
    """When a key stops to work.

    Args:
        key: which; ``*`` is every one, each counted apart.
        provider: whose; ``*`` is every one's.
        after_requests: so many are let through first.
        at_s: simulated seconds after the plan was set.
        kind: ``KEY_EXPIRED`` or ``QUOTA_SPENT``.

    Raises:
        InvalidInput: another kind.
    """

    key: str = EVERY
    provider: str = EVERY
    after_requests: float = math.inf
    at_s: float = math.inf
    kind: FaultKind = FaultKind.KEY_EXPIRED

    def __post_init__(self) -> None:
        if self.kind not in {FaultKind.KEY_EXPIRED, FaultKind.QUOTA_SPENT}:
            raise InvalidInput(
                f"a key cannot end by {self.kind}", cure="Give key-expired or quota-spent"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPlan:
    """All that goes wrong.

    Args:
        rates: by chance; the first that strikes is it, so those of one provider should sum to at
            most 1.
        outages: in their time nothing else can happen.
        key_ends: when keys stop to work.
        slow_s: how long a slow answer drips, in simulated seconds.
        hang_s: how long a request hangs before its connection is reset.
        retry_after_s: what a 429 by chance asks for.
    """

    rates: tuple[FaultRate, ...] = ()
    outages: tuple[Outage, ...] = ()
    key_ends: tuple[KeyEnd, ...] = ()
    slow_s: float = 30.0
    hang_s: float = 3600.0
    retry_after_s: float = 1.0


def mixture(rate: float, *, provider: str = EVERY) -> tuple[FaultRate, ...]:
    """The passing faults at one rate together.

    Kinds that cannot strike a request leave it alone, so pages meet fewer than models.
    """
    share = rate / len(PASSING)
    return tuple(FaultRate(kind=kind, rate=share, provider=provider) for kind in PASSING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """Who may be struck.

    Args:
        provider: who answers.
        key: which one came with the request.
        kind: what is asked for.
    """

    provider: str
    key: str
    kind: CallKind


class Faults:
    """Carries a plan out.

    Args:
        plan: what goes wrong.
        since: when it was set, in simulated seconds.
    """

    def __init__(self, plan: FaultPlan, since: float = 0.0) -> None:
        self.plan = plan
        self._since = since
        self._uses: Counter[tuple[int, str, str]] = Counter()
        self._tables: dict[tuple[str, CallKind], tuple[FaultRate, ...]] = {}

    def strike(self, struck: Struck, unit: float, now: float) -> FaultKind | None:
        """The fault that a request meets, if any.

        Args:
            struck: the request.
            unit: its luck, from 0 to below 1.
            now: in simulated seconds.
        """
        at = now - self._since
        for outage in self.plan.outages:
            if outage.provider in {EVERY, struck.provider} and outage.start_s <= at < outage.end_s:
                return outage.kind
        return self._key_end(struck, at) or self._by_chance(struck, unit)

    def _key_end(self, struck: Struck, at: float) -> FaultKind | None:
        for number, end in enumerate(self.plan.key_ends):
            if end.key not in {EVERY, struck.key} or end.provider not in {EVERY, struck.provider}:
                continue
            name = (number, struck.provider, struck.key)
            self._uses[name] += 1
            if at >= end.at_s or self._uses[name] > end.after_requests:
                return end.kind
        return None

    def _by_chance(self, struck: Struck, unit: float) -> FaultKind | None:
        if not self.plan.rates:
            return None
        for one in self._table(struck.provider, struck.kind):
            if unit < one.rate:
                return one.kind
            unit -= one.rate
        return None

    def _table(self, provider: str, kind: CallKind) -> Iterable[FaultRate]:
        found = self._tables.get((provider, kind))
        if found is None:
            found = tuple(
                one
                for one in self.plan.rates
                if one.provider in {EVERY, provider} and one.kind in APPLICABLE[kind]
            )
            self._tables[provider, kind] = found
        return found
