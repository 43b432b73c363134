"""What all applications of a process share: the gateway, its limits, and the count of its calls.

A limit holds for a key, whoever uses it. So all that run on one event loop wait at one door, and
those with the same endpoints use the same connections; a limit that is set while researches run
holds for all of them at once, on every event loop. Event loops share no door: with several of them
in one process, LIMIT_STORE makes their limits one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields, replace
from weakref import WeakKeyDictionary

from wiseflow.app.endpoints import rates_of
from wiseflow.app.limiting import OpenLimiter, open_limiter, shares_limits
from wiseflow.app.outside import Outside, make_outside
from wiseflow.core.calls import CallKind
from wiseflow.core.clock import SystemClock
from wiseflow.core.errors import ConfigurationError
from wiseflow.core.limits import RateLimit
from wiseflow.core.news import OnNews, ProviderNews
from wiseflow.gateway.recording import AttemptRecord, CallTotals
from wiseflow.limits.door import Limiter, check_rate
from wiseflow.settings.endpoints import endpoint_fields
from wiseflow.settings.model import Settings
from wiseflow.settings.outside import Outside as OutsideSettings

# The settings that a gateway is made of: with the same ones, it is the same gateway.
_MAKING = (*OutsideSettings.model_fields, *endpoint_fields(), "local_only", "database_url")


class Counts:
    """What the calls of this process came to, by kind, provider and model."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._totals: dict[tuple[CallKind, str, str], CallTotals] = {}

    def note(self, record: AttemptRecord) -> None:
        """Count an attempt; from any thread."""
        key = (record.kind, record.provider, record.model)
        with self._lock:
            self._totals.setdefault(key, CallTotals()).add(record)

    def totals(self) -> dict[tuple[CallKind, str, str], CallTotals]:
        """All that was counted, as it is now."""
        with self._lock:
            return {key: replace(one, failed=dict(one.failed)) for key, one in self._totals.items()}


@dataclass(slots=True, eq=False)
class _Gateway:
    """A gateway, who uses it, and who is told where it sends to."""

    outside: Outside
    limiter: OpenLimiter
    listeners: list[OnNews]
    users: int = 0


@dataclass(slots=True, eq=False)
class _Loop:
    """What one event loop has.

    Where limits are not shared with other processes, all its gateways have one limiter.
    """

    limiter: OpenLimiter | None = None
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    gateways: dict[tuple[object, ...], _Gateway] = field(
        default_factory=dict[tuple[object, ...], _Gateway]
    )
    # Gateways that stay open until the loop ends, each by a generator that the loop closes then.
    kept: dict[tuple[object, ...], AsyncGenerator[None]] = field(
        default_factory=dict[tuple[object, ...], AsyncGenerator[None]]
    )

    def limiters(self) -> set[Limiter]:
        """All there are."""
        shared = [self.limiter.limiter] if self.limiter else []
        return {*shared, *(one.limiter.limiter for one in self.gateways.values())}


# The process's own, as limits and counts are: no object that a caller makes would be the same one.
_LOOPS: WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop] = WeakKeyDictionary()
_RATES: dict[tuple[str, str], RateLimit] = {}
_LOCK = threading.Lock()
COUNTS = Counts()


@asynccontextmanager
async def shared_outside(
    settings: Settings, *, on_news: OnNews | None = None
) -> AsyncGenerator[Outside]:
    """The gateway of this event loop; closed when the last who uses it leaves.

    Args:
        settings: what holds.
        on_news: is told who is asked, once, and who does not answer and is waited for.

    Raises:
        ConfigurationError: a setting cannot be used.
    """
    here = _here()
    gateway = await _entered(here, settings)
    if on_news is not None:
        gateway.listeners.append(on_news)
    try:
        yield gateway.outside
    finally:
        if on_news is not None:
            gateway.listeners.remove(on_news)
        await _left(here, settings, gateway)


