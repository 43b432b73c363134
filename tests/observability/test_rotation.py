from __future__ import annotations

import fcntl
import json
import logging
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from wiseflow.observability.logs import configure_logging, get_logger
from wiseflow.observability.options import LogOptions
from wiseflow.observability.outputs import SharedRotatingFile

LOGGER = get_logger("wiseflow.test")
WRITER = """
import sys
from pathlib import Path
from wiseflow.observability.logs import close_logging, configure_logging, get_logger
from wiseflow.observability.options import LogOptions

name, path, count = sys.argv[1:]
configure_logging(LogOptions(
    format="json", file=Path(path), max_bytes=20_000, backup_count=200, console=False
))
sys.stdin.read(1)
for number in range(int(count)):
    get_logger("wiseflow.writer").info("A line.", writer=name, number=number, pad="x" * 200)
close_logging()
"""


def options(log_file: Path, **changes: Any) -> LogOptions:
    usual = LogOptions(format="json", file=log_file, max_bytes=2000, console=False)
    return replace(usual, **changes)


def files_of(log_file: Path) -> list[Path]:
    return sorted(one for one in log_file.parent.iterdir() if one.suffix != ".lock")


def test_a_full_file_is_put_aside_and_only_so_many_are_kept(log_file):
    configure_logging(options(log_file, backup_count=3))

    for number in range(200):
        LOGGER.info("A line.", number=number)

    assert [one.name for one in files_of(log_file)] == [
        "wiseflow.log",
        "wiseflow.log.1",
        "wiseflow.log.2",
        "wiseflow.log.3",
    ]
    assert all(one.stat().st_size <= 2000 for one in files_of(log_file))
    assert json.loads(log_file.read_text().splitlines()[-1])["number"] == 199


def test_a_line_larger_than_a_file_is_written_all_the_same(log_file):
    configure_logging(options(log_file))

    LOGGER.info("Long.", text="x" * 5000)
    LOGGER.info("Short.")

    assert json.loads(log_file.read_text())["message"] == "Short."
    assert len(json.loads((log_file.parent / "wiseflow.log.1").read_text())["text"]) == 5000


def test_processes_that_share_a_file_lose_no_line_and_mix_none(log_file):
    writers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WRITER, str(name), str(log_file), "300"],
            stdin=subprocess.PIPE,
        )
        for name in range(3)
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"g")
        writer.stdin.close()
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0]

    lines = [
        json.loads(line) for one in files_of(log_file) for line in one.read_text().splitlines()
    ]
    assert len(files_of(log_file)) > 5
    assert sorted((line["writer"], line["number"]) for line in lines) == sorted(
        (str(name), number) for name in range(3) for number in range(300)
    )


def test_a_writer_follows_when_another_has_put_the_file_aside(log_file):
    configure_logging(options(log_file))
    LOGGER.info("Before.")
    log_file.rename(log_file.with_suffix(".moved"))

    LOGGER.info("After.")

    assert json.loads(log_file.read_text())["message"] == "After."


def test_a_writer_goes_on_while_another_is_rotating(log_file):
    configure_logging(options(log_file))
    LOGGER.info("Full.", text="x" * 2000)

    with Path(f"{log_file}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        LOGGER.info("Meanwhile.")
    assert len(log_file.read_text().splitlines()) == 2

    LOGGER.info("Afterwards.")
    assert len(log_file.read_text().splitlines()) == 1


def test_who_comes_second_to_the_lock_does_not_rotate_again(log_file):
    configure_logging(options(log_file))
    LOGGER.info("Full.", text="x" * 2000)
    output = SharedRotatingFile(options(log_file), log_file)
    LOGGER.info("Rotated already.")

    output._rotate("A line.")
    output.close()

    assert len(files_of(log_file)) == 2


def test_a_file_that_cannot_be_renamed_is_written_on(log_file, monkeypatch):
    configure_logging(options(log_file))
    LOGGER.info("Full.", text="x" * 2000)

    def refuse(*_: object) -> None:
        raise PermissionError

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", refuse)
        LOGGER.info("In the same file.")

    assert len(log_file.read_text().splitlines()) == 2


def test_rotation_works_without_file_locks(log_file, monkeypatch):
    configure_logging(options(log_file))
    LOGGER.info("Full.", text="x" * 2000)
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "fcntl", None)
        LOGGER.info("Next.")

    assert json.loads(log_file.read_text())["message"] == "Next."


def test_a_file_that_cannot_be_made_costs_one_warning(tmp_path, capsys):
    (tmp_path / "logs").write_text("no folder")
    configure_logging(options(tmp_path / "logs" / "wiseflow.log", console=True))

    for _ in range(3):
        LOGGER.info("A line.")

    shown = capsys.readouterr().err
    assert shown.count("Warning: the log file") == 1
    assert "Make room or give access, or name another with LOG_FILE." in shown


def test_a_full_disk_costs_one_warning(capsys):
    configure_logging(options(Path("/dev/full"), max_bytes=0))

    for _ in range(3):
        LOGGER.info("A line.")

    assert capsys.readouterr().err.count("Warning: the log file /dev/full cannot be written") == 1


def test_writing_goes_on_when_the_disk_has_room_again(tmp_path, capsys):
    folder = tmp_path / "logs"
    folder.write_text("in the way")
    configure_logging(options(folder / "wiseflow.log"))
    LOGGER.info("Lost.")
    folder.unlink()

    LOGGER.info("Kept.")

    assert json.loads((folder / "wiseflow.log").read_text())["message"] == "Kept."


def test_the_standard_library_s_handlers_are_left_alone(log_file):
    other = logging.NullHandler()
    logging.getLogger().addHandler(other)

    configure_logging(options(log_file))

    assert other in logging.getLogger().handlers
    logging.getLogger().removeHandler(other)
