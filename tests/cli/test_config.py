from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from wiseflow.cli.config import config, render_files, render_settings
from wiseflow.cli.context import CommandContext
from wiseflow.observability.logs import close_logging
from wiseflow.settings.loading import load_settings

SECRET = "sk-canary-0123456789abcdef"
ENVIRON = {
    "LLM_API_KEY": SECRET,
    "NOTION_API_KEY": SECRET,
    "DATABASE_URL": "postgresql://flow:pw-canary@db/flow",
    "WISEFLOW_DATA_DIR": "da\nta",
}


@pytest.fixture
def settings(tmp_path):
    (tmp_path / ".env").write_text("LOG_LEVEL=DEBUG\n")
    return load_settings(environ=ENVIRON, flags={"LOCAL_ONLY": "yes"}, dotenv=tmp_path / ".env")


def test_every_setting_is_shown_with_value_and_origin(settings):
    lines = render_settings(settings).splitlines()
    shown = {line.split()[0]: line.split()[1:] for line in lines}

    assert shown["LOG_LEVEL"] == ["DEBUG", ".env:1"]
    assert shown["LOCAL_ONLY"] == ["true", "flag"]
    assert shown["TASK_TIMEOUT"] == ["3600", "default"]
    assert shown["LOG_MAX_SIZE"] == ["10485760", "default"]
    assert shown["WISEFLOW_DATA_DIR"] == ['"da\\nta"', "environment"]


def test_no_secret_is_shown(settings):
    for text in (
        render_settings(settings),
        render_settings(settings, everything=True),
        render_settings(settings, as_json=True),
    ):
        assert "canary" not in text
        assert SECRET[-4:] not in text
        assert "postgresql://flow:[hidden]@db/flow" in text


def test_a_set_setting_of_a_later_version_says_that_it_is_not_used(settings):
    (line,) = [one for one in render_settings(settings).splitlines() if "NOTION_API_KEY" in one]

    assert line.split(maxsplit=3)[1:] == ["set", "environment", "(not used yet by this version)"]


def test_others_of_later_versions_are_shown_on_request_only(settings):
    assert "FAISS_CACHE_SIZE" not in render_settings(settings)
    assert "FAISS_CACHE_SIZE" in render_settings(settings, everything=True)


def test_json_has_every_setting_with_its_type(settings):
    shown = json.loads(render_settings(settings, as_json=True))

    assert shown["LOCAL_ONLY"] == {"value": True, "origin": "flag", "used": True}
    assert shown["RETRY_LIMIT"] == {"value": 3, "origin": "default", "used": True}
    assert shown["LLM_API_KEY"] == {"value": "set", "origin": "environment", "used": True}
    assert shown["NOTION_API_KEY"] == {"value": "set", "origin": "environment", "used": False}
    assert shown["FAISS_API_KEY"] == {"value": "not set", "origin": "default", "used": False}


def test_the_files_that_were_read_are_listed(settings, tmp_path):
    assert render_files(settings) == str(tmp_path / ".env")
    assert json.loads(render_files(settings, as_json=True)) == [str(tmp_path / ".env")]


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ENVIRON:
        monkeypatch.delenv(name, raising=False)

    def ran(*arguments: str, config_file: Path | None = None):
        context = CommandContext(config_file=config_file)
        # As the root has it: a command keeps the help option it was first run with.
        return CliRunner().invoke(
            config, arguments, obj=context, help_option_names=["-h", "--help"]
        )

    yield ran
    close_logging()


def test_show_prints_the_settings(run):
    done = run("show", "--json")

    assert done.exit_code == 0
    assert json.loads(done.output)["RETRY_LIMIT"]["value"] == 3


def test_path_prints_the_files_and_nothing_when_there_are_none(run, tmp_path):
    (tmp_path / "c.yaml").write_text("")

    assert run("path").output == ""
    assert run("path", config_file=tmp_path / "c.yaml").output == f"{tmp_path / 'c.yaml'}\n"
