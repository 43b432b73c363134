"""What a stop costs: Ctrl-C, SIGTERM, SIGKILL, and two commands at once."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from wiseflow.library.collections import collection_for_folder

ROOT = Path(__file__).resolve().parents[2]
QUESTIONS = ("How are citations checked?", "What survives a crash?", "How are passages found?")
COUNT = 36  # so many that a command is still at work when it is stopped, also on a busy machine
TOPICS = "\n".join(QUESTIONS * (COUNT // len(QUESTIONS)))
POLLS = 2000  # of 10 ms: a bound on waiting, not a time that anything is expected to take


def jobs_in(folder, status):
    database = folder / "data" / "wiseflow.db"
    if not database.exists():
        return 0
    with sqlite3.connect(database, timeout=30) as connection:
        try:
            [(count,)] = connection.execute("SELECT count(*) FROM jobs WHERE status = ?", (status,))
        except sqlite3.OperationalError:  # the tables are not there yet
            count = 0
    connection.close()
    return count


def wait_until(condition, process):
    for _ in range(POLLS):
        if condition():
            return
        try:
            process.wait(timeout=0.01)
        except subprocess.TimeoutExpired:
            continue
        break
    pytest.fail(f"it did not come so far; exit {process.returncode}")


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """A folder in which the project's own documents are read already: it takes some seconds."""
    folder, docs = tmp_path_factory.mktemp("read"), ROOT / "docs"
    collection = collection_for_folder(docs)
    command = [sys.executable, "-m", "wiseflow", "index", str(docs), "--collection", collection]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=110)
    return folder


@pytest.fixture
def command(tmp_path, docs, read):
    shutil.copytree(read, tmp_path, dirs_exist_ok=True)
    (tmp_path / "topics.txt").write_text(TOPICS)
    return ("research", "--topics", "topics.txt", "--docs", docs, "--out", "out")


# A shell that starts a command in the background, in a script, has it ignore Ctrl-C.
IN_THE_BACKGROUND = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
IN_FRONT = (sys.executable, "-c", """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
os.execv(sys.argv[1], sys.argv[1:])
""")  # fmt: skip


@pytest.mark.parametrize(
    ("before", "number"),
    [(IN_FRONT, signal.SIGINT), (IN_FRONT, signal.SIGTERM), (IN_THE_BACKGROUND, signal.SIGTERM)],
    ids=["Ctrl-C", "SIGTERM", "SIGTERM in the background"],
)
def test_an_interrupted_command_keeps_what_is_done_and_the_same_command_goes_on(
    start, wiseflow, tmp_path, command, before, number
):
    command = (*command, "--parallel", "1")  # so slow that it cannot end before it is stopped
    process = start(*command, before=before)
    wait_until(lambda: jobs_in(tmp_path, "completed") >= 3, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    done = jobs_in(tmp_path, "completed")

    assert process.returncode == 130
    assert "type the same command again" in err
    assert "Traceback" not in err
    assert jobs_in(tmp_path, "running") == 0
    assert 3 <= done < COUNT

    again = wiseflow(*command)

    assert again.code == 0
    assert f"Going on with {COUNT} researches" in again.err
    assert len(list((tmp_path / "out").glob("*.json"))) == COUNT
    assert jobs_in(tmp_path, "completed") == COUNT


def test_nothing_is_left_running_after_a_kill(start, tmp_path, command):
    process = start(*command)
    wait_until(lambda: jobs_in(tmp_path, "completed") >= 1, process)
    children = psutil.Process(process.pid).children(recursive=True)

    process.kill()
    process.communicate(timeout=60)

    assert children
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []


def test_what_was_interrupted_is_resumed_by_number(start, wiseflow, tmp_path, command):
    process = start(*command)
    wait_until(lambda: jobs_in(tmp_path, "completed") >= 1, process)
    process.kill()
    process.communicate(timeout=60)

    resumed = wiseflow("jobs", "resume", "--all")

    assert resumed.code == 0
    assert jobs_in(tmp_path, "completed") == COUNT


def test_two_equal_commands_at_once_share_the_researches(start, tmp_path, command, wiseflow, docs):
    collected = wiseflow("index", docs)
    assert collected.code == 0
    shared = ("research", "--topics", "topics.txt")

    # The second one's output is not read before the first has ended: it must not hold it up.
    both = [start(*shared, "--json"), start(*shared, "--json")]
    ended = [process.communicate(timeout=120) for process in both]

    assert [process.returncode for process in both] == [0, 0], ended
    # The later one finds the researches of the earlier, or, when that had ended, makes its own.
    with sqlite3.connect(tmp_path / "data" / "wiseflow.db") as connection:
        [(most,)] = connection.execute("SELECT max(attempt) FROM jobs")
    connection.close()
    assert most == 1
    assert jobs_in(tmp_path, "completed") in {COUNT, 2 * COUNT}
    assert all(len(out.splitlines()) == COUNT for out, _ in ended)
    assert all(json.loads(line)["status"] == "completed" for line in ended[0][0].splitlines())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "kills", "researches", "said"),
    [
        ("kill_research.py", 2, 12, "researches lost: 0"),
        ("kill_gateway.py", 2, 4, "broken promises: 0"),
    ],
)
def test_kills_at_any_moment_lose_nothing_and_do_and_pay_nothing_twice(
    script, kills, researches, said
):
    counts = ("--kills", f"{kills}", "--researches", f"{researches}", "--seed", "7")

    done = subprocess.run(
        [sys.executable, str(ROOT / "proofs" / script), *counts],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert said in done.stdout


@pytest.mark.slow
def test_workers_database_and_redis_killed_at_any_moment_lose_nothing_and_finish_nothing_twice():
    few = ("--jobs", "40", "--workers", "2", "--kills", "2", "--stops", "1", "--restarts", "1")
    few += ("--redis", "2")

    done = subprocess.run(
        [sys.executable, str(ROOT / "proofs" / "kill_workers.py"), *few, "--lease", "4"],
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "broken promises: 0" in done.stdout
    assert "2 of Redis" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the small disk is one of Linux' own")
def test_a_full_disk_is_told_harms_nothing_and_all_goes_on_once_there_is_room():
    few = ("--jobs", "100", "--rounds", "2", "--seed", "1")

    done = subprocess.run(
        [sys.executable, str(ROOT / "proofs" / "full_disk.py"), *few],
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 times the disk was full" in done.stdout
    assert "broken promises: 0" in done.stdout
