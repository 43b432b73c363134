"""A simulator on a port of its own, a client, and ways to ask."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest

from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.server import Simulator

FAST = 0.001  # real seconds a simulated one takes

Start = Callable[..., Awaitable[Simulator]]
Ask = Callable[..., Awaitable[httpx2.Response]]


@pytest.fixture
async def start() -> AsyncGenerator[Start]:
    """Starts a simulator with the given options; time is fast unless said otherwise."""
    async with AsyncExitStack() as stack:

        async def begin(**options: Any) -> Simulator:
            given: dict[str, Any] = {"time_scale": FAST, **options}
            return await stack.enter_async_context(Simulator(SimulatorOptions(**given)))

        yield begin


@pytest.fixture
async def sim(start: Start) -> Simulator:
    return await start()


@pytest.fixture
async def client() -> AsyncGenerator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def chat(client: httpx2.AsyncClient) -> Ask:
    """Asks a simulator's OpenAI for a completion."""

    async def ask(sim: Simulator, text: str = "Hello.", **fields: Any) -> httpx2.Response:
        others = {"headers": fields.pop("headers", None), "timeout": fields.pop("timeout_s", 30)}
        body = {"model": "m", "messages": [{"role": "user", "content": text}], **fields}
        url = sim.url("openai") + "/chat/completions"
        return await client.post(url, json=body, **others)

    return ask
