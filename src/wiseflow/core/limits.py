"""The words of limits: what one key of a provider may use, and what its answers tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Dimension(StrEnum):
    """What is limited; the value is the name that a setting or a message uses."""

    REQUESTS = "requests_per_minute"
    TOKENS = "tokens_per_minute"
    CONCURRENCY = "concurrency"
    BYTES = "bytes_per_s"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitKey:
    """Whose limit it is: one key of one provider, and one of its models.

    Args:
        provider: its name.
        account: a fingerprint of the key, never the key; "" where there is none.
        model: "" where a limit holds for the whole key, or the provider has no models.
    """

    provider: str
    account: str = ""
    model: str = ""

    def __str__(self) -> str:
        return f"{self.provider}/{self.account}/{self.model}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """What a key may use, all at once; ``None`` is unknown, and is then found.

    Args:
        requests_per_minute: above 0.
        tokens_per_minute: in and out together, above 0.
        concurrency: requests under way at once, at least 1.
        bytes_per_s: of answers, above 0.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    concurrency: int | None = None
    bytes_per_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one call takes of a limit, besides being one request.

    Args:
        tokens: in and out; before the call the most it may be, after it what it was.
        bytes: of the answer.
    """

    tokens: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What the headers of an answer told of one limit.

    Args:
        dimension: which.
        limit: what may be used in a window; ``None`` when not told.
        remaining: how much of it is left; ``None`` when not told.
        reset_s: in how many seconds it is whole again; ``None`` when not told.
        window_s: how long the window is, in seconds.
    """

    dimension: Dimension
    limit: float | None = None
    remaining: float | None = None
    reset_s: float | None = None
    window_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseAsk:
    """What an instance wants to use of a limit that instances share.

    Args:
        key: whose limit it is.
        dimension: what is limited.
        window_s: in which time, in seconds; what was lent counts for so long.
        limit: how much may be lent in a window; ``None`` when it is not known.
        least: with less it can do nothing.
        most: what it could use at once.
    """

    key: LimitKey
    dimension: Dimension
    window_s: float
    limit: float | None
    least: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """What a store lent.

    Args:
        amounts: for each thing asked for, in order; all 0 when one of them had no room.
        retry_in_s: in how many seconds there may be room; 0 when something was lent.
        used: of each thing, what all instances were lent in its window, with this.
        learnt: of each thing, the limit that an instance found; ``None`` when none did.
    """

    amounts: tuple[float, ...]
    retry_in_s: float = 0.0
    used: tuple[float, ...] = ()
    learnt: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseReturn:
    """What an instance was lent of a limit and did not use."""

    key: LimitKey
    dimension: Dimension
    window_s: float
    amount: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotAsk:
    """How many calls an instance wants to have under way at once.

    Args:
        key: whose calls they are.
        in_use: how many are under way now.
        wanted: how many it wants, with these; 0 to give all back.
        limit: how many all instances may have together.
        ttl_s: it has none any more when it does not ask again within so many seconds.
    """

    key: LimitKey
    in_use: int
    wanted: int
    limit: int
    ttl_s: float
