"""What the documents tell a reader to type is typed here, in a folder like the reader's."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wiseflow.cli.main import run as wiseflow
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(?P<kind>\w*)[^\n]*\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#|mailto:)(?P<target>[^)#]+)")
# What only a shell does.
SHELL = re.compile(r"[|<>$;&*]")
# A page's shell blocks that set its examples up; others install things or need a server.
SETTING_UP = ("papers/", "topics.txt")
# Pages whose reader has keys: the simulator plays who is asked.
ASKING = ("models-and-search.md", "python.md")
KEYS = {"LLM_API_KEY": "k", "PRIMARY_MODEL": "sim-large", "TAVILY_API_KEY": "k"}


def blocks(page, *kinds):
    text = page.read_text(encoding="utf-8")
    return [(m["kind"], m["body"]) for m in FENCE.finditer(text) if m["kind"] in kinds]


def with_blocks(*kinds):
    return [
        pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES if blocks(page, *kinds)
    ]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with this project's documents, as a reader of them has."""
    # The decisions are left out: most of the time would go into reading them.
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("adr"))
    monkeypatch.setenv("MAX_CONCURRENT_TASKS", "1")
    (tmp_path / "topics.txt").write_text("How are citations checked?\nWhat survives a crash?\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def sim():
    with SimulatorProcess(SimulatorOptions(time_scale=0.01)) as running:
        yield running


@pytest.fixture
def providers(sim, monkeypatch):
    """Gives a page the providers that its reader has."""

    def given(page):
        if page.name in ASKING:
            bases = {"LLM_API_BASE": sim.url("openai"), "TAVILY_API_BASE": sim.url("tavily")}
            opened = {"FETCH_ALLOWED_NETWORKS": "127.0.0.0/8", "TAVILY_RATE_LIMIT": "10000"}
            for name, value in {**KEYS, **bases, **opened}.items():
                monkeypatch.setenv(name, value)

    return given


def run(command, folder):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # What runs here is not measured, as that makes it slow.
    inherited = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    return subprocess.run(
        command, cwd=folder, shell=True, env={**inherited, "PATH": path},
        capture_output=True, text=True, timeout=120, check=False, executable="/bin/bash",
    )  # fmt: skip


def newest(lines, name):
    """The id of the first one listed."""
    return json.loads(lines.splitlines()[0])[name]


@pytest.fixture
def filled_in(folder, capsys):
    """Puts in the ids that a reader would have put in by now, looked up in this process."""

    def told(*arguments):
        assert wiseflow([*arguments, "--json"]) == 0
        return capsys.readouterr().out

    def call(line):
        if "ID" not in line:
            return line
        if "WEBHOOK_ID" in line:
            return line.replace("WEBHOOK_ID", newest(told("webhooks", "list"), "id"))
        job = newest(told("jobs", "list"), "job_id")
        if "SHARE_ID" in line:
            return line.replace("SHARE_ID", newest(told("shares", "list", job), "id"))
        if "SOURCE_ID" in line:
            report = json.loads(told("report", job))
            line = line.replace("SOURCE_ID", report["sources"][0]["id"])
        return line.replace("ID", job)

    return call


@pytest.fixture
def typed(folder, capsys):
    """Does what a line of the shell says; its exit code, and what it printed."""

    def call(line):
        if not line.startswith("wiseflow ") or SHELL.search(line):
            done = run(line, folder)
            return done.returncode, done.stdout + done.stderr
        # In this process, as most of the time of a short command goes into loading the program.
        code = wiseflow(shlex.split(line, comments=True)[1:])
        return code, "".join(capsys.readouterr())

    return call


@pytest.mark.parametrize("page", with_blocks("console"))
def test_the_commands_of_a_page_work_in_the_order_they_stand(
    page, folder, providers, filled_in, typed
):
    providers(page)
    for kind, body in blocks(page, "console", "sh"):
        if kind == "sh":
            if any(word in body for word in SETTING_UP):
                assert run(body, folder).returncode == 0, body
            continue
        for line in body.splitlines():
            assert line.startswith("$ "), line
            command = filled_in(line.removeprefix("$ "))
            wanted = int((re.search(r"# exit (\d+)", command) or [0, 0])[1])
            code, told = typed(command)
            assert code == wanted, f"{command}\n{told}"


@pytest.mark.parametrize("page", with_blocks("python"))
def test_the_scripts_of_a_page_work(page, folder, providers):
    providers(page)
    for _, body in blocks(page, "python"):
        script = folder / "example.py"
        script.write_text(body)

        done = run(f"python {shlex.quote(str(script))}", folder)

        assert done.returncode == 0, done.stderr
        assert done.stdout.strip()


@pytest.mark.parametrize("page", [pytest.param(p, id=str(p.relative_to(ROOT))) for p in PAGES])
def test_the_links_of_a_page_lead_somewhere(page):
    targets = LINK.findall(page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_json_examples_are_json():
    for page in PAGES:
        for _, body in blocks(page, "json"):
            for line in body.strip().splitlines() if body.startswith('{"id"') else [body]:
                json.loads(line)
