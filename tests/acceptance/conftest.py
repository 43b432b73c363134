import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from wiseflow.cli.main import run

TIMEOUT_S = 120


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture
def environment():
    """An environment without settings of ours; what runs in it is not measured, as it is slow."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}


@pytest.fixture
def start(tmp_path, environment):
    """Starts the command as a process of its own, in a process group of its own."""
    started = []

    def call(*arguments, before=(), **settings):
        process = subprocess.Popen(
            [*before, sys.executable, "-m", "wiseflow", *map(str, arguments)],
            cwd=tmp_path,
            env={**environment, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield call
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=TIMEOUT_S)


@pytest.fixture
def wiseflow(start):
    """Runs the command to its end."""

    def call(*arguments, **settings):
        process = start(*arguments, **settings)
        out, err = process.communicate(timeout=TIMEOUT_S)
        return Ended(code=process.returncode, out=out, err=err)

    return call


@pytest.fixture
def in_process(tmp_path, environment, monkeypatch, capsys):
    """Runs a command that needs no process of its own, which takes a second to be ready."""

    def call(*arguments, **settings):
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            for name in os.environ.keys() - environment.keys():
                patch.delenv(name)
            for name, value in {**environment, **settings}.items():
                patch.setenv(name, value)
            code = run([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Ended(code=code, out=printed.out, err=printed.err)

    return call


@pytest.fixture
def docs():
    """This project's own documents."""
    return Path(__file__).resolve().parents[2] / "docs"
