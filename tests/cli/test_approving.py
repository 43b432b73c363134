"""Plan first on the command line: shown, edited, approved, cancelled; at a terminal and without."""

import json
import os
import pty
import stat
import subprocess
import sys

import pytest

from wiseflow.cli.plans import parse_plan, read_plan_file
from wiseflow.core.errors import InvalidInput

ASK = ("research", "Spring tides", "--docs", "papers", "--plan-first")
PROMPT = b"Approve this plan?"
TIMEOUT_S = 120


@pytest.fixture
def waiting(wiseflow, after):
    """The id of a research that awaits approval."""
    ended = after(*ASK)
    assert ended.code == 0, ended.err
    [line] = wiseflow("jobs", "list", "--status", "awaiting_approval", "--json").out.splitlines()
    return json.loads(line)["job_id"]


@pytest.fixture
def editor(tmp_path, monkeypatch):
    """Makes the editor one that replaces some text of the file it is given."""

    def replacing(old, new):
        script = tmp_path / "editor"
        script.write_text(
            f"#!{sys.executable}\nimport pathlib, sys\nfile = pathlib.Path(sys.argv[1])\n"
            f"file.write_text(file.read_text().replace({old!r}, {new!r}))\n"
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("VISUAL", str(script))

    return replacing


@pytest.fixture
def at_terminal(tmp_path):
    """Runs a command at a terminal, and types an answer each time it asks about a plan."""
    started = []

    def call(*arguments, answers):
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "wiseflow", *arguments],
            cwd=tmp_path,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            start_new_session=True,
        )
        started.append(process)
        os.close(theirs)
        screen, asked = b"", 0
        while piece := _read(ours):
            screen += piece
            while screen.count(PROMPT) > asked < len(answers):
                os.write(ours, answers[asked].encode() + b"\n")
                asked += 1
        out, _ = process.communicate(timeout=TIMEOUT_S)
        os.close(ours)
        return process.returncode, out.decode(), screen.decode()

    yield call
    for process in started:
        process.kill()
        process.wait()


def _read(terminal):
    try:
        return os.read(terminal, 4096)
    except OSError:  # the other end is closed
        return b""


def test_without_a_terminal_the_research_waits_and_how_to_approve_is_said(wiseflow):
    ended = wiseflow(*ASK)

    [line] = [line for line in ended.err.splitlines() if "awaits approval" in line]
    assert ended.code == 0
    assert ended.out == ""
    assert "wiseflow jobs approve" in line
    assert "wiseflow jobs cancel" in line


def test_a_plan_is_shown_as_it_can_be_given_back(wiseflow, waiting, tmp_path):
    shown = wiseflow("jobs", "plan", waiting)
    as_json = wiseflow("jobs", "plan", waiting[:20], "--json")

    (tmp_path / "plan.yaml").write_text(shown.out)
    assert shown.out.startswith("# The plan of a research.")
    assert parse_plan(shown.out, "it") == json.loads(as_json.out)
    assert wiseflow("jobs", "approve", waiting, "--plan", "plan.yaml").code == 0


def test_the_same_command_goes_on_with_an_approved_plan(wiseflow):
    wiseflow(*ASK)
    [line] = wiseflow("jobs", "list", "--status", "awaiting_approval", "--json").out.splitlines()
    waiting = json.loads(line)["job_id"]

    again = wiseflow(*ASK)
    approved = wiseflow("jobs", "approve", waiting)
    ended = wiseflow(*ASK)

    assert "awaits approval" in again.err
    assert approved.out == f"{waiting} approved\n"
    assert f"wiseflow jobs resume {waiting}" in approved.err
    assert ended.code == 0
    assert ended.out.startswith("# Spring tides")
    events = [json.loads(one)["type"] for one in _events(wiseflow, waiting)]
    assert [events.count(kind) for kind in ("plan", "awaiting_approval", "approved")] == [1, 1, 1]


