"""The simulator in a process of its own, and the command."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from wiseflow.cli.main import run
from wiseflow.cli.simulate import parse_fault, parse_latency
from wiseflow.core.errors import Conflict, InvalidInput
from wiseflow.simulator import __main__ as main
from wiseflow.simulator.calls import CallKind
from wiseflow.simulator.faults import FaultKind, FaultPlan, KeyEnd
from wiseflow.simulator.latency import Latency
from wiseflow.simulator.limits import Dimension, Limit
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess, parse_options

SECONDS = 30


def is_gone(pid: int) -> bool:
    for _ in range(SECONDS * 20):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        return answer.read()


def test_a_process_answers_is_set_and_is_gone_when_it_is_left():
    options = SimulatorOptions(
        time_scale=0.001,
        latencies={CallKind.PAGE: Latency(mean_s=2)},
        limits=(Limit(dimension=Dimension.REQUESTS, amount=1),),
        faults=FaultPlan(key_ends=(KeyEnd(key="k"),)),
    )
    with SimulatorProcess(options) as sim:
        pid = sim.pid
        get(f"{sim.url('searxng')}/search?q=harbour&format=json")
        assert sim.log()[0]["provider"] == sim.stats()[0]["provider"] == "searxng"
        sim.set_limits(Limit(dimension=Dimension.TOKENS, amount=5))
        sim.set_faults(FaultPlan(key_ends=(KeyEnd(at_s=1, kind=FaultKind.QUOTA_SPENT),)))
        sim.reset()
        assert sim.log() == []
        assert sim.settings()["LLM_API_BASE"] == sim.url("openai")

    assert is_gone(pid)
    with pytest.raises(Conflict):
        _ = sim.pid


def test_it_ends_when_its_parent_is_killed():
    script = (
        "from wiseflow.simulator.process import SimulatorProcess\n"
        "with SimulatorProcess() as sim:\n"
        "    print(sim.pid, flush=True)\n"
        "    input()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()

    assert is_gone(pid)


def test_one_that_cannot_start_says_why():
    with SimulatorProcess() as sim:
        port = int(sim.address.rpartition(":")[2])
        with (
            pytest.raises(InvalidInput, match=f"port {port}"),
            SimulatorProcess(SimulatorOptions(port=port)),
        ):
            pass


def test_options_of_another_form_are_refused(monkeypatch, capsys):
    with pytest.raises(InvalidInput, match="seed"):
        parse_options(b'{"seed": "x"}')
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"port": -1}\n')))

    assert main.main() == InvalidInput.exit_code
    assert "port" in json.loads(capsys.readouterr().out)["error"]


def test_the_process_runs_until_its_input_ends(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{}\n")))

    assert main.main() == 0
    assert "address" in json.loads(capsys.readouterr().out)


# The command.


@pytest.fixture(autouse=True)
def handlers():
    """The command takes SIGTERM over; the tests' process keeps its own."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_prints_where_it_is_and_ends_with_its_input(monkeypatch, capsys, as_json):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    options = ["--rpm", "60", "--concurrency", "2", "--faults", "0.05", "--latency", "model=0.1"]
    arguments = ["simulate", "--until-eof", *options, *(["--json"] if as_json else [])]

    assert run(arguments) == 0
    printed = capsys.readouterr().out
    if as_json:
        assert json.loads(printed)["settings"]["TAVILY_API_BASE"].startswith("http://127.0.0.1:")
    else:
        assert "export LLM_API_BASE=http://127.0.0.1:" in printed


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_when_it_is_told_to(sent):
    command = [sys.executable, "-m", "wiseflow", "simulate", "--json"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.send_signal(sent)
        said = child.stderr.read().decode()

    assert child.returncode == 0
    assert said == "The simulator has ended.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "--any-host"),
        (["--rpm", "0"], "above 0"),
        (["--time-scale", "0"], "time scale"),
        (["--fault", "flood=0.1"], "429-silent"),
        (["--fault", "503"], "--fault '503'"),
        (["--fault", "503=2"], "from 0 to 1"),
        (["--latency", "tea=1"], "model"),
        (["--latency", "model=-1"], "no latency"),
    ],
)
def test_what_cannot_be_is_a_clear_error(capsys, arguments, said):
    assert run(["simulate", *arguments]) == InvalidInput.exit_code
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_faults_and_latencies_are_read_from_the_command_line():
    fault = parse_fault("exa:reset-midway=0.25")

    assert (fault.provider, fault.kind, fault.rate) == ("exa", FaultKind.RESET_MIDWAY, 0.25)
    assert parse_fault("503=0").provider == "*"
    assert parse_latency("page=0.2") == (CallKind.PAGE, Latency(mean_s=0.2))


def test_without_its_library_the_command_names_the_extra(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    assert run(["simulate"]) != 0
    assert "wiseflow[simulator]" in capsys.readouterr().err
