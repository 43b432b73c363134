"""Servers that models are asked at: the simulator, and one that says what a test wants."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from wiseflow.core.asking import ChatRequest, Message, Speaker
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.http import HttpClients
from wiseflow.simulator.calls import CallKind
from wiseflow.simulator.latency import Latency
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.server import Simulator

CANARY = "sk-canary-8c1f0a57be294d63"
SCHEMA = {
    "type": "object",
    "properties": {"made_by": {"type": "string"}},
    "required": ["made_by"],
    "additionalProperties": False,
}


@pytest.fixture(scope="session")
def libraries() -> None:
    """Loaded before any test that has little time for it."""
    for name in ("openai_library", "anthropic_library"):
        importlib.import_module(f"wiseflow.providers.{name}")


@pytest.fixture
async def clients(libraries) -> AsyncIterator[HttpClients]:
    clients = HttpClients(timeout_s=5.0)
    yield clients
    await clients.aclose()


@pytest.fixture
async def simulate() -> AsyncIterator[Callable[..., Any]]:
    """Starts a simulator with the given options; answers come at once."""
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> Simulator:
            at_once = dict.fromkeys(CallKind, Latency(mean_s=0.0))
            simulator = Simulator(SimulatorOptions(latencies=at_once, **options))
            return await stack.enter_async_context(simulator)

        yield start


@dataclass
class Server:
    """Says what is in ``script``, one answer after the other; the last one again and again."""

    address: str = ""
    script: list[Callable[[web.Request], Any]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json() if request.can_read_body else {})
        self.paths.append(f"{request.method} {request.path}")
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return await answer(request)

    def say(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Server:
        async def answer(_request: web.Request) -> web.StreamResponse:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            told = {"Content-Type": "application/json", **(headers or {})}
            return web.Response(body=data, status=status, headers=told)

        self.script.append(answer)
        return self

    def stream(self, *parts: bytes, cut: bool = False, wait_s: float = 0.0) -> Server:
        """Says it part by part; ``cut`` breaks the connection then."""

        async def answer(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            for part in parts:
                await response.write(part)
                await asyncio.sleep(wait_s)
            if cut and request.transport is not None:
                request.transport.abort()
            return response

        self.script.append(answer)
        return self


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application(client_max_size=10_000_000)
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    server.address = f"http://{host}:{port}"
    yield server
    await runner.cleanup()


@pytest.fixture
def endpoint(server: Server) -> Callable[..., Endpoint]:
    def make(provider: str, path: str = "", **others: Any) -> Endpoint:
        given: dict[str, Any] = {"api_key": CANARY, **others}
        return Endpoint(provider=provider, base_url=server.address + path, **given)

    return make


@pytest.fixture
def ask() -> Callable[..., ChatRequest]:
    """A request to a model, with what is given in place of the usual."""

    def make(*texts: str, **others: Any) -> ChatRequest:
        said = [Message(speaker=Speaker.SYSTEM, text="You are careful.")] if not texts else []
        said += [Message(speaker=Speaker.USER, text=text) for text in texts or ("Who made it?",)]
        given: dict[str, Any] = {"max_tokens": 200, **others}
        return ChatRequest(messages=tuple(said), **given)

    return make


@pytest.fixture
def schema() -> dict[str, Any]:
    return SCHEMA


@pytest.fixture
def canary() -> str:
    return CANARY
