"""A pipeline: items go through stages that work at the same time, with bounded buffers between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wiseflow.core.groups import task_group
from wiseflow.engine.carrier import Carrier
from wiseflow.engine.chunks import ItemFailure
from wiseflow.engine.outcomes import Collected
from wiseflow.engine.stages import Stage

_Entry = tuple[int, Any] | None  # a place and what is there; ``None`` is the end
_Queue = asyncio.Queue[_Entry]


class StageError(Exception):
    """Which stage of a sequence failed, and the item's place; ``__cause__`` is the error."""

    def __init__(self, stage: str) -> None:
        super().__init__(stage)
        self.stage = stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """All stages as one plain function, for items that are done sooner than handed on."""

    stages: Sequence[Stage]

    def __call__(self, item: object) -> object:
        """What the last stage gives."""
        value = item
        for stage in self.stages:
            try:
                value = stage.func(value)
            except Exception as error:
                raise StageError(stage.label) from error
        return value


def as_of_stage(failure: ItemFailure) -> ItemFailure:
    """A failure of ``Joined`` as one of the stage that it happened in."""
    error = failure.error
    if isinstance(error, StageError) and isinstance(error.__cause__, Exception):
        return ItemFailure(index=failure.index, error=error.__cause__, stage=error.stage)
    return failure


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """Takes items through stages; each has so many in hand, and buffers hold the rest back.

    Args:
        carrier: makes the calls.
        stages: in their order.
        lanes: how many items each has in hand.
        buffer: how many items wait before each stage, at most.
        into: gets the results, after those of the items done before.
    """

    carrier: Carrier
    stages: Sequence[Stage]
    lanes: Sequence[int]
    buffer: int
    into: Collected

    async def run(self, source: Iterator[Any]) -> None:
        """Do all items. Cancelling it cancels what is at work; nothing is left behind.

        Raises:
            Exception: what the first item that failed raised, when that is wanted.
        """
        queues = [_Queue(self.buffer) for _ in self.stages]
        async with task_group() as group:
            for number, stage in enumerate(self.stages):
                outbox = queues[number + 1] if number + 1 < len(queues) else None
                body = self._stage(stage, self.lanes[number], queues[number], outbox)
                group.create_task(body, name=f"{self.carrier.name} {stage.label}")
            await self._feed(source, queues[0])

    async def _feed(self, source: Iterator[Any], first: _Queue) -> None:
        for item in source:
            await first.put((self.into.place(1), item))
        await first.put(None)

    async def _stage(self, stage: Stage, lanes: int, inbox: _Queue, outbox: _Queue | None) -> None:
        async with task_group() as group:
            for number in range(lanes):
                lane = self._lane(stage, inbox, outbox)
                group.create_task(lane, name=f"{self.carrier.name} {stage.label} {number}")
        if outbox is not None:
            await outbox.put(None)

    async def _lane(self, stage: Stage, inbox: _Queue, outbox: _Queue | None) -> None:
        while (entry := await inbox.get()) is not None:
            index, item = entry
            done = await stage.done(self.carrier, item)
            if done.error is not None:
                self.into.fail(index, done.error, stage=stage.label)
            elif outbox is None:
                self.into.results[index] = done.value
            else:
                await outbox.put((index, done.value))
        inbox.put_nowait(None)  # for the next lane; there is room, as this was the last entry
