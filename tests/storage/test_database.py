"""Reading, grouped writing, and errors in words a user can act on."""

from __future__ import annotations

import asyncio
import sqlite3
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from wiseflow.core.errors import (
    ConfigurationError,
    InvalidInput,
    StorageError,
    StorageFull,
    WiseflowError,
)
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now
from wiseflow.storage.sql.failures import translate
from wiseflow.storage.sql.options import DatabaseOptions, Synchronous

LIMIT_S = 20.0


def sql(statement: str):
    async def unit(connection):
        result = await connection.execute(text(statement))
        return result.scalar() if result.returns_rows else None

    return unit


async def with_notes(url: str, **options) -> Database:
    database = Database(url, DatabaseOptions(**options))
    await database.open()
    await database.write(sql("CREATE TABLE notes (note TEXT NOT NULL)"))
    return database


@pytest.fixture
async def database(empty_url):
    database = await with_notes(empty_url)
    yield database
    await database.close()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "wiseflow.db"


@pytest.fixture
async def file(path):
    database = await with_notes(f"sqlite:///{path}", busy_timeout_s=0.05, write_wait_s=5)
    yield database
    await database.close()


def add(note: str):
    async def unit(connection):
        await connection.execute(text("INSERT INTO notes VALUES (:note)"), {"note": note})
        return note

    return unit


def fail(after: str):
    async def unit(connection):
        await add(after)(connection)
        raise LookupError(after)

    return unit


async def test_writes_at_once_are_all_there(database):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(database.write(add(str(number)))) for number in range(300)]

    assert [task.result() for task in tasks] == [str(number) for number in range(300)]
    assert await database.read(sql("SELECT count(*) FROM notes")) == 300


async def test_a_failing_unit_undoes_its_own_writes_only(database):
    failed: list[str] = []

    async def try_to(unit):
        try:
            await database.write(unit)
        except LookupError as error:
            failed.append(str(error))

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(try_to(fail(f"bad {number}") if number % 4 == 0 else add("good")))

    assert sorted(failed) == sorted(f"bad {number}" for number in range(0, 20, 4))
    assert await database.read(sql("SELECT count(*) FROM notes WHERE note = 'good'")) == 15
    assert await database.read(sql("SELECT count(*) FROM notes")) == 15


class SlowUnit:
    """A unit of work that waits in mid-way, on its thread or on the event loop."""

    def __init__(self):
        self._loop = asyncio.get_running_loop()
        self.begun = asyncio.Event()
        self.go_on = threading.Event()

    async def __call__(self, connection):
        self._loop.call_soon_threadsafe(self.begun.set)
        if connection.dialect.name == "sqlite":
            self.go_on.wait(LIMIT_S)
        else:
            await asyncio.to_thread(self.go_on.wait, LIMIT_S)
        await add("slow")(connection)


async def test_a_caller_that_gave_up_disturbs_nobody(database):
    slow = SlowUnit()

    async with asyncio.TaskGroup() as group:
        running = group.create_task(database.write(slow))
        await slow.begun.wait()
        waiting = group.create_task(database.write(add("never begun")))
        other = group.create_task(database.write(add("other")))
        await asyncio.sleep(0)
        running.cancel()
        waiting.cancel()
        slow.go_on.set()

    assert other.result() == "other"
    assert await database.read(sql("SELECT count(*) FROM notes WHERE note = 'other'")) == 1


async def test_now_is_the_databases_time_in_seconds(database):
    async def unit(connection):
        return await connection.scalar(now().select())

    assert 1_700_000_000 < await database.read(unit) < 5_000_000_000


async def test_a_connection_test_names_the_version(database):
    tested = await database.test_connection()

    assert tested.status == "ok"
    assert tested.version.partition(" ")[0] in {"SQLite", "PostgreSQL"}
    assert tested.latency_ms > 0


async def test_a_closed_database_refuses_and_can_be_closed_twice(empty_url):
    async with Database(empty_url) as database:
        await database.open()

    await database.close()
    for call in (database.read, database.write):
        with pytest.raises(StorageError, match="is closed"):
            await call(sql("SELECT 1"))
    assert (await database.test_connection()).status == "failed"


async def test_a_reader_cannot_write(file):
    with pytest.raises(StorageError, match="cannot be written to"):
        await file.read(add("x"))


