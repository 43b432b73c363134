"""A research with a plan to approve, killed wherever it is: asked once, its plan paid once."""

import json
import signal
import sqlite3
import subprocess

import pytest

from wiseflow.simulator.options import Model, SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess
from wiseflow.simulator.world import World

POLLS = 6000  # of 10 ms: a bound on waiting, not a time that anything is expected to take
BRIEF = ("--length", "brief", "--queries", "1", "--plan-first")


@pytest.fixture
def sim():
    """Providers that take their time, so that a command is at work when it is killed."""
    options = SimulatorOptions(time_scale=0.1, models=(Model(name="sim-large"),))
    with SimulatorProcess(options) as running:
        yield running


@pytest.fixture
def settings(sim):
    return {
        "LLM_API_BASE": sim.url("openai"),
        "LLM_API_KEY": "k-1",
        "PRIMARY_MODEL": "sim-large",
        "TAVILY_API_BASE": sim.url("tavily"),
        "TAVILY_API_KEY": "tk-1",
        "FETCH_ALLOWED_NETWORKS": "127.0.0.0/8",
        "JOB_LEASE_S": "2",
        "JOB_HEARTBEAT_S": "0.5",
        "MAX_CONCURRENT_TASKS": "1",
    }


def steps_in(folder, like):
    database = folder / "data" / "wiseflow.db"
    if not database.exists():
        return 0
    with sqlite3.connect(database, timeout=30) as connection:
        try:
            [(count,)] = connection.execute(
                "SELECT count(*) FROM steps WHERE step_key LIKE ?", (like,)
            )
        except sqlite3.OperationalError:  # the tables are not there yet
            count = 0
    connection.close()
    return count


def killed_after(process, folder, like):
    for _ in range(POLLS):
        if steps_in(folder, like):
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)
            return
        try:
            process.wait(timeout=0.01)
        except subprocess.TimeoutExpired:
            continue
        break
    pytest.fail(f"it did not come to {like}; exit {process.returncode}")


def test_a_research_killed_around_its_approval_pays_for_its_plan_and_asks_about_it_once(
    start, wiseflow, in_process, tmp_path, sim, settings
):
    command = ("research", World(1).topics[0].name, *BRIEF)
    killed_after(start(*command, **settings), tmp_path, "plan")
    waiting = wiseflow(*command, **settings)
    [job] = [json.loads(line) for line in in_process("jobs", "list", "--json").out.splitlines()]
    assert job["status"] == "awaiting_approval", waiting.err

    assert in_process("jobs", "approve", job["job_id"], **settings).code == 0
    killed_after(start(*command, **settings), tmp_path, "sections/%/evidence")
    ended = wiseflow(*command, **settings)

    events = [
        json.loads(line)["type"]
        for line in in_process("jobs", "watch", job["job_id"], "--json").out.splitlines()
    ]
    planning = next(entry for entry in sim.log() if entry["kind"] == "model")
    assert ended.code == 0, ended.err
    assert len(in_process("jobs", "list").out.splitlines()) == 1
    assert [events.count(kind) for kind in ("plan", "awaiting_approval", "approved")] == [1, 1, 1]
    assert sum(entry["digest"] == planning["digest"] for entry in sim.log()) == 1
