"""The command line as a user has it: a folder, a clean environment, and what it prints."""

import os
import shutil
from dataclasses import dataclass
from typing import Any

import pytest

from wiseflow.cli.main import run
from wiseflow.core.configuration import TaskPriority
from wiseflow.core.jobs import Job, JobStatus

TIDES = """# Tides

Tides are the rise and fall of sea levels caused by the gravity of the Moon and the Sun. The Moon's
pull is about twice as strong as the Sun's, because the Moon is so much closer to the Earth. Most
coasts see two high tides and two low tides in a day.

## Spring tides

When the Sun, the Moon and the Earth are in a line, the pulls add up and the tidal range is at its
largest. These tides are called spring tides, and they come twice in a lunar month.
"""
ENERGY = """# Tidal power

Tidal power turns the energy of tides into electricity. The first large tidal power station opened
on the Rance river in France in 1966. Its turbines reach a peak output of 240 megawatts. Tidal power
is more predictable than wind, because the times of tides are known years ahead.
"""


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def clean_folder(tmp_path, monkeypatch):
    """Each test has a folder of its own with two documents, and the default settings but one."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(
            ("WISEFLOW", "DATABASE", "MAX_", "LOG_", "JOB_", "INDEX_", "LLM", "TAVILY", "OLLAMA")
        ):
            monkeypatch.delenv(name)
    # Each is an interpreter to start, and what commands say and do is the same with one of a kind.
    monkeypatch.setenv("MAX_CONCURRENT_TASKS", "1")
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "tides.md").write_text(TIDES, encoding="utf-8")
    (papers / "energy.md").write_text(ENERGY, encoding="utf-8")
    return tmp_path


@pytest.fixture
def wiseflow(capsys):
    """Runs one command line in this process."""

    def call(*arguments):
        code = run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Ended(code=code, out=printed.out, err=printed.err)

    return call


@pytest.fixture(scope="session")
def outcomes(tmp_path_factory):
    """What commands said, and copies of the folders they left."""
    return tmp_path_factory.mktemp("outcomes"), {}


@pytest.fixture
def after(wiseflow, tmp_path, outcomes):
    """Brings the folder to where a command leaves a fresh one, and gives what the command said.

    The command runs once; later tests get a copy of what it left. Its documents are then known by
    the paths they had in the folder of the first test.
    """
    kept, known = outcomes

    def call(*arguments):
        if arguments not in known:
            known[arguments] = wiseflow(*arguments), kept / str(len(known))
            shutil.copytree(tmp_path, known[arguments][1])
        ended, folder = known[arguments]
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
        return ended

    return call


@pytest.fixture
def job():
    """Builds a job: ``job(title="Tides")`` differs from an ordinary one in its title."""
    fields: dict[str, Any] = {
        "job_id": "01j",
        "kind": "research",
        "payload": {},
        "title": "What causes tides?",
        "status": JobStatus.RUNNING,
        "priority": TaskPriority.NORMAL,
        "tags": (),
        "metadata": {},
        "batch": "",
        "idempotency_key": "",
        "progress": 0.5,
        "partial": False,
        "stop_reason": None,
        "error": "",
        "cost": 0.0,
        "attempt": 1,
        "max_attempts": 3,
        "cancel_requested": False,
        "lease_owner": "",
        "lease_token": 1,
        "lease_expires_at": None,
        "created_at": 0.0,
        "started_at": 1.0,
        "completed_at": None,
        "delivered_at": None,
    }

    def build(**changes):
        return Job(**(fields | changes))

    return build
