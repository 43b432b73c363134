"""A steady stream of calls through the gateway, as many as the limits let go."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

from wiseflow.app.outside import Outside
from wiseflow.bench.bed import MODEL
from wiseflow.core.asking import ChatRequest, Message, Speaker
from wiseflow.core.calls import RunContext
from wiseflow.core.errors import CallError

ANSWER_TOKENS = 16


@dataclass(slots=True)
class Stream:
    """What became of a stream.

    Args:
        answered: calls.
        failed: calls, after all that was done for them.
    """

    answered: int = 0
    failed: int = 0


async def stream(outside: Outside, *, seconds: float, width: int, name: str = "stream") -> Stream:
    """Keep so many calls to the model waiting for so long; what waits then is given up.

    Args:
        outside: the gateway.
        seconds: how long.
        width: calls at once; more than the limit lets go in a second.
        name: of the runs, so that no call equals one of another stream.
    """
    told = Stream()
    numbers = itertools.count(1)
    end = time.monotonic() + seconds
    try:
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            for _ in range(width):
                group.create_task(_caller(outside, told, numbers, end, name), name="caller")
    except TimeoutError:
        pass
    return told


async def _caller(
    outside: Outside, told: Stream, numbers: Iterator[int], end: float, name: str
) -> None:
    while time.monotonic() < end:
        number = next(numbers)
        context = RunContext(run_id=f"{name}/{number % 10}")
        try:
            await outside.models.complete(
                question(f"{name} {number}"), model=f"llm:{MODEL}", context=context, step="stream"
            )
            told.answered += 1
        except CallError:
            told.failed += 1


def question(text: str) -> ChatRequest:
    """A short conversation."""
    message = Message(speaker=Speaker.USER, text=f"Say something about {text}.")
    return ChatRequest(messages=(message,), max_tokens=ANSWER_TOKENS)
