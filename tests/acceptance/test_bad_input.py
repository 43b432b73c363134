"""What hostile and broken input is answered with: a clear error, and all else goes on."""

import contextlib
import gzip
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import zlib

import pytest

TIDES = (
    "# Tides\n\nSpring tides occur when the Sun and the Moon are in line. "
    "Neap tides occur at the quarter phases of the Moon.\n"
)
TOPIC = "When do spring tides occur?"
# Permissions do not bind root: without these two capabilities they do (capabilities(7)).
BOUND = """
import ctypes, os, sys
if os.geteuid() == 0:
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        if ctypes.CDLL(None, use_errno=True).prctl(24, capability, 0, 0, 0):  # PR_CAPBSET_DROP
            sys.exit("permissions cannot be made to bind")
os.execv(sys.executable, [sys.executable, "-m", "wiseflow", *sys.argv[1:]])
"""


@pytest.fixture
def papers(tmp_path):
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "tides.md").write_text(TIDES)
    return folder


@pytest.fixture
def environment(environment):
    """One worker process of a kind is enough to meet bad input."""
    return {**environment, "MAX_CONCURRENT_TASKS": "1"}


@pytest.fixture
def ordinary(tmp_path, environment):
    """Runs the command as a user whom permissions bind, whoever runs the tests."""

    def call(*arguments, **settings):
        return subprocess.run(
            [sys.executable, "-c", BOUND, *map(str, arguments)],
            cwd=tmp_path,
            env={**environment, **settings},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return call


def refused(ended, code, *said):
    """It ended with this code and one clear message."""
    err, out = ended.err, ended.out
    assert ended.code == code, (out, err)
    assert "Traceback" not in out + err
    assert "fault of the program" not in err
    for words in said:
        assert words in out + err


def sound(in_process):
    ended = in_process("db", "check")
    assert (ended.code, "The database is sound." in ended.out) == (0, True), ended


def pdf(*objects):
    """A PDF of these objects, the first of which is its catalogue."""
    parts = [b"%PDF-1.7\n"]
    for number, content in enumerate(objects, start=1):
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    end = b"trailer<</Size %d/Root 1 0 R>>\n%%%%EOF" % (len(objects) + 1)
    return b"".join([*parts, end])


def pdf_bomb():
    """Some hundred bytes that unpack to half a gigabyte of drawing commands."""
    packer = zlib.compressobj(9)
    once = b"".join(packer.compress(b"q " * 5_000_000) for _ in range(50)) + packer.flush()
    stream = zlib.compress(once, 9)
    filters = b"[/FlateDecode/FlateDecode]"
    return pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R>>",
        b"<</Length %d/Filter %s>>stream\n%s\nendstream" % (len(stream), filters, stream),
    )


def pages_of_themselves():
    return pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 1000000>>")


