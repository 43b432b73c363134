"""Rate limits as a provider keeps them: exact, it counts what it has admitted."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from wiseflow.core.errors import InvalidInput

EVERY = "*"  # provider
ROUNDING = 1e-9  # sums of floats may never quite meet


class Dimension(StrEnum):
    """What is counted."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    CONCURRENCY = "concurrency"
    BYTES = "bytes"


class Window(StrEnum):
    """How it is counted."""

    FIXED = "fixed"
    SLIDING = "sliding"
    BUCKET = "bucket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit of each key of a provider.

    Args:
        dimension: what is counted; concurrency has no window.
        amount: how much may be admitted in a window; a bucket holds so much.
        window_s: in simulated seconds.
        window: fixed ones begin at multiples of their length; sliding ones at any time; a bucket
            fills at ``amount`` a window.
        provider: whose it is; ``*`` is every one's, each counted apart.
        each_model: every model is counted apart.

    Raises:
        InvalidInput: an amount or a window that lets nothing through.
    """

    dimension: Dimension
    amount: float
    window_s: float = 60.0
    window: Window = Window.SLIDING
    provider: str = EVERY
    each_model: bool = False

    def __post_init__(self) -> None:
        for name, value in (("amount", self.amount), ("window", self.window_s)):
            if not 0 < value < math.inf:
                raise InvalidInput(
                    f"a limit on {self.dimension} has {value:g} as its {name}",
                    cure="Give a number above 0",
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitState:
    """How a limit stands.

    Args:
        limit: which one.
        remaining: what may still be admitted now.
        reset_s: simulated seconds until all of it may be.
    """

    limit: Limit
    remaining: float
    reset_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What a request uses.

    Args:
        tokens: in and out.
        bytes_out: of its answer.
    """

    tokens: int = 0
    bytes_out: int = 0

    def of(self, dimension: Dimension) -> float:
        """How much of a dimension."""
        if dimension is Dimension.TOKENS:
            return float(self.tokens)
        return float(self.bytes_out) if dimension is Dimension.BYTES else 1.0


class Meter(Protocol):
    """Counts one limit of one key. Times are simulated seconds and must not go back."""

    def wait_s(self, amount: float, now: float) -> float:
        """Seconds until so much fits, if nothing else comes; 0 when it does, inf when never."""
        ...

    def take(self, amount: float, now: float) -> None:
        """Count so much as admitted."""
        ...

    def used(self, now: float) -> float:
        """How much counts against the limit now."""
        ...

    def reset_s(self, now: float) -> float:
        """Seconds until nothing counts against it."""
        ...


class FixedWindow:
    """Counts anew at each multiple of the window."""

    def __init__(self, amount: float, window_s: float) -> None:
        self._amount = amount
        self._window_s = window_s
        self._number = -1
        self._used = 0.0

    def wait_s(self, amount: float, now: float) -> float:
        """Seconds until so much fits."""
        if self.used(now) + amount <= self._amount + ROUNDING:
            return 0.0
        return self.reset_s(now) if amount <= self._amount else math.inf

    def take(self, amount: float, now: float) -> None:
        """Count so much as admitted."""
        self._used = self.used(now) + amount

    def used(self, now: float) -> float:
        """What was admitted since the window began."""
        number = math.floor(now / self._window_s)
        if number > self._number:
            self._number, self._used = number, 0.0
        return self._used

    def reset_s(self, now: float) -> float:
        """Seconds until the next window, 0 when nothing was admitted in this one."""
        used = self.used(now)
        return (self._number + 1) * self._window_s - now if used else 0.0


class SlidingWindow:
    """Remembers each admission for as long as the window is."""

    def __init__(self, amount: float, window_s: float) -> None:
        self._amount = amount
        self._window_s = window_s
        self._admitted: deque[tuple[float, float]] = deque()
        self._used = 0.0

    def wait_s(self, amount: float, now: float) -> float:
        """Seconds until enough of what was admitted is as old as the window."""
        left = self.used(now) + amount - self._amount
        if left <= ROUNDING:
            return 0.0
        for at, taken in self._admitted:
            left -= taken
            if left <= ROUNDING:
                return at + self._window_s - now
        return math.inf

    def take(self, amount: float, now: float) -> None:
        """Count so much as admitted."""
        self._used = self.used(now) + amount
        self._admitted.append((now, amount))

    def used(self, now: float) -> float:
        """What was admitted in the window that ends now; its beginning is outside."""
        while self._admitted and self._admitted[0][0] + self._window_s <= now:
            self._used -= self._admitted.popleft()[1]
        if not self._admitted:
            self._used = 0.0  # whatever rounding had left
        return self._used

    def reset_s(self, now: float) -> float:
        """Seconds until the last admission is as old as the window."""
        self.used(now)
        return self._admitted[-1][0] + self._window_s - now if self._admitted else 0.0


