"""Where limits are shared between processes, as the settings say it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from urllib.parse import quote

from wiseflow.app.databases import database_options
from wiseflow.core.clock import Clock
from wiseflow.jobs.owners import instance_name
from wiseflow.limits.door import Limiter
from wiseflow.settings.model import Settings
from wiseflow.storage.sql.database import ConnectionTest
from wiseflow.storage.sql.limits import SqlLimitStore
from wiseflow.storage.sql.schema import open_database

# A limiter asks its store a few times a second, and never waits for two answers.
CONNECTIONS = 1


@dataclass(frozen=True, slots=True)
class OpenLimiter:
    """What holds calls back, and the way to close what it shares its limits by."""

    limiter: Limiter
    aclose: Callable[[], Awaitable[None]]


def shares_limits(settings: Settings) -> bool:
    """Whether limits are shared with other processes."""
    if settings.limit_store == "auto":
        return settings.database_url.startswith("postgresql")
    return settings.limit_store != "memory"


async def open_limiter(settings: Settings, clock: Clock) -> OpenLimiter:
    """What holds calls back, its limits shared with other processes where that is asked for.

    Raises:
        ConfigurationError: LIMIT_STORE is ``redis``, and its extra is not installed.
        StorageError: the database cannot be opened.
    """
    if not shares_limits(settings):
        return OpenLimiter(Limiter(clock=clock), _nothing)
    if settings.limit_store == "redis":
        # An extra, and slow to import.
        from wiseflow.storage.redis.limits import RedisLimitStore  # noqa: PLC0415

        redis = RedisLimitStore(redis_url(settings))
        return OpenLimiter(Limiter(clock=clock, store=redis, holder=instance_name()), redis.close)
    # A connection of its own: it may be open for longer than any application.
    options = replace(database_options(settings), pool_size=CONNECTIONS)
    database = await open_database(settings.database_url, options)
    limiter = Limiter(clock=clock, store=SqlLimitStore(database), holder=instance_name())
    return OpenLimiter(limiter, database.close)


async def test_cache(settings: Settings) -> ConnectionTest:
    """Whether what processes share beside the database answers, how fast, and which version it is.

    It is Redis, where limits are shared by it; else this process's own memory.

    Raises:
        ConfigurationError: LIMIT_STORE is ``redis``, and its extra is not installed.
    """
    if settings.limit_store != "redis":
        return ConnectionTest(status="ok", latency_ms=0.0, version="memory")
    from wiseflow.storage.redis.limits import RedisLimitStore  # noqa: PLC0415 - an extra, and slow

    store = RedisLimitStore(redis_url(settings))
    try:
        return await store.test_connection()
    finally:
        await store.close()


def redis_url(settings: Settings) -> str:
    """The address of Redis; with its password, so it must not be shown."""
    password = quote(settings.redis_password.get_secret_value(), safe="")
    login = f":{password}@" if password else ""
    return f"redis://{login}{settings.redis_host}:{settings.redis_port}/{settings.redis_db}"


async def _nothing() -> None:
    """There is nothing to close."""
