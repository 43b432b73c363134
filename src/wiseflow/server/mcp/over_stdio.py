"""The protocol over standard input and output: one assistant, which started this process."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from wiseflow.app import Application
from wiseflow.client.client import Client
from wiseflow.core.access import LOCAL
from wiseflow.core.groups import task_group
from wiseflow.server.mcp.backends import Backend
from wiseflow.server.mcp.embedded import EmbeddedBackend
from wiseflow.server.mcp.protocol import make_server
from wiseflow.server.mcp.remote import ServiceBackend
from wiseflow.server.mcp.standard_streams import Claimed, LinesIn, LinesOut

# What answers at the end may go on for so long; who started this soon ends it for good.
END_S = 2.0


async def serve_embedded(
    application: Application, streams: Claimed, *, researches: int, stop: asyncio.Event
) -> None:
    """Answer with the program in this process, which runs researches, too.

    Args:
        application: open.
        streams: to read from and to write to.
        researches: how many run here at once; 0 leaves them to workers elsewhere.
        stop: ends it; set at the end of the input, too. What runs is handed over.

    Raises:
        StorageError: jobs cannot be claimed.
    """
    async with task_group() as group:
        group.create_task(application.work(researches, stop=stop), name="worker")
        await serve(EmbeddedBackend(application, LOCAL), streams, stop=stop)
        application.following.stop()


async def serve_service(url: str, api_key: str, streams: Claimed, *, stop: asyncio.Event) -> None:
    """Answer with a service, to which a key is shown unless it is ""."""
    async with Client(url, api_key=api_key) as client:
        await serve(ServiceBackend(client), streams, stop=stop)


async def serve(backend: Backend, streams: Claimed, *, stop: asyncio.Event) -> None:
    """Answer until the input ends, nobody reads the output, or ``stop`` is set."""
    lines_in = LinesIn(streams.reading)
    lines_out = LinesOut(streams.writing, on_gone=stop.set)
    async with task_group() as group:
        answering = _answer(make_server(lambda _: backend), lines_in, lines_out, stop)
        serving = group.create_task(answering, name="assistant")
        await stop.wait()
        # The end of its input is the one end that the library takes without a fault.
        lines_in.end()
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                await serving


async def _answer(server: Server[Any], lines_in: Any, lines_out: Any, stop: asyncio.Event) -> None:
    try:
        # The library's own streams cannot be left while a read waits.
        async with stdio_server(lines_in, lines_out) as (come, go):
            await server.run(come, go, server.create_initialization_options())
    finally:
        stop.set()
