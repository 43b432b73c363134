import errno
import json
import os
import select
import subprocess
import sys
import time

import pytest


def test_indexing_counts_what_was_new_changed_unchanged_and_removed(wiseflow, tmp_path):
    first = wiseflow("index", "papers", "--json")
    (tmp_path / "papers" / "tides.md").write_text("# Tides\n\nSomething else about the sea now.\n")
    (tmp_path / "papers" / "energy.md").unlink()
    (tmp_path / "papers" / "moon.txt").write_text("The Moon goes around the Earth in a month.\n")
    second = wiseflow("index", "papers", "--json")

    assert json.loads(first.out)["added"] == 2
    told = json.loads(second.out)
    assert (told["added"], told["changed"], told["unchanged"], told["removed"]) == (1, 1, 0, 1)


def test_a_terminal_shows_how_far_the_reading_is_and_a_pipe_does_not(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")

    piped, shown = on_a_terminal([sys.executable, "-m", "wiseflow", "index", "papers"])

    assert "2/2 files · 2 passages" in shown
    assert piped.startswith("Collection default: 2 added")
    assert len(piped.splitlines()) == 1


def on_a_terminal(command: list[str], limit_s: float = 60.0) -> tuple[str, str]:
    """What a command writes to a pipe as standard output and to a terminal as standard error."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = b""
    ends = time.monotonic() + limit_s
    try:
        # All systems do not tell a reader that the terminal's other side was closed.
        while select.select([ours], [], [], 0.05)[0] or process.poll() is None:
            assert time.monotonic() < ends, shown
            if select.select([ours], [], [], 0)[0]:
                shown += os.read(ours, 65_536)
    except OSError as error:
        if error.errno != errno.EIO:  # Linux's way of telling it
            raise
    finally:
        os.close(ours)
        if time.monotonic() > ends:
            process.kill()
        out, _ = process.communicate(timeout=limit_s)
    assert process.returncode == 0
    return out.decode(), shown.decode()


def test_a_second_run_over_the_same_files_reads_nothing(wiseflow):
    wiseflow("index", "papers")

    told = json.loads(wiseflow("index", "papers", "--json").out)

    assert (told["added"], told["unchanged"], told["passages"]) == (0, 2, 0)


def test_bad_files_are_listed_and_the_others_go_on(wiseflow, tmp_path):
    (tmp_path / "papers" / "empty.pdf").write_bytes(b"")
    (tmp_path / "papers" / "binary.txt").write_bytes(bytes(range(256)) * 40)

    ended = wiseflow("index", "papers")

    assert ended.code == 1
    assert "2 added" in ended.out
    assert "2 failed" in ended.out
    assert "empty.pdf" in ended.out
    assert "binary.txt" in ended.out


def test_a_missing_path_is_named_and_nothing_is_made(wiseflow):
    ended = wiseflow("index", "nowhere")

    assert ended.code == 2
    assert "nowhere" in ended.err


def test_a_search_prints_hits_with_their_places(wiseflow, after):
    after("index", "papers")

    ended = wiseflow("index", "search", "peak output of turbines", "--k", "1")

    assert ended.code == 0
    assert "Tidal power" in ended.out
    assert "energy.md" in ended.out


def test_a_search_as_json_has_the_fields_of_the_contract(wiseflow, after):
    after("index", "papers")

    ended = wiseflow("index", "search", "spring tides", "--k", "2", "--json")
    hits = [json.loads(line) for line in ended.out.splitlines()]

    assert [hit["rank"] for hit in hits] == [1, 2]
    assert set(hits[0]) == {
        "query_id", "rank", "score", "source_id", "document_id", "path", "title", "start", "end",
        "text",
    }  # fmt: skip
    for hit in hits:
        stored = wiseflow("source", hit["source_id"]).out
        assert stored[hit["start"] : hit["end"]] == hit["text"]


def test_queries_come_from_a_file_with_their_ids(wiseflow, after, tmp_path):
    after("index", "papers")
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"id": "q7", "text": "spring tides"}\nturbines\n')

    ended = wiseflow("index", "search", "--queries", queries, "--k", "1", "--json")

    assert [json.loads(line)["query_id"] for line in ended.out.splitlines()] == ["q7", "2"]


@pytest.mark.parametrize(
    ("content", "said"), [('{"id": 1}', "line 1: not a query"), ('{"id', "line 1: not a query")]
)
def test_a_wrong_query_is_named(wiseflow, tmp_path, content, said):
    queries = tmp_path / "queries.jsonl"
    queries.write_text(content)

    ended = wiseflow("index", "search", "--queries", queries)

    assert ended.code == 2
    assert said in ended.err


def test_a_missing_queries_file_and_no_query_are_told(wiseflow):
    assert (
        "there is no queries file nowhere"
        in wiseflow("index", "search", "--queries", "nowhere").err
    )
    assert wiseflow("index", "search").code == 2


def test_a_search_in_a_collection_that_is_not_there_is_told(wiseflow):
    ended = wiseflow("index", "search", "tides", "--collection", "elsewhere")

    assert ended.code == 4
    assert "elsewhere" in ended.err


def test_collections_are_listed_and_removed(wiseflow):
    assert "No collections yet" in wiseflow("index", "list").out
    wiseflow("index", "papers", "--collection", "sea", "--private")

    listed = wiseflow("index", "list")
    assert "sea" in listed.out
    assert "private" in listed.out
    assert json.loads(wiseflow("index", "list", "--json").out)["sources"] == 2
    assert wiseflow("index", "remove", "sea").code == 0
    assert wiseflow("index", "remove", "sea").code == 4
    assert wiseflow("index", "search", "tides", "--collection", "sea").code == 4


def test_options_may_stand_before_the_first_path(wiseflow):
    assert json.loads(wiseflow("index", "--json", "papers").out)["added"] == 2
