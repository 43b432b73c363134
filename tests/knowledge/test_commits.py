"""Changes are whole or not at all, whoever dies, waits or reads meanwhile."""

from __future__ import annotations

import fcntl
import random
import resource
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wiseflow.core.errors import Conflict, StorageError, StorageFull
from wiseflow.core.library import StoredSource
from wiseflow.knowledge.embedding import HashedEmbedder
from wiseflow.knowledge.index import open_index
from wiseflow.knowledge.writing import IndexStatistics, apply, rebuild

OLD, NEW = [f"old{number}" for number in range(8)], [f"new{number}" for number in range(8)]

# Replaces OLD by NEW in the index at argv[1]; dies at the argv[2]-th file it opens, renames,
# makes or removes (0: never), and tells how many there were.
REPLACE = """
import os, signal, sys
from pathlib import Path
from wiseflow.core.documents import Passage, Source
from wiseflow.core.library import IndexChange, StoredSource
from wiseflow.knowledge.writing import apply, rebuild

folder, fatal, way = sys.argv[1], int(sys.argv[2]), sys.argv[3]
touched = 0

def watch(event, arguments):
    global touched
    if event in ("open", "os.rename", "os.remove", "os.mkdir") and folder in str(arguments[0]):
        touched += 1
        if touched == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

def stored(source_id):
    text = f"thing {source_id}"
    source = Source(source_id=source_id, collection="c", document_id="", path="/p", title="",
                    url="", published="", language="en", sha256="", text=text)
    passage = Passage(passage_id=source_id, source_id=source_id, start=0, end=len(text), text=text)
    return StoredSource(source=source, passages=(passage,))

change = IndexChange(added=tuple(stored(f"new{n}") for n in range(8)),
                     removed=tuple(f"old{n}" for n in range(8)))
sys.addaudithook(watch)
if way == "apply":
    apply(Path(folder), change)
else:
    rebuild(Path(folder), [change])
print(touched)
"""


