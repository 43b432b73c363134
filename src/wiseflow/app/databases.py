"""The database, as the settings name it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from wiseflow.core.errors import ConfigurationError
from wiseflow.settings.model import Settings
from wiseflow.storage.sql.address import parse
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.options import DatabaseOptions, Synchronous
from wiseflow.storage.sql.schema import SchemaState, check, upgrade
from wiseflow.storage.sql.waking import Announcer, LocalWakeUps

# A wake-up takes moments, so that the shortest lease would only cost more signs of life.
LEAST_STALLED_S = 3.0


def check_local_only(settings: Settings) -> None:
    """Refuse a database or a Redis on another machine when nothing may be sent to one.

    Raises:
        ConfigurationError: ``LOCAL_ONLY`` holds, and ``DATABASE_URL`` names another machine, or
            ``REDIS_HOST`` does and limits are shared there.
    """
    if not settings.local_only:
        return
    for host in _database_hosts(settings.database_url):
        # A PostgreSQL address without a host, or with a folder for one, is a local socket.
        if host and not host.startswith("/") and not is_loopback(host):
            raise ConfigurationError(
                f"LOCAL_ONLY is set, and DATABASE_URL names another machine, {host}",
                cure="Use a database on this machine, or unset LOCAL_ONLY",
            )
    if settings.limit_store == "redis" and not is_loopback(settings.redis_host):
        raise ConfigurationError(
            f"LOCAL_ONLY is set, and REDIS_HOST names another machine, {settings.redis_host}",
            cure="Use a Redis on this machine, another LIMIT_STORE, or unset LOCAL_ONLY",
        )


def _database_hosts(url: str) -> list[str]:
    """All hosts that a database's address names: there may be several, to be tried in turn."""
    address = urlsplit(url)
    asked = parse_qs(address.query)
    # Source: PostgreSQL, libpq, "Parameter Key Words": `hostaddr` goes before `host`, and both may
    # be lists.
    named = asked.get("host", [address.hostname or ""]) + asked.get("hostaddr", [])
    hosts = [host for names in named for host in names.split(",")]
    # One colon is before a port; an IPv6 address has more.
    return [host.partition(":")[0] if host.count(":") == 1 else host for host in hosts]


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own by itself, without asking a resolver."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


async def upgrade_database(settings: Settings) -> SchemaState:
    """Bring the database up to this version; its state after it."""
    async with Database(settings.database_url, database_options(settings)) as database:
        await upgrade(database)
        return await check(database)


async def check_database(settings: Settings) -> SchemaState:
    """What version the database has, and what is wrong with it; nothing is changed."""
    async with Database(settings.database_url, database_options(settings)) as database:
        return await check(database)


def wake_ups(settings: Settings) -> Announcer:
    """What tells workers of jobs: those of all machines on a server, else those of this process."""
    address = parse(settings.database_url)
    if address.path is not None:
        return LocalWakeUps()
    # Slow to import: an embedded program need not wait for it.
    from wiseflow.storage.sql.server_waking import ServerWakeUps  # noqa: PLC0415

    return ServerWakeUps(
        address.conninfo, place=address.place, stalled_s=max(settings.job_lease_s, LEAST_STALLED_S)
    )


def database_options(settings: Settings) -> DatabaseOptions:
    """How the database is used, by the settings."""
    return replace(
        DatabaseOptions(),
        synchronous=Synchronous(settings.database_synchronous),
        busy_timeout_s=settings.database_timeout,
        pool_size=settings.database_pool_size,
        max_overflow=settings.database_max_overflow,
        pool_timeout_s=settings.database_timeout,
    )
