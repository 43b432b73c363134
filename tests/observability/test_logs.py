from __future__ import annotations

import asyncio
import json
import logging
import math
import pickle
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.observability.lines import make_formatter
from wiseflow.observability.logs import (
    LogHandler,
    bind_context,
    bind_job,
    close_logging,
    configure_logging,
    get_logger,
)
from wiseflow.observability.options import FIELDS, LogOptions

LOGGER = get_logger("wiseflow.test")


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError


def test_a_line_has_time_level_logger_message_and_fields(logged):
    LOGGER.info("A page was read.", pages=3, path="a.txt")

    (line,) = logged()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("timestamp"))
    assert line == {
        "level": "info",
        "logger": "wiseflow.test",
        "message": "A page was read.",
        "pages": 3,
        "path": "a.txt",
    }


def test_every_level_is_named(logged):
    LOGGER.debug("One.")
    LOGGER.info("Two.")
    LOGGER.warning("Three.")
    LOGGER.error("Four.")

    assert [line["level"] for line in logged()] == ["debug", "info", "warning", "error"]


def test_a_per_cent_sign_in_a_message_stays(logged):
    LOGGER.info("It is 100% done %s.")

    assert logged()[0]["message"] == "It is 100% done %s."


def test_a_field_never_replaces_what_every_line_has(logged):
    LOGGER.info("A thing happened.", message="m", level="l", exception="e", timestamp="t")

    line = logged()[0]
    assert (line["message"], line["level"]) == ("A thing happened.", "info")
    assert (line["message_"], line["level_"], line["exception_"]) == ("m", "l", "e")


def test_records_below_the_level_are_not_written(log_file):
    configure_logging(LogOptions(level="WARNING", file=log_file, console=False))

    LOGGER.info("Nobody reads this.")

    assert not log_file.exists()


def test_libraries_are_logged_from_warning_up(logged):
    library = logging.getLogger("some.library")
    library.info("noise")
    library.warning("trouble with %s", "x", extra={"color": "red"})

    (line,) = logged()
    assert (line["logger"], line["message"]) == ("some.library", "trouble with x")


def test_ids_bound_around_a_record_are_on_it(logged):
    with bind_job("j1"), bind_context(task="read", call_id="c1"):
        LOGGER.info("Inside.")
        logging.getLogger("some.library").warning("also")
    LOGGER.info("Outside.")

    inside, library, outside = logged()
    for line in (inside, library):
        assert (line["job_id"], line["task"], line["call_id"]) == ("j1", "read", "c1")
    assert "job_id" not in outside


def test_a_field_of_the_record_goes_before_a_bound_one(logged):
    with bind_job("j1"):
        LOGGER.info("Inside.", job_id="j2")

    assert logged()[0]["job_id"] == "j2"


async def test_jobs_side_by_side_keep_their_own_ids(logged):
    async def work(job_id: str, turn: asyncio.Event, other: asyncio.Event) -> None:
        with bind_job(job_id):
            other.set()
            await turn.wait()
            LOGGER.info("Worked.", expected=job_id)

    first, second = asyncio.Event(), asyncio.Event()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        tasks.create_task(work("a", first, second), name="a")
        tasks.create_task(work("b", second, first), name="b")

    assert all(line["job_id"] == line["expected"] for line in logged())
    assert len(logged()) == 2


def test_ids_are_unbound_when_the_work_fails(logged):
    with pytest.raises(ZeroDivisionError), bind_job("j1"):
        raise ZeroDivisionError
    LOGGER.info("Outside.")

    assert "job_id" not in logged()[0]


def test_an_exception_is_written_with_its_traceback_and_causes(logged):
    def fail() -> None:
        try:
            int("inner")
        except ValueError as inner:
            raise RuntimeError("outer") from inner

    try:
        fail()
    except RuntimeError as error:
        LOGGER.exception("It failed.")
        LOGGER.warning("It failed a little.", exc_info=error)

    for line in logged():
        assert "ValueError: invalid literal" in line["exception"]
        assert line["exception"].endswith("RuntimeError: outer")


def test_values_json_does_not_have_are_written_all_the_same(logged):
    LOGGER.info(
        "Odd values.",
        infinite=math.inf,
        nan=math.nan,
        raw=b"\xff\x00a",
        error=ValueError("bad"),
        unprintable=Unprintable(),
        nested={"a": {"b": [1, (2, {3})]}, 4: None},
        deep=[[[[[[[["deep"]]]]]]]],
        path=type(LOGGER),
    )

    line = logged()[0]
    assert (line["infinite"], line["nan"]) == ("inf", "nan")
    assert line["raw"] == "\\xff\x00a"
    assert line["error"] == "ValueError: bad"
    assert line["unprintable"] == "<Unprintable>"
    assert line["nested"] == {"a": {"b": [1, [2, [3]]]}, "4": None}
    assert "deep" in str(line["deep"])


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.sets(st.integers()),
    max_leaves=12,
)


