"""How much of the limits of each provider is used: of its most used key or model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from wiseflow.core.limits import Dimension
from wiseflow.limits.states import KeyShown
from wiseflow.observability.metrics.labels import Bounded


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """One provider's limits now.

    Args:
        waiting: how many calls wait for them.
        under_way: how many were sent and go on.
        paused_s: for how many seconds more nothing is sent.
        used: the part that is used of each limit that is known, 0 and up.
    """

    waiting: int = 0
    under_way: int = 0
    paused_s: float = 0.0
    used: Mapping[Dimension, float] = field(default_factory=dict[Dimension, float])


def limit_use(keys: Iterable[KeyShown], providers: Bounded) -> dict[str, LimitUse]:
    """The use of all limits, by provider.

    Args:
        keys: as the limiter shows them; accounts and models are put together.
        providers: whose names may be told.
    """
    found: dict[str, LimitUse] = {}
    for one in keys:
        provider = providers.of(one.key.provider, earned=False)
        before = found.get(provider, LimitUse())
        found[provider] = LimitUse(
            waiting=before.waiting + one.waiting,
            under_way=before.under_way + one.under_way,
            paused_s=max(before.paused_s, one.paused_s),
            used=_most(before.used, _used(one)),
        )
    return found


def _used(one: KeyShown) -> dict[Dimension, float]:
    ratios: dict[Dimension, float] = {}
    for limit in one.limits:
        if limit.limit:
            ratio = limit.used / limit.limit
            ratios[limit.dimension] = max(ratios.get(limit.dimension, 0.0), ratio)
    return ratios


def _most(
    one: Mapping[Dimension, float], other: Mapping[Dimension, float]
) -> dict[Dimension, float]:
    return {
        dimension: max(one.get(dimension, 0.0), other.get(dimension, 0.0))
        for dimension in (*one, *other)
    }
