"""How often each API key may ask, and each address try to log in.

Counted by a window that slides: in each minute that could be looked at, about so many. What is kept
is two numbers a key that asked within two minutes; of addresses, which anybody may have many of, as
many as there are places for them, in one of which each falls. It is counted in this process; or in
Redis for all processes, and in each apart only while Redis does not answer.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any, cast

from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError

from limits import RateLimitItem, RateLimitItemPerMinute
from wiseflow.core.errors import TooOften
from wiseflow.core.keys import ApiKey
from wiseflow.observability.logs import get_logger

WINDOW_S = 60
LOGIN_TRIES = 10
ADDRESS_PLACES = 1024
# Who holds one address of version 6 holds all with these first bits.
NETWORK_BITS = 64
# A request waits so long for Redis at most; after that it is left alone for a while.
REDIS_TIMEOUT_S = 1.0
AWAY_S = 10.0
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a key may still ask.

    Args:
        limit: requests a minute.
        remaining: how many of them are left.
        reset_s: in how many seconds all are.
    """

    limit: int
    remaining: int
    reset_s: int

    def headers(self) -> dict[str, str]:
        """What tells it to the client.

        Source: draft-ietf-httpapi-ratelimit-headers-10 for the first two; the others are the names
        that GitHub and many more use, with seconds to wait.
        """
        return {
            "RateLimit-Policy": f'"key";q={self.limit};w={WINDOW_S}',
            "RateLimit": f'"key";r={self.remaining};t={self.reset_s}',
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_s),
        }


class ClientLimits:
    """Counts requests by key, and tries to log in by address.

    Args:
        requests_per_minute: of a key that has no number of its own; 0 for no limit.
        shared: where all processes count; ``None`` counts in this one.
        salt: so that nobody can choose addresses that fall into another's place; the same in all
            processes that count together.
        monotonic: tells seconds.
    """

    def __init__(
        self,
        requests_per_minute: int,
        *,
        shared: RedisStorage | None = None,
        salt: bytes = b"",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._default = requests_per_minute
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._storage = shared
        self._shared = None if shared is None else SlidingWindowCounterRateLimiter(shared)
        self._monotonic = monotonic
        self._shared_from = 0.0
        self._tries = RateLimitItemPerMinute(LOGIN_TRIES, namespace="login")
        self._salt = salt or secrets.token_bytes(16)

    async def aclose(self) -> None:
        """Close what is open to Redis."""
        if self._storage is not None:
            bridge = cast("Any", self._storage.bridge)  # the library closes nothing itself
            await bridge.get_connection().aclose()

    async def take(self, key: ApiKey) -> tuple[Standing | None, bool]:
        """Count a request: where the key then stands, and whether it may go on.

        There is nothing to tell of a key without a limit.
        """
        limit = self._default if key.requests_per_minute is None else key.requests_per_minute
        if not limit:
            return None, True
        item = RateLimitItemPerMinute(limit, namespace="key")
        allowed, remaining, reset_s = await self._hit(item, key.key_id)
        return Standing(limit=limit, remaining=remaining, reset_s=reset_s), allowed

    async def try_login(self, address: str) -> None:
        """Count a try to log in.

        Raises:
            TooOften: there were too many from there within a minute.
        """
        allowed, _, reset_s = await self._hit(self._tries, self._place(address))
        if allowed:
            return
        raise TooOften(
            f"more than {LOGIN_TRIES} tries to log in within a minute",
            retry_after_s=reset_s,
            cure=f"Wait for {reset_s} seconds",
        )

    async def _hit(self, item: RateLimitItem, name: str) -> tuple[bool, int, int]:
        """Count: whether it may be, how many may still, and in how many seconds all may again."""
        if self._shared is not None and self._monotonic() >= self._shared_from:
            try:
                return await _counted(self._shared, item, name)
            except StorageError as error:
                self._shared_from = self._monotonic() + AWAY_S
                _log.warning("Redis does not count requests of keys", error=str(error))
        return await _counted(self._own, item, name)

    def _place(self, address: str) -> str:
        digest = hashlib.sha256(self._salt + _network(address).encode()).digest()
        return str(int.from_bytes(digest[:4], "big") % ADDRESS_PLACES)


def counted_in_redis(url: str) -> RedisStorage:
    """Where all processes count.

    Args:
        url: of Redis, as ``redis://…``; not asked yet.
    """
    return RedisStorage(
        f"async+{url}",
        wrap_exceptions=True,
        implementation="redispy",
        key_prefix="wiseflow:clients",
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
    )


async def _counted(
    counting: SlidingWindowCounterRateLimiter, item: RateLimitItem, name: str
) -> tuple[bool, int, int]:
    allowed = await counting.hit(item, name)
    stats = await counting.get_window_stats(item, name)
    reset_s = max(1, int(stats.reset_time - time.time() + 0.999))
    return allowed, max(0, stats.remaining), reset_s


def too_often(standing: Standing) -> TooOften:
    """The error for a key that has asked too often."""
    return TooOften(
        f"this key may send {standing.limit} requests a minute",
        retry_after_s=standing.reset_s,
        cure=f"Wait for {standing.reset_s} seconds, or have a key with a higher limit made",
    )


def _network(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(int(parsed) >> NETWORK_BITS)
    return str(parsed)