@given(message=st.text(), fields=st.dictionaries(st.text(min_size=1), values), text=st.booleans())
def test_any_record_is_one_line_and_valid(message, fields, text):
    options = LogOptions(format="text" if text else "json")
    record = logging.makeLogRecord({"msg": message, "levelname": "INFO", "name": "wiseflow.any"})
    setattr(record, FIELDS, fields)

    line = make_formatter(options, colours=False).format(record)

    assert len(line.splitlines()) == 1
    assert not any(ord(letter) < 32 or letter == "\x7f" for letter in line)
    if not text:
        assert json.loads(line, parse_constant=pytest.fail)["level"] == "info"


def test_text_cannot_forge_a_line_or_drive_a_terminal(log_file):
    configure_logging(LogOptions(file=log_file, console=False))

    LOGGER.info("A title.", title="x\n2026-01-01T00:00:00Z [error] forged\x1b[2J\u202e")

    text = log_file.read_text("utf-8")
    assert text.count("\n") == 1
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert r"x\\n2026-01-01T00:00:00Z [error] forged\\x1b[2J\\u202e" in text


def test_text_keeps_the_lines_of_a_traceback(log_file):
    configure_logging(LogOptions(file=log_file, console=False))

    LOGGER.error("It failed.", exc_info=ValueError("a\x1b[2Jb"))

    assert log_file.read_text("utf-8").splitlines()[1] == r"ValueError: a\x1b[2Jb"


def test_the_console_shows_warnings_and_the_file_all(log_file, capsys):
    configure_logging(LogOptions(file=log_file))

    LOGGER.info("Small.")
    LOGGER.warning("Large.")

    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Large." in shown.err
    assert "Small." not in shown.err
    assert "Small." in log_file.read_text("utf-8")


@pytest.mark.parametrize("closed", [True, False])
def test_a_console_that_is_closed_or_absent_costs_only_itself(
    monkeypatch, capsys, log_file, tmp_path, closed
):
    stream = None
    if closed:
        stream = (tmp_path / "closed").open("w", encoding="utf-8")
        stream.close()
    configure_logging(LogOptions(file=log_file))
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", stream)
        LOGGER.error("Nobody hears this.")

    LOGGER.error("This is heard.")

    printed, lines = capsys.readouterr(), log_file.read_text("utf-8").splitlines()
    shown = printed.err
    assert printed.out == ""
    assert ["Nobody hears this." in line for line in lines] == [True, False]
    assert "Nobody hears this." not in shown
    assert "This is heard." in shown


def test_configuring_again_replaces_what_was(log_file, tmp_path):
    other = tmp_path / "other.log"
    configure_logging(LogOptions(file=log_file, console=False))
    LOGGER.info("First.")
    configure_logging(LogOptions(file=other, console=False))
    LOGGER.info("Second.")

    assert "Second." not in log_file.read_text("utf-8")
    assert other.read_text("utf-8").count("\n") == 1


def test_after_closing_nothing_is_written(logged, capsys):
    LOGGER.info("First.")
    close_logging()
    LOGGER.info("Second.")

    assert [line["message"] for line in logged()] == ["First."]


def test_a_record_with_wrong_arguments_is_told_without_a_traceback(log_file, capsys):
    handler = LogHandler(LogOptions(file=log_file, console=False))

    handler.handle(
        logging.makeLogRecord({"name": "some.library", "msg": "%d pages", "args": ("canary",)})
    )
    handler.close()

    assert capsys.readouterr().err == (
        "Warning: a log record of some.library cannot be written (TypeError).\n"
    )


def test_options_go_to_a_worker_process_and_hide_secrets():
    options = LogOptions(secrets=("canary-value",))

    assert pickle.loads(pickle.dumps(options)) == options
    assert "canary" not in repr(replace(options, console=False))


def test_logging_loads_structlog_only_with_the_first_line():
    program = (
        "import sys, wiseflow\n"
        "assert 'structlog' not in sys.modules\n"
        "from wiseflow.observability.logs import *\n"
        "from wiseflow.observability.options import LogOptions\n"
        "configure_logging(LogOptions())\n"
        "get_logger('wiseflow.x').info('Not on the console.')\n"
        "get_logger('wiseflow.x').debug('Below the level.')\n"
        "assert 'structlog' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
