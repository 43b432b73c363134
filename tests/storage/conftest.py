"""Real databases: an SQLite file and a PostgreSQL server, one of each kind for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest

from wiseflow.core.ports import (
    DocumentStore,
    EventStore,
    JobQueue,
    PageStore,
    ReportStore,
    StepStore,
)
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.documents import SqlDocumentStore
from wiseflow.storage.sql.events import SqlEventStore
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.pages import SqlPageStore
from wiseflow.storage.sql.reports import SqlReportStore
from wiseflow.storage.sql.schema import open_database
from wiseflow.storage.sql.steps import SqlStepStore


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> Iterator[str]:
    """A database with our tables on PostgreSQL, a file that is not there yet on SQLite."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/data/wiseflow.db"
        return
    server = request.getfixturevalue("server")
    created = server.create()
    yield created
    server.drop(created)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path) -> Iterator[str]:
    """A database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty.db"
        return
    server = request.getfixturevalue("server")
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
    pages: PageStore


def stores_on(database: Database) -> Stores:
    return Stores(
        database=database,
        queue=SqlJobQueue(database),
        steps=SqlStepStore(database),
        events=SqlEventStore(database),
        reports=SqlReportStore(database),
        documents=SqlDocumentStore(database),
        pages=SqlPageStore(database),
    )


@pytest.fixture
async def stores(url) -> AsyncIterator[Stores]:
    database = await open_database(url)
    yield stores_on(database)
    await database.close()
