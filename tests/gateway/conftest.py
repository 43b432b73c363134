"""Calls, and the little that stages need around them."""

from __future__ import annotations

import asyncio
import selectors
from dataclasses import dataclass, field
from typing import Any

import pytest

from wiseflow.core.asking import ChatAnswer, ChatRequest, Message, Speaker
from wiseflow.core.calls import Call, CallKind, Reply, RunContext, Usage


class LoopClock:
    """The event loop's own time; tests run on a loop that skips what it would wait for."""

    def now(self):
        return asyncio.get_running_loop().time()

    def monotonic(self):
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)


class SkippingSelector(selectors.DefaultSelector):
    """A selector that never waits: where a loop would, it lets time pass at once."""

    skipped_s = 0.0

    def select(self, timeout=None):
        ready = super().select(0)
        if not ready and timeout:
            self.skipped_s += timeout
        return ready


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop that goes to the next timer at once when there is nothing else to do."""

    def __init__(self):
        self._skipping = SkippingSelector()
        super().__init__(self._skipping)

    def time(self):
        return super().time() + self._skipping.skipped_s


def run(coroutine):
    """What a coroutine gives, on a loop whose time is skipped."""
    loop = SkippingLoop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


@pytest.fixture
def clock():
    return LoopClock()


def make_call(text="hello", *, run_id="r1", provider="openai", model="m", **more):
    context = more.pop("context", None) or RunContext(run_id=run_id)
    request = ChatRequest(messages=(Message(speaker=Speaker.USER, text=text),), max_tokens=10)
    return Call(
        kind=CallKind.MODEL,
        provider=provider,
        model=model,
        request=request,
        result_type=ChatAnswer,
        worst=Usage(input_tokens=10, output_tokens=10),
        context=context,
        step=more.pop("step", "draft"),
        **more,
    )


def answer(text="an answer", **usage):
    return Reply(value=ChatAnswer(text=text, model="m"), usage=Usage(**usage))


@dataclass
class Provider:
    """Gives what it is told to, each answer after a while; keeps what it was asked."""

    outcomes: list[Any] = field(default_factory=list[Any])
    takes_s: float = 1.0
    asked: list[Any] = field(default_factory=list[Any])
    under_way: int = 0

    async def __call__(self, call):
        self.asked.append(call)
        outcome = self.outcomes.pop(0) if self.outcomes else answer(f"answer {len(self.asked)}")
        self.under_way += 1
        try:
            await asyncio.sleep(self.takes_s)
        finally:
            self.under_way -= 1
        if isinstance(outcome, Exception):
            raise outcome
        return outcome
