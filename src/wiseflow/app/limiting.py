"""Where limits are shared between processes, as the settings say it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import quote

from wiseflow.core.clock import Clock
from wiseflow.core.ports import LimitStore
from wiseflow.jobs.owners import instance_name
from wiseflow.limits.door import Limiter
from wiseflow.settings.model import Settings
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.limits import SqlLimitStore


@asynccontextmanager
async def open_limiter(
    settings: Settings, database: Database, clock: Clock
) -> AsyncGenerator[Limiter]:
    """What holds calls back, its limits shared with other processes where that is asked for.

    Raises:
        ConfigurationError: LIMIT_STORE is ``redis``, and its extra is not installed.
    """
    async with _store(settings, database) as store:
        yield Limiter(clock=clock, store=store, holder=instance_name() if store else "")


@asynccontextmanager
async def _store(settings: Settings, database: Database) -> AsyncGenerator[LimitStore | None]:
    match settings.limit_store:
        case "memory":
            yield None
        case "redis":
            # An extra, and slow to import.
            from wiseflow.storage.redis.limits import RedisLimitStore  # noqa: PLC0415

            store = RedisLimitStore(redis_url(settings))
            try:
                yield store
            finally:
                await store.close()
        case "auto" if not settings.database_url.startswith("postgresql"):
            yield None
        case _:
            yield SqlLimitStore(database)


def redis_url(settings: Settings) -> str:
    """The address of Redis; with its password, so it must not be shown."""
    password = quote(settings.redis_password.get_secret_value(), safe="")
    login = f":{password}@" if password else ""
    return f"redis://{login}{settings.redis_host}:{settings.redis_port}/{settings.redis_db}"