BAD_FILES = {
    "zero.pdf": (b"", "the file is empty"),
    "zero.txt": (b"", "the file is empty"),
    "truncated.pdf": (b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>", "broken or truncated"),
    "recursive.pdf": (pages_of_themselves(), ""),
    "program.txt": (b"\x7fELF" + bytes(range(256)) * 40, "a program"),
    "random.txt": (bytes(range(256)) * 400, "binary, not text"),
    "bomb.txt.gz": (gzip.compress(b"a b" * 100_000_000, 1), "unpacks to more than"),
    "lines.jsonl": (b'{"text": "A line on tides."}\n{bad\n[1]\n', "line 2: not JSON"),
}


def test_each_bad_file_is_listed_with_its_reason_and_the_others_are_read(
    wiseflow, in_process, tmp_path, papers
):
    for name, (content, _) in BAD_FILES.items():
        (papers / name).write_bytes(content)
    (papers / "bomb.pdf").write_bytes(pdf_bomb())
    (papers / "broken-encoding.txt").write_bytes(b"caf\xe9 \xff broken \xc3\x28 and some more text")
    (papers / "nothing.md").symlink_to(tmp_path / "nowhere.md")
    (papers / "round.md").symlink_to(papers / "round.md")
    (papers / "again").symlink_to(papers)
    (papers / "new\nline\x1b[31m.txt").write_bytes(b"")
    (papers / os.fsdecode(b"\xff.txt")).write_text("text")
    os.mkfifo(papers / "pipe.txt")

    ended = wiseflow("index", papers, INDEX_PARSE_MEMORY_BYTES=str(400 * 1024 * 1024))

    refused(ended, 1, "3 added", "14 failed", *(reason for _, reason in BAD_FILES.values()))
    refused(ended, 1, "bomb.pdf: ", "nothing.md: a link to something that does not exist")
    refused(ended, 1, "round.md: too many levels", "pipe.txt: neither a file nor a folder")
    refused(ended, 1, "new\\nline\\x1b[31m.txt: the file is empty", "not valid UTF-8")
    assert in_process("index", "search", "spring tides").out.count("tides.md") == 1
    sound(in_process)
    for entry in papers.iterdir():
        if entry.name != "tides.md":
            entry.unlink()
    assert wiseflow("index", papers).code == 0


@pytest.mark.slow
def test_a_text_of_200_mb_is_refused_with_its_bound_and_the_others_are_read(
    wiseflow, in_process, papers
):
    with (papers / "large.txt").open("w") as file:
        for _ in range(200):
            file.write("The tide rises.\n" * 65_536)

    ended = wiseflow("index", papers)

    refused(ended, 1, "1 added", "large.txt: the file has 200 MiB, more than the 64 MiB allowed")
    sound(in_process)


def test_what_this_user_may_not_read_is_listed(ordinary, in_process, papers):
    (papers / "secret.md").write_text("secret")
    (papers / "secret.md").chmod(0)
    (papers / "locked").mkdir(mode=0)

    done = ordinary("index", papers)

    assert done.returncode == 1
    assert "1 added" in done.stdout
    assert "secret.md: permission denied" in done.stdout
    assert "locked: the folder cannot be read: permission denied" in done.stdout
    sound(in_process)


def test_a_folder_that_is_read_only_is_told_for_database_and_reports(ordinary, tmp_path, papers):
    (tmp_path / "fixed").mkdir(mode=0o555)

    data = ordinary("index", papers, WISEFLOW_DATA_DIR="fixed")
    out = ordinary("research", TOPIC, "--docs", papers, "--out", "fixed")
    (tmp_path / "fixed").chmod(0o755)
    again = ordinary("research", TOPIC, "--docs", papers, "--out", "fixed", "--quiet")

    assert data.returncode == 1
    assert "the database fixed/wiseflow.db cannot be opened" in data.stderr
    assert out.returncode == 2
    assert "nothing can be written to fixed: permission denied" in out.stderr
    assert again.returncode == 0, again.stderr
    assert len(list((tmp_path / "fixed").iterdir())) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("index", "nowhere"), 2, "there is no file or folder"),
        (("research", TOPIC, "--docs", "nowhere"), 2, "there is no file or folder"),
        (("research", "tide " * 2000, "--docs", "papers"), 2, "has 9,999 characters and may have"),
        (("research", "\x01\x02", "--docs", "papers"), 2, "topic 1: the topic is empty"),
        (("research", "tides \udcff", "--docs", "papers"), 2, "topic 1: this is not UTF-8"),
        (("research", "--topics", "papers"), 2, "cannot be read: is a directory"),
        (("research", "--topics", "absent"), 2, "there is no topics file absent"),
        (("research", "--topics", "empty"), 2, "the topics file empty holds no topic"),
        (("research", "--topics", "binary"), 2, "binary, line 1: this is not UTF-8"),
        (("research", "--topics", "deep"), 2, "deep, line 1: not JSON"),
        (("research", TOPIC, "--collection", "absent"), 4, "there is no collection 'absent'"),
        (("research", TOPIC, "--docs", "papers", "--out", "empty"), 2, "is a file"),
        (("report", "zzz"), 4, "there is no job 'zzz'"),
        (("reserch",), 2, "Did you mean 'research'?"),
    ],
)
def test_a_command_that_cannot_be_obeyed_says_why(
    in_process, tmp_path, papers, arguments, code, said
):
    assert papers.exists()
    (tmp_path / "empty").write_text("\n  \n")
    (tmp_path / "binary").write_bytes(b"\x7fELF\xff\xfe")
    (tmp_path / "deep").write_text('{"topic": ' + "[" * 100_000)

    refused(in_process(*arguments), code, said)


