"""The modes from the command line, over simulated providers: what depth finds, what it tells."""

import json

import pytest

from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess
from wiseflow.simulator.world import World

TOPICS = 12


@pytest.fixture(scope="module")
def sim():
    with SimulatorProcess(SimulatorOptions(time_scale=0.01, topics=TOPICS, links=True)) as running:
        yield running


@pytest.fixture
def research(sim, monkeypatch, wiseflow):
    """Researches on the web; the end of the command and the report."""
    given = {
        "LLM_API_BASE": sim.url("openai"),
        "LLM_API_KEY": "k-1",
        "PRIMARY_MODEL": "sim-large",
        "TAVILY_API_BASE": sim.url("tavily"),
        "TAVILY_API_KEY": "tk-1",
        "TAVILY_RATE_LIMIT": "100000",
        "FETCH_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    def run(topic, *options):
        ended = wiseflow("research", topic, "--json", *options)
        assert ended.code == 0, ended.err
        return ended, json.loads(ended.out)

    return run


@pytest.mark.parametrize(
    ("mode", "depth", "answered"),
    [
        ("linear", "4", False),
        ("graph", "1", False),
        ("graph", "3", True),
        ("multi_agent", "3", True),
    ],
)
def test_depth_finds_what_lies_several_hops_away(research, mode, depth, answered):
    question = World(1, topics=TOPICS, links=True).chain(3, 3)

    _, report = research(question.text, "--mode", mode, "--depth", depth)

    answer = question.facts[-1].value
    claims = [claim for section in report["sections"] for claim in section["claims"]]
    stated = [claim for claim in claims if answer in claim["text"]]
    assert bool(stated) is answered
    for claim in stated:
        assert {one["verdict"] for one in claim["citations"]} == {"supported"}
    assert report["mode"] == mode


def test_a_mode_is_forecast_before_it_starts(research):
    topic = World(1, topics=TOPICS, links=True).question(2).text

    told = [research(topic, "--mode", mode)[0].err for mode in ("linear", "graph")]

    calls = [int(text.partition("about ")[2].split()[0]) for text in told]
    assert calls[0] < calls[1]
