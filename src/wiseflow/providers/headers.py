"""What headers tell of limits: how long to wait, what is left, until when.

Headers are others' words: whatever they hold, nothing here raises; what cannot be read is left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from wiseflow.core.limits import Allowance, Dimension

LONGEST_HEADER = 1024
MOST_POLICIES = 16
LONGEST_WAIT_S = 31 * 86_400.0
WINDOWS_S = (60.0, 3600.0, 86_400.0)
# A number above this is a moment of the Unix epoch, and above the next one in milliseconds.
EPOCH_S = 1e9
EPOCH_MS = 1e12

_UNITS_S = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
_PART = re.compile(r"(\d{1,12}(?:\.\d{0,12})?)(ms|us|µs|d|h|m|s)", re.ASCII)
_DURATION = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{0,12})?", re.ASCII)
_KINDS = {"requests": Dimension.REQUESTS, "tokens": Dimension.TOKENS}
_QUOTA_UNITS = {
    "requests": Dimension.REQUESTS,
    "content-bytes": Dimension.BYTES,
    "concurrent-requests": Dimension.CONCURRENCY,
}


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """How long the answer asks to wait, in seconds; ``None`` when it does not.

    Args:
        headers: names in any case.
        now: seconds since the Unix epoch.

    Source: RFC 9110, section 10.2.3; ``retry-after-ms`` of OpenAI's and Anthropic's clients.
    """
    told = _lower(headers)
    milliseconds = _number(told.get("retry-after-ms", ""))
    if milliseconds is not None:
        return min(milliseconds / 1000, LONGEST_WAIT_S)
    text = told.get("retry-after", "")
    wait = _number(text)
    return _until(_http_date(text), now) if wait is None else min(wait, LONGEST_WAIT_S)


def allowances(headers: Mapping[str, str], now: float) -> tuple[Allowance, ...]:
    """What an answer's headers tell of the key's limits, each of its windows once.

    Where the window is not told, it is the shortest of a minute, an hour and a day that holds the
    time until it is whole again.

    Args:
        headers: names in any case.
        now: seconds since the Unix epoch.

    Source: OpenAI, "Rate limits in headers"; Anthropic, "Rate limits: response headers"; the IETF
    drafts ``draft-ietf-httpapi-ratelimit-headers`` 03 to 10; GitHub's and Brave's ``x-ratelimit``;
    Crossref, "Access and authentication" (``x-rate-limit-interval``).
    """
    told = _lower(headers)
    found = [*_of_models(told, now), *_of_anthropic(told, now)]
    found.extend(_of_policies(told, now) or _of_general(told, now))
    return tuple(dict.fromkeys(one for one in found if one is not None))


def duration_s(text: str) -> float | None:
    """Seconds of a duration like ``1m6.5s``, ``20ms`` or ``6``; ``None`` for anything else."""
    text = text.strip()
    if _DURATION.fullmatch(text):
        return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text))
    return _number(text)


def _of_models(told: Mapping[str, str], now: float) -> list[Allowance | None]:
    return [
        _allowance(
            dimension,
            told.get(f"x-ratelimit-limit-{kind}", ""),
            told.get(f"x-ratelimit-remaining-{kind}", ""),
            _reset(told.get(f"x-ratelimit-reset-{kind}", ""), now),
        )
        for kind, dimension in _KINDS.items()
    ]


def _of_anthropic(told: Mapping[str, str], now: float) -> list[Allowance | None]:
    def read(kind: str, dimension: Dimension) -> Allowance | None:
        name = f"anthropic-ratelimit-{kind}"
        reset = _reset(told.get(f"{name}-reset", ""), now)
        return _allowance(
            dimension, told.get(f"{name}-limit", ""), told.get(f"{name}-remaining", ""), reset
        )

    # "tokens" is the strictest of the token limits by itself; without it, we choose.
    tokens = read("tokens", Dimension.TOKENS) or _strictest(
        [read("input-tokens", Dimension.TOKENS), read("output-tokens", Dimension.TOKENS)]
    )
    return [read("requests", Dimension.REQUESTS), tokens]


def _strictest(found: Iterable[Allowance | None]) -> Allowance | None:
    return min((one for one in found if one is not None), key=_share_left, default=None)


def _share_left(one: Allowance) -> float:
    return one.remaining / one.limit if one.limit and one.remaining is not None else 1.0


def _of_general(told: Mapping[str, str], now: float) -> list[Allowance | None]:
    for prefix in ("x-ratelimit", "x-rate-limit", "ratelimit"):
        columns = [
            [item.strip() for item in told.get(f"{prefix}-{part}", "").split(",")]
            for part in ("limit", "remaining", "reset")
        ]
        windows = [_parameters(item) for item in told.get(f"{prefix}-policy", "").split(",")]
        found = [
            _windowed(
                _allowance(
                    Dimension.REQUESTS,
                    _at(columns[0], place).partition(";")[0],
                    _at(columns[1], place),
                    _reset(_at(columns[2], place), now),
                ),
                (windows[place] if place < len(windows) else {})
                or _interval(told.get(f"{prefix}-interval", ""))
                or _parameters(_at(columns[0], place)),
            )
            for place in range(min(MOST_POLICIES, max(map(len, columns[:2]))))
        ]
        if any(found):
            return found
    return []


def _interval(text: str) -> dict[str, str]:
    """``1s`` as the window of a policy; Crossref tells it in a header of its own."""
    seconds = duration_s(text)
    return {"w": f"{seconds:g}"} if seconds else {}


def _of_policies(told: Mapping[str, str], now: float) -> list[Allowance | None]:
    """The drafts from 07 on: ``RateLimit`` tells what is left, ``RateLimit-Policy`` of what."""
    items = [_parameters(item) for item in told.get("ratelimit", "").split(",")]
    if not any(items):
        return []
    if any("limit" in item for item in items):  # draft 07: one policy, over several items
        whole = {name: value for item in items for name, value in item.items()}
        first = _parameters(told.get("ratelimit-policy", "").partition(",")[0])
        return [_of_policy(whole, {"q": whole.get("limit", ""), **first}, now)]
    policies = [_parameters(item) for item in told.get("ratelimit-policy", "").split(",")]
    named = {policy.get("", ""): policy for policy in policies}
    return [
        _of_policy(item, named.get(item.get("", ""), {}), now) for item in items[:MOST_POLICIES]
    ]


def _of_policy(state: Mapping[str, str], policy: Mapping[str, str], now: float) -> Allowance | None:
    dimension = _QUOTA_UNITS.get(policy.get("qu", "requests"))
    if dimension is None:
        return None
    left = state.get("r", state.get("remaining", ""))
    reset = _reset(state.get("t", state.get("reset", "")), now)
    return _windowed(_allowance(dimension, policy.get("q", ""), left, reset), policy)


def _parameters(item: str) -> dict[str, str]:
    """``"default";q=100;w=60`` and ``limit=100`` by name; what has none is under ""."""
    found: dict[str, str] = {}
    for part in item.split(";"):
        name, equals, value = part.strip().partition("=")
        if equals:
            found[name.strip().lower()] = value.strip().strip('"')
        elif name:
            found[""] = name.strip('"')
    return found


def _windowed(one: Allowance | None, policy: Mapping[str, str]) -> Allowance | None:
    window = _number(policy.get("w", "")) if one else None
    return replace(one, window_s=window) if one and window else one


def _allowance(
    dimension: Dimension, limit: str, remaining: str, reset_s: float | None
) -> Allowance | None:
    most, left = _number(limit), _number(remaining)
    if most is None and left is None:
        return None
    window = next((w for w in WINDOWS_S if (reset_s or 0.0) <= w), WINDOWS_S[-1])
    return Allowance(
        dimension=dimension, limit=most, remaining=left, reset_s=reset_s, window_s=window
    )


def _reset(text: str, now: float) -> float | None:
    """Seconds until then, of a duration, a moment of the epoch, or a date."""
    seconds = duration_s(text)
    if seconds is None:
        return _until(_iso_date(text) or _http_date(text), now)
    if seconds > EPOCH_MS:
        return _until(seconds / 1000, now)
    return _until(seconds, now) if seconds > EPOCH_S else min(seconds, LONGEST_WAIT_S)


def _until(moment: float | None, now: float) -> float | None:
    return None if moment is None else min(max(0.0, moment - now), LONGEST_WAIT_S)


def _number(text: str) -> float | None:
    text = text.strip()
    number = float(text) if _NUMBER.fullmatch(text) else math.nan
    return number if math.isfinite(number) else None


def _http_date(text: str) -> float | None:
    try:
        return _moment(parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _iso_date(text: str) -> float | None:
    """Source: RFC 3339."""
    try:
        return _moment(datetime.fromisoformat(text.strip()))
    except (ValueError, OverflowError):
        return None


def _moment(date: datetime) -> float:
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def _at(items: list[str], place: int) -> str:
    return items[place] if place < len(items) else ""


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value[:LONGEST_HEADER] for name, value in headers.items()}