async def kept_outside(settings: Settings) -> Outside:
    """The gateway of this event loop, which stays open as long as the loop.

    Raises:
        ConfigurationError: a setting cannot be used.
    """
    here, key = _here(), _key(settings)
    gateway = await _entered(here, settings)
    if key in here.kept:
        await _left(here, settings, gateway)
    else:

        async def close() -> None:
            here.kept.pop(key, None)
            await _left(here, settings, gateway)

        here.kept[key] = _at_the_end(close)
        await anext(here.kept[key])
    return gateway.outside


def set_rate(provider: str, model: str, limit: RateLimit, settings: Settings) -> RateLimit:
    """Keep a provider, or one model of it, to other limits from now on, on every event loop.

    Args:
        provider: its name.
        model: of it; "" for all of them together.
        limit: what it says holds; what it leaves open stays as it is.
        settings: what held before.

    Returns:
        What holds now.

    Raises:
        InvalidInput: a limit is not a number above 0.
    """
    check_rate(provider, limit)
    with _LOCK:
        before = _RATES.get((provider, model)) or rates_of(settings).get((provider, model))
        merged = _over(before or RateLimit(), limit)
        _RATES[provider, model] = merged
        loops = [(loop, has.limiters()) for loop, has in _LOOPS.items()]
    for loop, limiters in loops:
        for limiter in limiters:
            _tell(loop, limiter, provider, model, merged)
    return merged


def _tell(
    loop: asyncio.AbstractEventLoop, limiter: Limiter, provider: str, model: str, limit: RateLimit
) -> None:
    def tell() -> None:
        limiter.set_rate(provider, limit, model=model)

    if loop.is_closed():
        return
    if loop is _running():
        tell()
    else:  # a limiter belongs to its loop
        loop.call_soon_threadsafe(tell)


async def _entered(here: _Loop, settings: Settings) -> _Gateway:
    """The gateway of these settings, with one more user."""
    key = _key(settings)
    async with here.opening:
        if key not in here.gateways:
            limiter = await _limiter(here, settings)
            try:
                here.gateways[key] = _made(settings, limiter)
            except ConfigurationError:
                await limiter.aclose()
                raise
        here.gateways[key].users += 1
        return here.gateways[key]


async def _limiter(here: _Loop, settings: Settings) -> OpenLimiter:
    if shares_limits(settings):  # what is lent by a store is counted there
        return await open_limiter(settings, SystemClock())
    if here.limiter is None:
        here.limiter = await open_limiter(settings, SystemClock())
    return here.limiter


def _made(settings: Settings, limiter: OpenLimiter) -> _Gateway:
    listeners: list[OnNews] = []

    def on_news(news: ProviderNews) -> None:
        for listener in listeners:
            listener(news)

    outside = make_outside(
        settings,
        SystemClock(),
        limiter.limiter,
        on_attempt=COUNTS.note,
        on_news=on_news,
        rates=_rates(settings),
    )
    return _Gateway(outside, limiter, listeners)


async def _left(here: _Loop, settings: Settings, gateway: _Gateway) -> None:
    gateway.users -= 1
    if not gateway.users:
        # Forgotten first: who comes while it closes has one of its own.
        del here.gateways[_key(settings)]
        await gateway.outside.aclose()
        await gateway.limiter.aclose()


async def _at_the_end(close: Callable[[], Awaitable[None]]) -> AsyncGenerator[None]:
    """Closes when its event loop ends, which closes all generators that were begun on it."""
    try:
        yield
    finally:
        await close()


def _here() -> _Loop:
    loop = asyncio.get_running_loop()
    with _LOCK:
        if loop not in _LOOPS:
            _LOOPS[loop] = _Loop()
        return _LOOPS[loop]


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _rates(settings: Settings) -> Mapping[tuple[str, str], RateLimit]:
    """The limits of the settings, and over them those that were set while this process ran."""
    with _LOCK:
        return {**rates_of(settings), **_RATES}


def _over(before: RateLimit, limit: RateLimit) -> RateLimit:
    named = {item.name: getattr(limit, item.name) for item in fields(RateLimit)}
    return replace(before, **{name: value for name, value in named.items() if value is not None})


def _key(settings: Settings) -> tuple[object, ...]:
    return tuple(getattr(settings, name) for name in _MAKING)
