"""Small servers over real HTTP on this machine, and what asks them."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import EntryPoint
from pathlib import Path

from aiohttp import web

from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.registry import GROUP

ROOT = Path(__file__).resolve().parents[2]
KEY = "canary-5ac7e1e9d0f24b6c"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FixedClock:
    """Stands at one moment, unless it is moved."""

    def __init__(self, now: float = 1_800_000_000.0):
        self.at = now

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += seconds


class Server:
    """Answers every request by one handler, and keeps what it was asked."""

    def __init__(self, port: int, asked: list[web.Request], bodies: list[bytes], scheme: str):
        self.port = port
        self.base = f"{scheme}://127.0.0.1:{port}"
        self.asked = asked
        self.bodies = bodies


@asynccontextmanager
async def serving(handler: Handler, *, tls=None) -> AsyncGenerator[Server]:
    asked: list[web.Request] = []
    bodies: list[bytes] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request)
        bodies.append(await request.read())
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield Server(port, asked, bodies, "https" if tls else "http")
    finally:
        await runner.cleanup()


def answering(
    answer: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Handler:
    """Answers whatever is asked with the same bytes, or the same JSON."""

    async def handler(_request: web.Request) -> web.Response:
        if isinstance(answer, bytes):
            return web.Response(body=answer, status=status, headers=headers)
        return web.json_response(answer, status=status, headers=headers)

    return handler


@asynccontextmanager
async def speaking(answer: bytes, *, then_wait: bool = False) -> AsyncGenerator[int]:
    """A server that says the same bytes to whatever it is told, and closes or waits; its port."""
    over = asyncio.Event()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            if then_wait:
                await over.wait()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        over.set()


def declared() -> list[EntryPoint]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    entries = project["entry-points"][GROUP]
    return [EntryPoint(name=name, value=value, group=GROUP) for name, value in entries.items()]


def endpoint(base_url: str, provider: str = "tavily", **others) -> Endpoint:
    return Endpoint(provider=provider, base_url=base_url, api_key=KEY, **others)
