"""Assistants: the official client, before each backend and over each transport."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from mcp import Client
from mcp.types import CallToolResult, TextContent

T = TypeVar("T")
PAPERS = {"collection": "papers"}


TIDES = """# Tides

Tides are the rise and fall of sea levels caused by the gravity of the Moon and the Sun. Most coasts
see two high tides and two low tides in a day. When the Sun, the Moon and the Earth are in a line,
the pulls add up. These tides are called spring tides, and they come twice in a lunar month.
"""


@dataclass(frozen=True)
class Assistant:
    """Calls tools, and takes their answers as they are checked by their schema."""

    client: Client

    async def get(self, tool: str, **given: Any) -> dict[str, Any]:
        """The answer of a tool."""
        result = await self.client.call_tool(tool, given)
        assert not result.is_error, result.content
        return result.structured_content

    async def text(self, tool: str, **given: Any) -> str:
        """The answer as text."""
        result = await self.client.call_tool(tool, given)
        assert not result.is_error, result.content
        return said(result)

    async def refused(self, tool: str, **given: Any) -> str:
        """What a tool says that refuses."""
        result = await self.client.call_tool(tool, given)
        assert result.is_error, result.structured_content
        assert result.structured_content is None
        text = said(result)
        assert "Traceback" not in text
        return text

    async def submitted(self, topic: str = "Tides", **configuration: Any) -> str:
        """The id of a new research on the documents."""
        told = await self.get(
            "submit_research", topics=[topic], configuration=PAPERS | configuration
        )
        return told["researches"][0]["id"]

    async def ended(self, research_id: str, until: str = "completed") -> dict[str, Any]:
        """The research, once it is so."""
        async with asyncio.timeout(60):
            while True:
                told = await self.get("get_status", research_id=research_id, wait_s=20)
                if told["status"] == until:
                    return told
                assert told["status"] in {"pending", "running"}, told


def said(result: CallToolResult) -> str:
    """The one text of a result."""
    [block] = result.content
    assert isinstance(block, TextContent)
    return block.text


@asynccontextmanager
async def talking_to(server: Any, mode: str = "auto") -> AsyncGenerator[Assistant]:
    """An assistant of a server: an address, a program to start, or an object."""
    async with Client(server, mode=mode) as client:
        yield Assistant(client)


@asynccontextmanager
async def held(making: AbstractAsyncContextManager[T]) -> AsyncGenerator[T]:
    """What ``making`` gives, entered and left in one task, as the library of the protocol needs.

    Fixtures are entered in one task and left in another.
    """
    made: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def hold() -> None:
        try:
            async with making as one:
                made.set_result(one)
                await over.wait()
        except BaseException as error:
            if made.done():
                raise
            made.set_exception(error)

    async with asyncio.TaskGroup() as group:
        group.create_task(hold())
        try:
            yield await made
        finally:
            over.set()


def measured() -> Mapping[str, str]:
    """What a program that is started needs for being measured."""
    return {name: value for name, value in os.environ.items() if "COVERAGE" in name}
