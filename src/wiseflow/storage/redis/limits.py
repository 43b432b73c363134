"""Limits that instances share, in Redis."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import urlsplit

from wiseflow.core.errors import ConfigurationError, StorageError
from wiseflow.core.lending import LEARNT_FOR_S
from wiseflow.core.limits import Dimension, LeaseAsk, Leased, LeaseReturn, LimitKey, SlotAsk
from wiseflow.storage.redis import scripts
from wiseflow.storage.sql.database import ConnectionTest

# One hash tag: a cluster keeps all of it on one node, as a script may only touch one.
_PREFIX = "wiseflow:{limits}"
_CONNECT_S = 5.0


class RedisLimitStore:
    """Shared limits; see ``LimitStore``.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``; a password in it is never shown.

    Raises:
        ConfigurationError: the extra ``redis`` is not installed, or the URL is none of Redis.
    """

    def __init__(self, url: str) -> None:
        self._place = _place(url)
        try:
            # An extra, and slow to import.
            from redis.asyncio import Redis  # noqa: PLC0415
            from redis.exceptions import RedisError  # noqa: PLC0415
        except ImportError as error:
            raise ConfigurationError(
                f"the Redis server at {self._place} needs the extra 'redis'",
                cure="Install it: pip install 'wiseflow[redis]'",
            ) from error
        try:
            # Its types are incomplete.
            self._client: Any = cast("Any", Redis).from_url(
                url,
                decode_responses=True,
                socket_connect_timeout=_CONNECT_S,
                socket_timeout=_CONNECT_S,
            )
        except ValueError as error:
            raise ConfigurationError(
                f"the address of Redis cannot be used: {self._place}",
                cure="Give one like redis://localhost:6379/0",
            ) from error
        self._errors = (RedisError, OSError)
        register = self._client.register_script
        self._lease = register(scripts.LEASE)
        self._give_back = register(scripts.GIVE_BACK)
        self._hold = register(scripts.HOLD)
        self._pause = register(scripts.PAUSE)

    async def test_connection(self) -> ConnectionTest:
        """Whether the server answers, how fast, and which version it is."""
        begun = time.perf_counter()
        version, failure = "", ""
        try:
            with self._translated():
                version = f"Redis {(await self._client.info('server'))['redis_version']}"
        except StorageError as error:
            failure = str(error)
        return ConnectionTest(
            status="failed" if failure else "ok",
            latency_ms=(time.perf_counter() - begun) * 1000,
            version=version,
            error=failure,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def lease(self, asks: Sequence[LeaseAsk], *, holder: str) -> Leased:
        """Lend of several limits at once: at least what is needed of each, or nothing."""
        keys = [
            name
            for ask in asks
            for name in (_loans(ask), _paused(ask.key), _found(ask.key, ask.dimension))
        ]
        numbers = [
            "" if number is None else repr(float(number))
            for ask in asks
            for number in (ask.window_s, ask.limit, ask.least, ask.most)
        ]
        with self._translated():
            retry, *answers = await self._lease([*keys, f"{_PREFIX}:loans"], [holder, *numbers])
        return Leased(
            amounts=tuple(float(text) for text in answers[::3]),
            retry_in_s=max(0.0, float(retry)),
            used=tuple(float(text) for text in answers[1::3]),
            learnt=tuple(float(text) if text else None for text in answers[2::3]),
        )

    async def give_back(self, returns: Sequence[LeaseReturn], *, holder: str) -> None:
        """Take back what its holder did not use."""
        amounts = [repr(float(back.amount)) for back in returns]
        with self._translated():
            await self._give_back([_loans(back) for back in returns], [holder, *amounts])

    async def hold(self, ask: SlotAsk, *, holder: str) -> int:
        """How many calls of a key a holder may have under way from now on."""
        numbers = [ask.in_use, ask.wanted, ask.limit, repr(float(ask.ttl_s))]
        with self._translated():
            return int(await self._hold([_key("slots", ask.key)], [holder, *numbers]))

    async def pause(self, key: LimitKey, seconds: float) -> None:
        """Lend nothing of a key for so long; a longer pause stays."""
        with self._translated():
            await self._pause([_paused(key)], [repr(float(seconds))])

    async def learn(self, key: LimitKey, dimension: Dimension, limit: float) -> None:
        """Keep a limit that was found, for the other instances."""
        name = _found(key, dimension)
        with self._translated():
            await self._client.set(name, repr(float(limit)), ex=int(LEARNT_FOR_S))

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except self._errors as error:
            raise StorageError(
                f"the Redis server at {self._place} cannot be used: {error}",
                cure="Check that it runs and that REDIS_HOST and REDIS_PORT are right",
            ) from error


def _place(url: str) -> str:
    """Where it is, without user and password."""
    parts = urlsplit(url)
    return (parts.netloc.rpartition("@")[2] or parts.path) if parts.scheme else "no address"


def _key(kind: str, key: LimitKey) -> str:
    return "\x1f".join((f"{_PREFIX}:{kind}", key.provider, key.account, key.model))


def _loans(of: LeaseAsk | LeaseReturn) -> str:
    return f"{_key('lent', of.key)}\x1f{of.dimension.value}\x1f{of.window_s:g}"


def _paused(key: LimitKey) -> str:
    return _key("paused", key)


def _found(key: LimitKey, dimension: Dimension) -> str:
    return f"{_key('found', key)}\x1f{dimension.value}"