async def test_a_read_that_gets_no_connection_in_time_is_told(path):
    async with await with_notes(f"sqlite:///{path}", readers=1, pool_timeout_s=0.05) as database:
        slow = SlowUnit()

        async def slow_reader():
            with pytest.raises(StorageError, match="cannot be written to"):
                await database.read(slow)

        async with asyncio.TaskGroup() as group:
            group.create_task(slow_reader())
            await slow.begun.wait()
            with pytest.raises(StorageError, match=r"no connection to the database .* came free"):
                await database.read(sql("SELECT 1"))
            slow.go_on.set()
        assert await database.read(sql("SELECT count(*) FROM notes")) == 0


async def test_a_unit_that_waits_for_something_else_is_a_fault_and_nothing_is_kept(file):
    async def unit(connection):
        await add("x")(connection)
        await asyncio.sleep(0)

    for call in (file.read, file.write):
        with pytest.raises((TypeError, StorageError)):
            await call(unit)
    with pytest.raises(TypeError, match="nothing but its connection"):
        await file.write(unit)
    assert await file.read(sql("SELECT count(*) FROM notes")) == 0


async def test_the_durability_asked_for_is_set(path):
    for asked, set_to in ((Synchronous.NORMAL, 1), (Synchronous.FULL, 2)):
        options = DatabaseOptions(synchronous=asked)
        async with Database(f"sqlite:///{path}", options) as database:
            assert await database.write(sql("PRAGMA synchronous")) == set_to
            assert await database.write(sql("PRAGMA journal_mode")) == "wal"


async def test_a_full_disk_is_told_and_what_was_there_stays(file):
    await file.write(add("first"))
    pages = await file.write(sql("PRAGMA page_count"))
    await file.write(sql(f"PRAGMA max_page_count = {pages}"))

    with pytest.raises(StorageFull, match=r"no room is left for the database .*wiseflow\.db"):
        await file.write(add("x" * 1_000_000))

    assert await file.read(sql("SELECT note FROM notes")) == "first"
    await file.write(sql("PRAGMA max_page_count = 100000"))
    await file.write(add("second"))


async def test_a_commit_that_fails_fails_all_of_its_group(file):
    await file.write(
        sql(
            "CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER REFERENCES a DEFERRABLE "
            "INITIALLY DEFERRED)"
        )
    )
    outcomes: list[str] = []

    async def try_to(unit):
        try:
            outcomes.append(await file.write(unit))
        except StorageError as error:
            outcomes.append(str(error))

    async with asyncio.TaskGroup() as group:
        group.create_task(try_to(add("one")))
        group.create_task(try_to(sql("INSERT INTO a VALUES (1, 99)")))

    assert all("FOREIGN KEY" in outcome for outcome in outcomes)
    assert len(outcomes) == 2
    assert await file.write(add("later")) == "later"
    assert await file.read(sql("SELECT count(*) FROM notes")) == 1


async def test_another_process_that_holds_the_lock_is_waited_for_and_then_told(file, path):
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StorageError, match="is locked") as raised:
        await file.write(add("x"))

    assert raised.value.retryable
    assert "Another process" in raised.value.cure
    other.execute("ROLLBACK")
    other.close()
    assert await file.write(add("x")) == "x"


async def test_a_write_that_does_not_get_its_turn_is_refused(path):
    # Made with patience: a busy disk may be slower than those who are to be refused wait.
    await (await with_notes(f"sqlite:///{path}")).close()
    database = Database(f"sqlite:///{path}", DatabaseOptions(write_wait_s=0.05))
    await database.open()
    slow = SlowUnit()

    async def slow_caller():
        with pytest.raises(StorageError):
            await database.write(slow)

    async with asyncio.TaskGroup() as group:
        group.create_task(slow_caller())
        await slow.begun.wait()
        with pytest.raises(StorageError, match="did not take a write within"):
            await database.write(add("x"))
        slow.go_on.set()
    await database.close()


async def test_writes_that_wait_are_finished_before_closing(path):
    database = await with_notes(f"sqlite:///{path}")

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(database.write(add(str(number)))) for number in range(700)]
        await asyncio.sleep(0)
        group.create_task(database.close())

    assert len({task.result() for task in tasks}) == 700