def test_a_topic_of_which_nothing_is_known_costs_only_itself(wiseflow, papers):
    ended = wiseflow("research", TOPIC, "Quarks\x07 and bosons", "--docs", papers, LC_ALL="C")

    refused(ended, 1, "1 completed, 1 failed", "the documents hold nothing on 'Quarks")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("flag", "the command line: MAX_CONCURRENT_RESEARCH must be a whole number"),
        ("environment", "environment variable MAX_CONCURRENT_RESEARCH: "),
        (".env", ".env, line 1: MAX_CONCURRENT_RESEARCH must be a whole number"),
        ("yaml", "own.yaml, line 2: "),
    ],
)
def test_a_wrong_setting_is_named_with_its_place(in_process, tmp_path, source, said):
    wrong, flags, settings = "MAX_CONCURRENT_RESEARCH=many", (), {}
    match source:
        case "flag":
            flags = ("--set", wrong)
        case "environment":
            settings = {"MAX_CONCURRENT_RESEARCH": "many"}
        case ".env":
            (tmp_path / ".env").write_text(wrong + "\n")
        case _:
            flags = ("--config", "own.yaml")
            (tmp_path / "own.yaml").write_text(
                "task_management:\n  max_concurrent_research: many\n"
            )

    refused(in_process(*flags, "jobs", "list", **settings), 3, said, "not 'many'")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("sqlite:///papers", 1, "the database papers cannot be opened"),
        ("sqlite:///papers/tides.md", 1, "is not an SQLite database"),
        ("postgresql://u:hidden-word@127.0.0.1:1/db", 1, "127.0.0.1:1/db cannot be reached"),
        ("mysql://u@127.0.0.1/db", 3, "environment variable DATABASE_URL"),
    ],
)
def test_a_database_that_is_none_is_named(in_process, papers, url, code, said):
    ended = in_process("jobs", "list", DATABASE_URL=url)

    refused(ended, code, said)
    assert "hidden-word" not in ended.err
    assert (papers / "tides.md").read_text() == TIDES


def test_a_data_folder_that_is_a_file_is_named(in_process, papers):
    ended = in_process("index", papers, WISEFLOW_DATA_DIR="papers/tides.md")

    refused(ended, 1, "papers/tides.md", "Name another place")


def test_a_database_of_a_newer_version_is_left_alone(wiseflow, in_process, tmp_path, papers):
    assert wiseflow("index", papers).code == 0
    with sqlite3.connect(tmp_path / "data" / "wiseflow.db") as connection:
        [(ours,)] = connection.execute("SELECT version_num FROM alembic_version")
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()

        for command in (("index", papers), ("jobs", "list"), ("db", "upgrade"), ("db", "check")):
            refused(in_process(*command), 1, "has version 9999", "Install the newer version")
        connection.execute("UPDATE alembic_version SET version_num = ?", (ours,))
    connection.close()

    assert "1 unchanged" in wiseflow("index", papers).out


def test_a_full_disk_is_told_and_the_same_command_works_when_there_is_room(
    start, wiseflow, in_process, tmp_path, papers
):
    assert wiseflow("research", TOPIC, "--docs", papers).code == 0
    before = len(in_process("jobs", "list").out.splitlines())
    # A bound on the size of files works for every user: SQLite meets it as a refusing disk.
    # The process is not measured: its measurement would meet the full disk too.
    unmeasured = dict.fromkeys(("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"), "")
    process = start("research", "Neap tides", "--docs", papers, **unmeasured)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4096, 4096))
    out, err = process.communicate(timeout=60)

    assert process.returncode == 1, (out, err)
    assert "Traceback" not in out + err
    assert "the disk refused" in err or "no room" in err
    sound(in_process)
    assert len(in_process("jobs", "list").out.splitlines()) == before
    assert wiseflow("research", "Neap tides", "--docs", papers).code == 0


def test_a_full_or_closed_output_is_no_fault_and_the_research_is_kept(
    in_process, tmp_path, papers, environment
):
    command = [sys.executable, "-m", "wiseflow", "research", TOPIC, "--docs", str(papers)]
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        told = subprocess.run(
            command, cwd=tmp_path, env=environment, stdout=full, stderr=subprocess.PIPE, check=False
        )
    closed = subprocess.run(
        ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *command],
        cwd=tmp_path,
        env=environment,
        timeout=60,
        check=False,
    )

    assert told.returncode == 1
    assert b"the output cannot be written: no space left on device" in told.stderr
    assert closed.returncode == 0
    sound(in_process)
    listed = [json.loads(line) for line in in_process("jobs", "list", "--json").out.splitlines()]
    assert {job["status"] for job in listed} == {"completed"}


def test_indexing_that_was_killed_is_finished_by_the_same_command(
    start, wiseflow, in_process, papers
):
    for number in range(400):
        (papers / f"{number}.md").write_text(f"# Port {number}\n\nThe tide at port {number}.\n")
    process = start("index", papers)
    data = papers.parent / "data" / "collections"
    while process.poll() is None and not data.exists():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)

    assert wiseflow("index", papers).code == 0
    assert "401 unchanged" in in_process("index", papers).out
    sound(in_process)


def test_two_commands_that_index_one_collection_take_turns(start, in_process, papers):
    both = [start("index", papers), start("index", papers)]
    ended = [process.communicate(timeout=60) for process in both]

    assert [process.returncode for process in both] == [0, 0], ended
    assert sum("1 added" in out for out, _ in ended) == 1
    sound(in_process)
