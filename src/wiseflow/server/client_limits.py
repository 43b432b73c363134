"""How often each API key may ask, and each address try to log in.

Counted in this process, by a window that slides: in each minute that could be looked at, about so
many. What is kept is two numbers a key that asked within two minutes; of addresses, which anybody
may have many of, as many as there are places for them, in one of which each falls.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from limits import RateLimitItem, RateLimitItemPerMinute
from wiseflow.core.errors import TooOften
from wiseflow.core.keys import ApiKey

WINDOW_S = 60
LOGIN_TRIES = 10
ADDRESS_PLACES = 1024
# Who holds one address of version 6 holds all with these first bits.
NETWORK_BITS = 64


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
    """

    def __init__(self, requests_per_minute: int) -> None:
        self._default = requests_per_minute
        self._counting = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._tries = RateLimitItemPerMinute(LOGIN_TRIES, namespace="login")
        # So that nobody can choose addresses that fall into another's place.
        self._salt = secrets.token_bytes(16)

    async def take(self, key: ApiKey) -> tuple[Standing | None, bool]:
        """Count a request: where the key then stands, and whether it may go on.

        There is nothing to tell of a key without a limit.
        """
        limit = self._default if key.requests_per_minute is None else key.requests_per_minute
        if not limit:
            return None, True
        item = RateLimitItemPerMinute(limit, namespace="key")
        allowed = await self._counting.hit(item, key.key_id)
        reset_s, remaining = await self._state(item, key.key_id)
        return Standing(limit=limit, remaining=remaining, reset_s=reset_s), allowed

    async def try_login(self, address: str) -> None:
        """Count a try to log in.

        Raises:
            TooOften: there were too many from there within a minute.
        """
        place = self._place(address)
        if await self._counting.hit(self._tries, place):
            return
        reset_s, _ = await self._state(self._tries, place)
        raise TooOften(
            f"more than {LOGIN_TRIES} tries to log in within a minute",
            retry_after_s=reset_s,
            cure=f"Wait for {reset_s} seconds",
        )

    async def _state(self, item: RateLimitItem, name: str) -> tuple[int, int]:
        """In how many seconds all is as at first, at least one; and how many requests are left."""
        stats = await self._counting.get_window_stats(item, name)
        return max(1, int(stats.reset_time - time.time() + 0.999)), max(0, stats.remaining)

    def _place(self, address: str) -> str:
        digest = hashlib.sha256(self._salt + _network(address).encode()).digest()
        return str(int.from_bytes(digest[:4], "big") % ADDRESS_PLACES)


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
