"""A port of its own for metrics, for processes that answer nothing else over HTTP.

It speaks as much HTTP as a scraper needs: a request without a body, one answer, the end. Slow and
large requests are cut off, and there are never more than some at once.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus

from wiseflow.core.errors import ConfigurationError
from wiseflow.observability.metrics.exposition import Exposition

REQUEST_S = 5.0
ANSWER_S = 10.0
REQUEST_BYTES = 16_384
AT_ONCE = 20
PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsAddress:
    """Where metrics are served.

    Args:
        host: the address that is listened at.
        port: 0 takes a free one.
        path: where the metrics are.
    """

    host: str = "127.0.0.1"
    port: int = 9090
    path: str = "/metrics"


@asynccontextmanager
async def serving_metrics(exposition: Exposition, address: MetricsAddress) -> AsyncGenerator[str]:
    """Serve metrics inside; gives their URL.

    Args:
        exposition: what is served.
        address: where.

    Raises:
        ConfigurationError: the port is taken, or cannot be listened at.
    """
    answering = _Answering(exposition, address.path)
    try:
        server = await asyncio.start_server(
            answering.connected, address.host, address.port, limit=REQUEST_BYTES
        )
    except OSError as error:
        raise _unusable(address, error) from error
    try:
        port = server.sockets[0].getsockname()[1]
        host = f"[{address.host}]" if ":" in address.host else address.host
        yield f"http://{host}:{port}{address.path}"
    finally:
        server.close()
        await answering.aclose()


class _Answering:
    """Answers connections, some at once."""

    def __init__(self, exposition: Exposition, path: str) -> None:
        self._exposition = exposition
        self._path = path
        # The server starts a task for each connection; those still there at the end are ended.
        self._tasks: set[asyncio.Task[object]] = set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        task = asyncio.current_task()
        assert task is not None
        if len(self._tasks) >= AT_ONCE:
            writer.close()
            return
        self._tasks.add(task)
        try:
            with suppress(
                OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
            ):
                await self._answer(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def aclose(self) -> None:
        """End what is still being answered."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(REQUEST_S):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status, content_type, body = await self._reply(head)
        method = head.partition(" ")[0]
        lines = (
            f"HTTP/1.1 {status} {status.phrase}",
            f"Content-Type: {content_type}",
            f"Content-Length: {len(body)}",
            "Connection: close",
        )
        writer.write("\r\n".join((*lines, "", "")).encode("latin-1"))
        writer.write(b"" if method == "HEAD" else body)
        async with asyncio.timeout(ANSWER_S):
            await writer.drain()

    async def _reply(self, head: str) -> tuple[HTTPStatus, str, bytes]:
        request, *headers = head.split("\r\n")
        method, _, rest = request.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if method not in {"GET", "HEAD"}:
            return HTTPStatus.METHOD_NOT_ALLOWED, PLAIN, b"only GET\n"
        if path != self._path:
            return HTTPStatus.NOT_FOUND, PLAIN, f"metrics are at {self._path}\n".encode()
        body, content_type = await self._exposition.text(_header("accept", headers))
        return HTTPStatus.OK, content_type, body


def _header(name: str, lines: list[str]) -> str:
    fields = (line.partition(":") for line in lines)
    return next((value.strip() for key, _, value in fields if key.strip().lower() == name), "")


def _unusable(address: MetricsAddress, error: OSError) -> ConfigurationError:
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(
            f"the port {address.port} for metrics (METRICS_PORT) is taken at {address.host}",
            cure="Set METRICS_PORT, or a worker's --metrics-port, to another, as Prometheus itself "
            "listens at 9090, or end the program that has it; ENABLE_METRICS=false opens none",
        )
    return ConfigurationError(
        f"metrics cannot be served at {address.host}:{address.port}: {error.strerror or error}",
        cure="Set METRICS_HOST and METRICS_PORT to an address of this machine, a port above 1023",
    )
