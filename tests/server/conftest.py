from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Protocol

import httpx2
import pytest

from wiseflow.app import open_application
from wiseflow.app.metering.meter import Meter
from wiseflow.app.services.keys import IssuedKey, KeysService
from wiseflow.core.access import LOCAL
from wiseflow.core.keys import NewKey
from wiseflow.server.factory import create_app
from wiseflow.settings.loading import load_settings


@pytest.fixture
def settings(tmp_path):
    """Those of a program of its own, with nothing set up."""
    return load_settings(
        environ={
            "WISEFLOW_DATA_DIR": str(tmp_path),
            "LOCAL_ONLY": "true",
            "FETCH_ALLOWED_NETWORKS": "127.0.0.0/8",
            "WISEFLOW_SECRET_KEY": "a key of the tests and of nothing else",
        },
        dotenv=None,
    )


@pytest.fixture
async def application(settings):
    async with open_application(settings, meter=Meter(settings)) as opened:
        yield opened


@pytest.fixture
async def client(application) -> AsyncIterator[httpx2.AsyncClient]:
    """Asks the server in this process."""
    transport = httpx2.ASGITransport(
        create_app(application, host="127.0.0.1"), raise_app_exceptions=False
    )
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as asking:
        yield asking


class MakeKey(Protocol):
    """Makes a key: ``await keys(scope=Scope.RUN, tenant="acme")``."""

    async def __call__(self, *, revoked: bool = False, **fields: Any) -> IssuedKey: ...


@pytest.fixture
def keys(application) -> MakeKey:
    """Makes keys, as somebody does at this machine."""
    service = KeysService(application, LOCAL)

    async def make(*, revoked: bool = False, **fields: Any) -> IssuedKey:
        issued = await service.create(replace(NewKey(name="ci"), **fields))
        if revoked:
            await service.revoke(issued.key.key_id)
        return issued

    return make
