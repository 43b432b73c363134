from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from wiseflow.app import open_application
from wiseflow.app.metering.meter import Meter
from wiseflow.server.factory import create_app
from wiseflow.settings.loading import load_settings


@pytest.fixture
def settings(tmp_path):
    """Those of a program of its own, with nothing set up."""
    return load_settings(
        environ={"WISEFLOW_DATA_DIR": str(tmp_path), "LOCAL_ONLY": "true"}, dotenv=None
    )


@pytest.fixture
async def application(settings):
    async with open_application(settings, meter=Meter(settings)) as opened:
        yield opened


@pytest.fixture
async def client(application) -> AsyncIterator[httpx2.AsyncClient]:
    """Asks the server in this process."""
    transport = httpx2.ASGITransport(create_app(application), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://server") as asking:
        yield asking
