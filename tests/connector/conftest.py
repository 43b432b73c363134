import os

import pytest

from wiseflow.connector.manager import ParallelResearchManager
from wiseflow.settings.loading import load_settings

TIDES = """# Tides

Tides are the rise and fall of sea levels caused by the gravity of the Moon and the Sun. Most coasts
see two high tides and two low tides in a day. When the Sun, the Moon and the Earth are in a line,
the pulls add up. These tides are called spring tides, and they come twice in a lunar month.
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("WISEFLOW", "DATABASE", "MAX_", "LOG_", "JOB_", "INDEX_")):
            monkeypatch.delenv(name)
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "tides.md").write_text(TIDES)
    return tmp_path


@pytest.fixture
def settings():
    return load_settings(environ={})


@pytest.fixture
async def manager(settings):
    """A manager over the settings."""
    return ParallelResearchManager(settings)


@pytest.fixture
async def collection(manager):
    """The name of the collection of that document."""
    return await manager.index("papers")
