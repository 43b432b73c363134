"""How providers tell in headers what their limits are and how they stand.

Source: OpenAI, "Rate limits in headers"; Anthropic, "Rate limits: response headers";
draft-ietf-httpapi-ratelimit-headers-10 for the generic ones. Times are real seconds: a client has
no other clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wiseflow.simulator.limits import Dimension, LimitState

RateHeaders = Callable[["Standing"], Mapping[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the limits of a key stand.

    Args:
        states: of each limit.
        scale: real seconds a simulated one takes.
        wall: seconds since the epoch.
    """

    states: Sequence[LimitState]
    scale: float
    wall: float

    def counted(self) -> Sequence[LimitState]:
        """Limits that have a window: of requests, tokens and bytes."""
        return [one for one in self.states if one.limit.dimension is not Dimension.CONCURRENCY]


def openai_headers(standing: Standing) -> Mapping[str, str]:
    """``x-ratelimit-limit-requests`` and its like; times as Go writes durations."""
    headers: dict[str, str] = {}
    for state in standing.counted():
        name = state.limit.dimension
        headers[f"x-ratelimit-limit-{name}"] = _whole(state.limit.amount)
        headers[f"x-ratelimit-remaining-{name}"] = _whole(state.remaining)
        headers[f"x-ratelimit-reset-{name}"] = duration(state.reset_s * standing.scale)
    return headers


def anthropic_headers(standing: Standing) -> Mapping[str, str]:
    """``anthropic-ratelimit-requests-limit`` and its like; times as RFC 3339."""
    headers: dict[str, str] = {}
    for state in standing.counted():
        name = f"anthropic-ratelimit-{state.limit.dimension}"
        reset = datetime.fromtimestamp(standing.wall, UTC) + timedelta(
            seconds=state.reset_s * standing.scale
        )
        headers[f"{name}-limit"] = _whole(state.limit.amount)
        headers[f"{name}-remaining"] = _whole(state.remaining)
        headers[f"{name}-reset"] = reset.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return headers


def generic_headers(standing: Standing) -> Mapping[str, str]:
    """``RateLimit`` and ``RateLimit-Policy``."""
    counted = standing.counted()
    if not counted:
        return {}
    policies = (
        f'"{one.limit.dimension}";q={_whole(one.limit.amount)};'
        f"w={math.ceil(one.limit.window_s * standing.scale)}"
        for one in counted
    )
    states = (
        f'"{one.limit.dimension}";r={_whole(one.remaining)};'
        f"t={math.ceil(one.reset_s * standing.scale)}"
        for one in counted
    )
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)}


def no_headers(standing: Standing) -> Mapping[str, str]:  # noqa: ARG001 - as the others
    """None: a provider that tells nothing."""
    return {}


def retry_after(wait_s: float, scale: float) -> Mapping[str, str]:
    """``Retry-After`` in whole real seconds, as HTTP has it.

    Where time is scaled, in parts of a second: whole ones would be too coarse.
    """
    if math.isinf(wait_s):
        return {}
    if scale == 1:
        return {"Retry-After": str(math.ceil(wait_s))}
    return {"Retry-After": f"{math.ceil(wait_s * scale * 1000) / 1000:g}"}


def duration(seconds: float) -> str:
    """Seconds as Go writes them: 120ms, 1.5s, 6m0s."""
    milliseconds = math.ceil(seconds * 1000)
    if milliseconds < 1000:  # noqa: PLR2004 - a second
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds / 1000, 60)
    return f"{minutes:.0f}m{rest:g}s" if minutes else f"{rest:g}s"


def _whole(amount: float) -> str:
    return str(math.floor(amount))