class TokenBucket:
    """Full at first, and filled evenly.

    Source: the token bucket, as in Tanenbaum and Wetherall, Computer Networks, section 5.4.2.
    """

    def __init__(self, amount: float, window_s: float) -> None:
        self._amount = amount
        self._rate = amount / window_s
        self._used = 0.0
        self._at = 0.0

    def wait_s(self, amount: float, now: float) -> float:
        """Seconds until so much is in the bucket."""
        if amount > self._amount:
            return math.inf
        left = self.used(now) + amount - self._amount
        return left / self._rate if left > ROUNDING else 0.0

    def take(self, amount: float, now: float) -> None:
        """Count so much as admitted."""
        self._used = self.used(now) + amount

    def used(self, now: float) -> float:
        """What is missing in the bucket."""
        self._used = max(0.0, self._used - (now - self._at) * self._rate)
        self._at = now
        return self._used

    def reset_s(self, now: float) -> float:
        """Seconds until the bucket is full."""
        return self.used(now) / self._rate


class Places:
    """How many are under way at once; each gives its place back."""

    def __init__(self, amount: float) -> None:
        self._amount = amount
        self._used = 0.0

    def wait_s(self, amount: float, now: float) -> float:  # noqa: ARG002 - as the others
        """0 when there is a place, else one second: nobody knows when one gets free."""
        return 0.0 if self._used + amount <= self._amount else 1.0

    def take(self, amount: float, now: float) -> None:  # noqa: ARG002 - as the others
        """Take a place."""
        self._used += amount

    def release(self) -> None:
        """Give a place back."""
        self._used -= 1

    def used(self, now: float) -> float:  # noqa: ARG002 - as the others
        """How many are under way."""
        return self._used

    def reset_s(self, now: float) -> float:  # noqa: ARG002 - as the others
        """Always 0: places have no window."""
        return 0.0


WINDOWS = {Window.FIXED: FixedWindow, Window.SLIDING: SlidingWindow, Window.BUCKET: TokenBucket}


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Whether a request is admitted.

    Args:
        refused_by: the limit that was reached, the one that takes longest to have room.
        wait_s: simulated seconds until it would fit; inf when it never will.
        states: of all limits that hold for it, after the decision.
        places: to be given back.
    """

    refused_by: Limit | None
    wait_s: float
    states: tuple[LimitState, ...]
    places: tuple[Places, ...]

    def release(self) -> None:
        """Give the places of an admitted request back."""
        for place in self.places:
            place.release()


class Limits:
    """The limits of all providers and keys.

    Args:
        limits: what holds.
    """

    def __init__(self, limits: Sequence[Limit] = ()) -> None:
        self._limits = tuple(limits)
        self._meters: dict[tuple[int, str, str, str], Meter] = {}
        self._of_provider: dict[str, tuple[int, ...]] = {}

    @property
    def limits(self) -> tuple[Limit, ...]:
        """What holds."""
        return self._limits

    def counts(self, provider: str, dimension: Dimension) -> bool:
        """Whether a provider has a limit of that dimension."""
        return any(self._limits[at].dimension is dimension for at in self._holding(provider))

    def admit(self, provider: str, key: str, model: str, charge: Charge, now: float) -> Admission:
        """Admit a request if every limit has room for it, and count it then."""
        meters = [self._meter(at, provider, key, model) for at in self._holding(provider)]
        waits = [
            (meter.wait_s(charge.of(limit.dimension), now), limit.dimension, limit)
            for limit, meter in meters
        ]
        wait_s, _, slowest = max(waits, key=lambda one: one[:2], default=(0.0, "", None))
        if wait_s == 0:
            for limit, meter in meters:
                meter.take(charge.of(limit.dimension), now)
        return Admission(
            refused_by=slowest if wait_s else None,
            wait_s=wait_s,
            states=tuple(_state(limit, meter, now) for limit, meter in meters),
            places=() if wait_s else tuple(m for _, m in meters if isinstance(m, Places)),
        )

    def _holding(self, provider: str) -> tuple[int, ...]:
        found = self._of_provider.get(provider)
        if found is None:
            found = tuple(
                at for at, limit in enumerate(self._limits) if limit.provider in {EVERY, provider}
            )
            self._of_provider[provider] = found
        return found

    def _meter(self, at: int, provider: str, key: str, model: str) -> tuple[Limit, Meter]:
        limit = self._limits[at]
        name = (at, provider, key, model if limit.each_model else "")
        meter = self._meters.get(name)
        if meter is None:
            meter = self._meters[name] = _new_meter(limit)
        return limit, meter


def _new_meter(limit: Limit) -> Meter:
    if limit.dimension is Dimension.CONCURRENCY:
        return Places(limit.amount)
    return WINDOWS[limit.window](limit.amount, limit.window_s)


def _state(limit: Limit, meter: Meter, now: float) -> LimitState:
    remaining = max(0.0, limit.amount - meter.used(now))
    return LimitState(limit=limit, remaining=remaining, reset_s=meter.reset_s(now))
