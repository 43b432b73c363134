import os

import pytest

from wiseflow.app import sharing
from wiseflow.connector.manager import ParallelResearchManager
from wiseflow.connector.models import LLMManager
from wiseflow.settings.loading import load_settings
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess
from wiseflow.simulator.server import Simulator

TIDES = """# Tides

Tides are the rise and fall of sea levels caused by the gravity of the Moon and the Sun. Most coasts
see two high tides and two low tides in a day. When the Sun, the Moon and the Earth are in a line,
the pulls add up. These tides are called spring tides, and they come twice in a lunar month.
"""
# Each worker process is an interpreter to start, and these tests are not of many.
SMALL = {"MAX_CONCURRENT_TASKS": "1"}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(
            ("WISEFLOW", "DATABASE", "MAX_", "LOG_", "JOB_", "INDEX_", "LLM", "TAVILY")
        ):
            monkeypatch.delenv(name)
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "tides.md").write_text(TIDES)
    return tmp_path


@pytest.fixture
def settings():
    return load_settings(environ=SMALL)


@pytest.fixture
async def manager(settings):
    """A manager over the settings."""
    return ParallelResearchManager(settings)


@pytest.fixture
async def collection(manager):
    """The name of the collection of that document."""
    return await manager.index("papers")


@pytest.fixture
async def sim():
    """Providers of models, searches and pages, at a hundred times the speed of real ones."""
    async with Simulator(SimulatorOptions(time_scale=0.01)) as running:
        yield running


@pytest.fixture
def environ(sim):
    """Settings by which the simulator is the model, and Tavily the search."""
    return environ_for(sim)


@pytest.fixture
async def careless():
    """A simulator whose model writes in its own words and gets half of that wrong."""
    options = SimulatorOptions(time_scale=0.02, own_words=0.8, careless=0.5)
    async with Simulator(options) as running:
        yield running


@pytest.fixture
def with_careless(careless):
    """The settings by which that simulator is the model."""
    return load_settings(environ=environ_for(careless))


@pytest.fixture
def environ_of_a_process():
    """The same, of a simulator in a process of its own, for event loops that a test makes."""
    with SimulatorProcess(SimulatorOptions(time_scale=0.01)) as running:
        yield environ_for(running)


def environ_for(sim):
    return {
        **SMALL,
        "LLM_API_BASE": sim.url("openai"),
        "LLM_API_KEY": "k-1",
        "PRIMARY_MODEL": "sim-large",
        "TAVILY_API_BASE": sim.url("tavily"),
        "TAVILY_API_KEY": "tk-1",
        "TAVILY_RATE_LIMIT": "100000",
        "FETCH_ALLOWED_NETWORKS": "127.0.0.0/8",
        "LOG_LEVEL": "ERROR",
    }


@pytest.fixture
def online(environ):
    """The settings of that environment."""
    return load_settings(environ=environ)


@pytest.fixture
async def llm(online):
    """Asks the simulator's models."""
    before = dict(sharing._RATES)
    sharing._RATES.clear()
    yield LLMManager(online)
    sharing._RATES.clear()
    sharing._RATES.update(before)
