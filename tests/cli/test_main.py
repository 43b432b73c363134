import subprocess
import sys

import pytest

from wiseflow import __version__
from wiseflow.cli import main as cli

HEAVY = {"numpy", "tantivy", "sqlalchemy", "pydantic", "rich", "trafilatura", "alembic", "asyncio"}


def imported_by(statement):
    """The modules that a fresh interpreter has loaded after a statement."""
    listing = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", listing], check=True, capture_output=True, text=True, timeout=60
    )
    return {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_help_lists_every_command(wiseflow):
    ended = wiseflow("--help")

    assert ended.code == 0
    assert all(name in ended.out for name in cli.COMMANDS)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help(wiseflow, name):
    ended = wiseflow(name, "--help")

    assert ended.code == 0
    assert "Usage: wiseflow" in ended.out


def test_the_help_of_a_command_says_what_the_list_says(wiseflow):
    for name, (_, _, text) in cli.COMMANDS.items():
        first = text.split(",")[0].split(";")[0].rstrip(".")
        assert first[:20] in wiseflow("--help").out, name


def test_the_version_is_told(wiseflow):
    assert __version__ in wiseflow("--version").out


def test_a_mistyped_command_gets_the_nearest_one(wiseflow):
    ended = wiseflow("reserch", "Tides")

    assert ended.code == 2
    assert "Did you mean 'research'?" in ended.err


def test_a_setting_on_the_command_line_needs_a_value(wiseflow):
    ended = wiseflow("--set", "LOG_LEVEL", "jobs", "list")

    assert ended.code == 2
    assert "--set takes NAME=VALUE" in ended.err


def test_importing_the_package_loads_nothing_heavy():
    assert not imported_by("import wiseflow") & HEAVY


def test_the_help_loads_nothing_heavy():
    command = (
        "import sys; sys.argv = ['wiseflow', '--help']\n"
        "from wiseflow.cli.main import run\nrun(['--help'])"
    )

    assert not imported_by(command) & (HEAVY - {"asyncio"})


def test_it_runs_as_a_module_too():
    done = subprocess.run(
        [sys.executable, "-m", "wiseflow", "--version"],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert __version__ in done.stdout


def test_an_unforeseen_error_is_one_sentence_and_not_a_traceback(wiseflow, monkeypatch):
    def broken(_):
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr("wiseflow.cli.db.asyncio.run", broken)
    monkeypatch.setattr("wiseflow.cli.db.check_database", lambda _: None)

    ended = wiseflow("db", "check")

    assert ended.code == 1
    assert "nobody thought of this" in ended.err
    assert "Traceback" not in ended.err


def test_an_interrupted_command_says_so_and_exits_130(wiseflow, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("wiseflow.cli.db.asyncio.run", interrupted)
    monkeypatch.setattr("wiseflow.cli.db.check_database", lambda _: None)

    ended = wiseflow("db", "check")

    assert ended.code == 130
    assert ended.err == "Interrupted.\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_command(wiseflow, shell):
    ended = wiseflow("completion", shell)

    assert ended.code == 0
    assert "_WISEFLOW_COMPLETE" in ended.out


def test_a_reader_that_goes_away_is_no_error_message():
    command = f"{sys.executable} -m wiseflow completion bash | head -c 1 > /dev/null"

    done = subprocess.run(
        ["bash", "-c", command], check=True, capture_output=True, text=True, timeout=60
    )

    assert done.stderr == ""
