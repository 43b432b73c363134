"""The port of its own for metrics, over real connections."""

from __future__ import annotations

import asyncio
import contextlib
import socket

import httpx2
import pytest
from prometheus_client.registry import CollectorRegistry

from wiseflow.core.errors import ConfigurationError
from wiseflow.observability.metrics.endpoint import (
    AT_ONCE,
    REQUEST_BYTES,
    MetricsAddress,
    serving_metrics,
)
from wiseflow.observability.metrics.exposition import Exposition, Sample

LIMIT_S = 20


@pytest.fixture
def exposition():
    async def look():
        return [Sample("wiseflow_build_info", 1, ("1.2",)), Sample("wiseflow_database_up", 1)]

    return Exposition(CollectorRegistry(), look)


@pytest.fixture
async def url(exposition):
    async with serving_metrics(exposition, MetricsAddress(port=0)) as served:
        yield served


async def asked(url, method="GET", **headers):
    async with httpx2.AsyncClient() as client:
        return await client.request(method, url, headers=headers)


async def test_metrics_are_answered_where_they_are(url):
    answer = await asked(url)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert 'wiseflow_build_info{version="1.2"} 1.0' in answer.text
    assert "process_resident_memory_bytes" in answer.text
    assert "_created" not in answer.text


async def test_a_scraper_that_knows_openmetrics_gets_it(url):
    answer = await asked(url, accept="application/openmetrics-text; version=1.0.0")

    assert "openmetrics" in answer.headers["Content-Type"]
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("method", "path", "status"), [("POST", "", 405), ("GET", "/more", 404), ("HEAD", "", 200)]
)
async def test_other_requests_are_answered_as_http_has_it(url, method, path, status):
    assert (await asked(url + path, method)).status_code == status


async def test_a_taken_port_is_named_with_its_setting(exposition):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        with pytest.raises(ConfigurationError, match=rf"{port}.*METRICS_PORT") as raised:
            async with serving_metrics(exposition, MetricsAddress(port=port)):
                pass

    assert "ENABLE_METRICS=false" in str(raised.value)


async def test_an_address_of_another_machine_is_refused(exposition):
    with pytest.raises(ConfigurationError, match="METRICS_HOST"):
        async with serving_metrics(exposition, MetricsAddress(host="192.0.2.1", port=0)):
            pass


def place(url):
    host, _, port = url.removeprefix("http://").partition("/")[0].partition(":")
    return host, int(port)


async def test_those_who_say_nothing_keep_nobody_else_out_for_ever(url):
    async with asyncio.timeout(LIMIT_S):
        silent = [await asyncio.open_connection(*place(url)) for _ in range(AT_ONCE)]
        reader, writer = await asyncio.open_connection(*place(url))
        assert await reader.read() == b""
        writer.close()
        for _, one in silent:
            one.close()
            await one.wait_closed()

    assert (await asked(url)).status_code == 200


async def test_a_request_without_end_is_cut_off(url):
    async with asyncio.timeout(LIMIT_S):
        reader, writer = await asyncio.open_connection(*place(url))
        writer.write(b"GET / HTTP/1.1\r\nX: " + b"a" * (4 * REQUEST_BYTES))
        with contextlib.suppress(ConnectionResetError):  # it did not even read it all
            assert await reader.read() == b""
        writer.close()
    assert (await asked(url)).status_code == 200