def replace(folder: Path, *, fatal: int, way: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", REPLACE, str(folder), str(fatal), way]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("way", ["apply", "rebuild"])
def test_a_writer_killed_at_any_step_leaves_the_old_or_the_new_state(
    tmp_path, source, change, held, way
):
    apply(tmp_path / "0", change([source(name, f"thing {name}") for name in OLD]))
    process = replace(tmp_path / "0", fatal=0, way=way)
    steps = int(process.communicate(timeout=60)[0])
    assert {passage.source_id for passage in held(tmp_path / "0", OLD + NEW)} == set(NEW)

    folders = {step: tmp_path / str(step) for step in range(1, steps + 1, 3)}
    for folder in folders.values():
        apply(folder, change([source(name, f"thing {name}") for name in OLD]))
    killed = [replace(folder, fatal=step, way=way) for step, folder in folders.items()]
    for each in killed:
        each.communicate(timeout=60)
        assert each.returncode == -signal.SIGKILL

    for folder in folders.values():
        left = {passage.source_id for passage in held(folder, OLD + NEW)}
        assert left in (set(OLD), set(NEW))
        apply(folder, change([source("old0", "thing anew")]))
        assert {passage.source_id for passage in held(folder, OLD + NEW)} == left | {"old0"}


# Applies one version after another to the index at argv[1] until it is killed.
KEEP_WRITING = """
import sys
from pathlib import Path
from wiseflow.core.documents import Passage, Source
from wiseflow.core.library import IndexChange, StoredSource
from wiseflow.knowledge.writing import apply

def stored(source_id, version):
    text = f"thing v{version}"
    source = Source(source_id=source_id, collection="c", document_id="", path="/p", title="",
                    url="", published="", language="en", sha256="", text=text)
    passage = Passage(passage_id=source_id, source_id=source_id, start=0, end=len(text), text=text)
    return StoredSource(source=source, passages=(passage,))

for version in range(int(sys.argv[2]), 1_000_000):
    apply(Path(sys.argv[1]), IndexChange(added=tuple(stored(f"s{n}", version) for n in range(5))))
    print(version, flush=True)
"""


def test_a_writer_killed_at_any_moment_is_followed_by_another(tmp_path, held):
    chance = random.Random(7)
    version = 1
    for _ in range(8):
        command = [sys.executable, "-c", KEEP_WRITING, str(tmp_path), str(version)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            assert int(writer.stdout.readline()) == version
            with suppress(subprocess.TimeoutExpired):
                writer.wait(timeout=chance.uniform(0.0, 0.3))
            writer.kill()
            told = int((writer.stdout.read().split() or [version])[-1])

        texts = {passage.text for passage in held(tmp_path, [f"s{number}" for number in range(5)])}
        assert texts in ({f"thing v{told}"}, {f"thing v{told + 1}"})
        version = told + 2


def test_readers_see_whole_commits_while_a_writer_works(tmp_path, source, change):
    def state(number):
        return [source(f"s{place}", f"thing v{number}") for place in range(20)]

    apply(tmp_path, change(state(0)))
    errors: list[Exception] = []

    def write():
        try:
            for number in range(1, 15):
                apply(tmp_path, change(state(number)))
            rebuild(tmp_path, [change(state(15))])
        except Exception as error:  # noqa: BLE001 - a thread's error is the test's
            errors.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    index = open_index(tmp_path)
    while writer.is_alive():
        for reader in (index, open_index(tmp_path)):
            reader.refresh()
            hits = reader.search("thing", k=100)
            assert len(hits) == 20
            assert len({hit.passage.text for hit in hits}) == 1
    writer.join()

    assert errors == []
    index.refresh()
    assert {hit.passage.text for hit in index.search("thing", k=100)} == {"thing v15"}


def test_a_second_writer_waits_only_so_long(library, change):
    with (library / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        with pytest.raises(Conflict, match="run the command again"):
            apply(library, change(removed=["whale"]), wait_s=0.1)

    assert apply(library, change(removed=["whale"])).removed == 1


def test_two_writers_take_turns(tmp_path, source, change):
    threads = [
        threading.Thread(target=apply, args=(tmp_path, change([source(name, f"thing {name}")])))
        for name in ("a", "b", "c")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert open_index(tmp_path).passage_count == 3


def test_a_change_made_again_changes_nothing(library, source, change):
    again = change([source("new", "A thing.", "Another thing.")], removed=["whale"])

    first = apply(library, again)
    second = apply(library, again)

    assert first == IndexStatistics(added=2, removed=1, passages=6, generation=first.generation)
    assert second == IndexStatistics(added=0, removed=0, passages=6, generation=first.generation)


def test_a_source_added_twice_in_one_change_counts_once(tmp_path, source, change, held):
    apply(tmp_path, change([source("a", "first thing"), source("a", "second thing")]))

    assert {passage.text for passage in held(tmp_path, ["a"])} == {"second thing"}


def test_a_small_change_leaves_large_files_alone(tmp_path, source, change):
    apply(tmp_path, change([source(f"s{n}", f"thing {n}") for n in range(200)]))
    large = max(tmp_path.glob("build-*/vectors-*.f4"), key=lambda path: path.stat().st_size)
    before = large.stat()

    apply(tmp_path, change([source("new", "one more thing")], removed=["s3"]))

    after = large.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert open_index(tmp_path).passage_count == 200


def test_old_files_are_cleared_away(tmp_path, source, change):
    for number in range(15):
        apply(tmp_path, change([source("a", f"thing {number}")]))

    assert len(list(tmp_path.glob("build-*/*.*"))) < 12


def test_an_index_is_rebuilt_for_another_embedder(library, source, change):
    other = HashedEmbedder(64)

    statistics = rebuild(
        library,
        [change([source("a", "thing a")]), change([source("b", "thing b")])],
        embedder=other,
    )

    assert (statistics.added, statistics.passages) == (2, 2)
    assert open_index(library, embedder=other).search("thing b", k=1)[0].passage.text == "thing b"
    assert len(list(library.glob("build-*"))) == 1


def test_a_place_that_cannot_be_written_is_named(tmp_path, change):
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match="file"):
        apply(tmp_path / "file" / "index", change())


def test_a_full_disk_is_told_and_the_old_state_stays(library, source, change):
    much = [source(f"s{number}", f"thing {number}") for number in range(200)]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StorageFull, match="no room"):
            apply(library, change(much))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert open_index(library).passage_count == 5
    assert apply(library, change(much)).passages == 205


SOURCE_IDS = [f"source{number}" for number in range(5)]
TEXTS = st.lists(st.sampled_from(["thing one", "thing two", "a third thing"]), max_size=3)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    moves=st.lists(
        st.tuples(
            st.sampled_from([apply, apply, rebuild]),
            st.dictionaries(st.sampled_from(SOURCE_IDS), TEXTS, max_size=4),
            st.lists(st.sampled_from(SOURCE_IDS), max_size=3),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_an_index_is_a_dictionary_of_passages(tmp_path_factory, source, change, held, moves):
    folder = tmp_path_factory.mktemp("index")
    model: dict[str, StoredSource] = {}

    for move, added, removed in moves:
        stored = {name: source(name, *texts) for name, texts in added.items()}
        if move is apply:
            model = {name: kept for name, kept in model.items() if name not in removed} | stored
            apply(folder, change(stored.values(), removed))
        else:
            model = stored
            rebuild(folder, [change(stored.values())])

        expected = {passage for kept in model.values() for passage in kept.passages}
        assert held(folder, SOURCE_IDS) == expected