def test_an_edited_plan_is_worked_on(wiseflow, waiting, tmp_path):
    plan = json.loads(wiseflow("jobs", "plan", waiting, "--json").out)
    plan["title"] = "Tides in spring"
    plan["sections"] = [{"title": "What they are", "queries": ["spring tides Moon"]}]
    (tmp_path / "plan.json").write_text(json.dumps(plan))

    approved = wiseflow("jobs", "approve", waiting, "--plan", "plan.json")
    ended = wiseflow("jobs", "resume", waiting)

    assert approved.code == ended.code == 0
    assert ended.out.startswith("# Tides in spring")
    assert "## What they are" in ended.out
    [event] = [
        one for one in map(json.loads, _events(wiseflow, waiting)) if one["type"] == "approved"
    ]
    assert event["data"] == {"edited": True, **plan}


def test_a_plan_is_edited_in_the_users_editor(wiseflow, waiting, editor):
    editor("title: Spring tides", "title: The tides of spring")

    approved = wiseflow("jobs", "approve", waiting, "--edit")

    assert approved.code == 0
    assert json.loads(wiseflow("jobs", "plan", waiting, "--json").out)["title"] == (
        "The tides of spring"
    )


def test_a_plan_that_cannot_be_used_is_refused_with_its_place_and_the_research_still_waits(
    wiseflow, waiting, tmp_path
):
    (tmp_path / "plan.yaml").write_text("title: T\nsections:\n- title: A\n  queries: ['']\n")

    ended = wiseflow("jobs", "approve", waiting, "--plan", "plan.yaml")

    assert ended.code == 2
    assert "section 1, query 1 is empty" in ended.err
    assert waiting in wiseflow("jobs", "list", "--status", "awaiting_approval").out


def test_rejecting_a_plan_cancels_the_research(wiseflow, waiting):
    assert "cancelled" in wiseflow("jobs", "cancel", waiting).out
    refused = wiseflow("jobs", "approve", waiting)

    assert refused.code == 1
    assert "cannot be approved" in refused.err


@pytest.mark.parametrize("command", ["plan", "approve"])
def test_a_research_that_is_not_there_is_told(wiseflow, command):
    assert wiseflow("jobs", command, "zzzzzz").code == 4


def test_at_a_terminal_an_approved_plan_is_worked_on_at_once(at_terminal):
    code, out, screen = at_terminal(*ASK, answers=["approve"])

    assert code == 0, screen
    assert "sections:" in screen
    assert out.startswith("# Spring tides")


def test_at_a_terminal_a_plan_can_be_edited_before_it_is_approved(at_terminal, editor):
    editor("title: Spring tides", "title: The tides of spring")

    code, out, screen = at_terminal(*ASK, answers=["edit", "approve"])

    assert code == 0, screen
    assert out.startswith("# The tides of spring")


def test_at_a_terminal_an_edit_that_cannot_be_used_is_told_and_asked_about_again(
    at_terminal, editor
):
    editor("queries:", "questions:")

    code, out, screen = at_terminal(*ASK, answers=["edit", "approve"])

    assert code == 0, screen
    assert "Not taken: section 1 has a 'questions'" in screen
    assert out.startswith("# Spring tides")


def test_at_a_terminal_a_plan_can_be_rejected(at_terminal, wiseflow):
    code, out, _ = at_terminal(*ASK, answers=["cancel"])

    assert code == 1
    assert out == ""
    assert "Spring tides" in wiseflow("jobs", "list", "--status", "cancelled").out


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("title: T\n  sections: [", "plan.yaml, line 2"),
        ('{"title": "T",\n "sections" []}', "plan.yaml, line 2"),
        ("title: \x00", "plan.yaml is no YAML"),
        ("[" * 5000, "plan.yaml"),
    ],
)
def test_a_file_that_is_neither_yaml_nor_json_is_refused_with_the_line(tmp_path, text, place):
    (tmp_path / "plan.yaml").write_text(text)

    with pytest.raises(InvalidInput, match=r"YAML|JSON") as refused:
        read_plan_file(tmp_path / "plan.yaml")

    assert place in refused.value.message


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(InvalidInput, match="cannot be read: no such file"):
        read_plan_file(tmp_path / "none.yaml")


def _events(wiseflow, job_id):
    shown = wiseflow("jobs", "watch", job_id, "--json")
    return shown.out.splitlines()
