"""What screens and metrics show of the limits."""

from __future__ import annotations

import math
from dataclasses import dataclass

from wiseflow.core.limits import Dimension, LimitKey
from wiseflow.limits.adaptive import AdaptiveRateLimiter
from wiseflow.limits.limiter import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitShown:
    """One limit of a key.

    Args:
        dimension: what is limited.
        window_s: in which time, in seconds; 0 for concurrency.
        limit: how much; ``None`` when not known.
        source: ``set``, ``told``, ``found``, or "" when not known.
        used: in the window that ends now; for concurrency, what is under way.
    """

    dimension: Dimension
    window_s: float
    limit: float | None
    source: str
    used: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyShown:
    """One key as it is now.

    Args:
        key: whose.
        limits: all of its limits.
        under_way: how many of its calls are.
        waiting: how many calls wait to be sent.
        paused_s: for how many seconds more nothing is sent; 0 when it is not paused.
    """

    key: LimitKey
    limits: tuple[LimitShown, ...]
    under_way: int
    waiting: int
    paused_s: float


def shown(line: Line, now: float) -> KeyShown:
    """A key and those that wait for it, as they are now."""
    limiter = line.limiters[line.key]
    return KeyShown(
        key=line.key,
        limits=_limits(limiter, now),
        under_way=limiter.in_flight,
        waiting=len(line.turns),
        paused_s=max(0.0, limiter.paused_until - now),
    )


def _limits(limiter: AdaptiveRateLimiter, now: float) -> tuple[LimitShown, ...]:
    limits: list[LimitShown] = []
    for key, window in limiter.windows.items():
        limit, source = limiter.limit_of(key)
        limits.append(
            LimitShown(
                dimension=key[0],
                window_s=key[1],
                limit=limit if math.isfinite(limit) else None,
                source=source,
                used=window.used(now),
            )
        )
    rate = limiter.rate
    most = rate.concurrency
    limits.append(
        LimitShown(
            dimension=Dimension.CONCURRENCY,
            window_s=0.0,
            limit=most,
            source="" if most is None else "set",
            used=limiter.in_flight,
        )
    )
    if rate.bytes_per_s is not None:
        limits.append(
            LimitShown(
                dimension=Dimension.BYTES,
                window_s=1.0,
                limit=rate.bytes_per_s,
                source="set",
                used=limiter.bytes_owed_s(now) * rate.bytes_per_s,
            )
        )
    return tuple(limits)