async def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "notes.db").write_bytes(b"just some text, " * 100)

    async with Database(f"sqlite:///{tmp_path}/notes.db") as database:
        for call in (database.read, database.write):
            with pytest.raises(StorageError, match=r"notes\.db is not an SQLite database"):
                await call(sql("SELECT * FROM sqlite_master"))


async def test_a_folder_in_the_files_place_is_named(tmp_path):
    async with Database(f"sqlite:///{tmp_path}") as database:
        with pytest.raises(StorageError, match="cannot be opened"):
            await database.read(sql("SELECT 1"))


async def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("x")

    with pytest.raises(StorageError, match="cannot be made: Not a directory") as told:
        await Database(f"sqlite:///{tmp_path}/file/data/x.db").open()

    assert "WISEFLOW_DATA_DIR" in told.value.cure
    assert "DATABASE_URL" in told.value.cure


async def test_a_server_that_is_not_there_is_named_without_the_password():
    url = "postgresql://ada:secret@127.0.0.1:1/wiseflow"
    async with Database(url) as database:
        with pytest.raises(StorageError, match=r"127\.0\.0\.1:1/wiseflow cannot be reached") as e:
            await database.read(sql("SELECT 1"))

        assert "secret" not in str(e.value) + database.url + database.place


async def test_a_database_that_is_not_on_the_server_is_told(server):
    missing = server.create(prepared=False)
    server.drop(missing)

    async with Database(missing) as database:
        with pytest.raises(StorageError, match="does not exist"):
            await database.read(sql("SELECT 1"))


async def test_a_pool_that_is_used_up_is_told(server):
    url = server.create(prepared=False)
    options = DatabaseOptions(pool_size=1, max_overflow=0, pool_timeout_s=0.05)

    async with Database(url, options) as database:

        async def unit(connection):
            with pytest.raises(StorageError, match="no connection"):
                await database.read(sql("SELECT 1"))

        await database.read(unit)
    server.drop(url)


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://h/d", "sqlite://", "sqlite:///:memory:", "postgresql://h:x/d"]
)
def test_a_url_of_no_use_is_refused_with_examples(url):
    with pytest.raises(ConfigurationError, match=r"sqlite:///data/wiseflow\.db"):
        Database(url)


class DriverError(Exception):
    def __init__(self, sqlstate: str | None):
        super().__init__("driver's words\nDETAIL: row (secret)")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "kind", "words"),
    [
        ("53100", StorageFull, "no room is left"),
        ("53300", StorageError, "out of resources"),
        ("28P01", StorageError, "refuses this user"),
        ("42501", StorageError, "may not do that"),
        ("25006", StorageError, "cannot be written to"),
        ("40P01", StorageError, "each other's way"),
        ("55P03", StorageError, "stayed locked"),
        ("XX000", StorageError, "refused: driver's words"),
        (None, StorageError, "refused: driver's words"),
    ],
)
def test_each_state_of_the_server_has_its_words(sqlstate, kind, words):
    told = translate(OperationalError("SELECT secret", {}, DriverError(sqlstate)), "h/d")

    assert isinstance(told, kind)
    assert words in str(told)
    assert "secret" not in str(told)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (sqlite3.SQLITE_CORRUPT, "is damaged"),
        (sqlite3.SQLITE_IOERR_WRITE, "the disk refused"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "cannot be written to"),
    ],
)
def test_each_result_of_sqlite_has_its_words(code, words):
    error = sqlite3.OperationalError("words")
    error.sqlite_errorcode = code

    assert words in str(translate(OperationalError("", {}, error), "f"))


async def test_a_wrong_statement_is_an_error_of_our_tree(database):
    with pytest.raises(WiseflowError):
        await database.read(sql("SELECT nothing FROM nowhere"))
    assert isinstance(translate(ProgrammingError("", {}, DriverError("42601")), "p"), StorageError)


async def test_a_null_character_is_refused_as_input_by_postgresql(server):
    url = server.create(prepared=False)
    async with Database(url) as database:

        async def unit(connection):
            await connection.execute(text("SELECT CAST(:t AS text)"), {"t": "a\0b"})

        with pytest.raises(InvalidInput, match="cannot hold a value") as raised:
            await database.read(unit)

    assert raised.value.cure
    server.drop(url)
