"""Single flight: equal requests that are under way at once are one call.

It stands after the journal, so that each run keeps the answer as its own, and before all that
costs. A flight belongs to none of those who wait for it: whoever leaves, runs out of time or out
of budget, the others go on.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from wiseflow.core.calls import Call, Reply, Usage
from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import BudgetSpent, ConfigurationError, TimeLimit
from wiseflow.gateway.chain import Send, digest

Key = tuple[str, bool, str]

# What is the matter with the run that leads, and none of the business of those who follow.
OF_THE_LEADER = (BudgetSpent, ConfigurationError, TimeLimit)


@dataclass(slots=True, eq=False)
class _Flight:
    """A call under way.

    ``sent`` is whether it has left the queue for its turn; from then on nobody can hurry it.
    """

    outcome: asyncio.Future[Reply[Any]]
    priority: TaskPriority
    waiting: int = 0
    sent: bool = False
    task: asyncio.Task[None] | None = field(default=None)


_current: ContextVar[_Flight | None] = ContextVar("flight", default=None)


def mark_sent() -> None:
    """Note that the call of this flight has left the queue for its turn."""
    flight = _current.get()
    if flight is not None:
        flight.sent = True


class Flights:
    """The stage. One for all runs of a process, made within the event loop that it serves."""

    def __init__(self) -> None:
        self._flights: dict[Key, _Flight] = {}
        # Not a task group: a flight's failure is told to those who wait, and to nobody else.
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def under_way(self) -> int:
        """How many distinct calls are under way."""
        return len(self._flights)

    async def __call__(self, call: Call[Any], send: Send) -> Reply[Any]:
        """The answer to a call, or to an equal one that is under way."""
        if call.on_text is not None:  # its parts are for one reader
            return await send(call)
        # What may leave this machine must not stand for what may not. And who is told by a call
        # without cost that somebody asks the same just now must be of the same tenant.
        key = (digest(call), call.context.local_only, call.context.tenant)
        while True:
            flight = self._flights.get(key)
            if flight is None:
                return await self._wait(key, self._begin(key, call, send))
            self._hurry(flight, call, send)
            try:
                reply = await self._wait(key, flight)
            except OF_THE_LEADER:
                continue
            return replace(reply, usage=Usage(cost=0.0))

    async def aclose(self) -> None:
        """End all that is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _begin(self, key: Key, call: Call[Any], send: Send) -> _Flight:
        flight = _Flight(asyncio.get_running_loop().create_future(), call.context.priority)
        self._flights[key] = flight
        flight.outcome.add_done_callback(lambda _: self._landed(key, flight))
        self._start(flight, call, send)
        return flight

    def _start(self, flight: _Flight, call: Call[Any], send: Send) -> None:
        task = asyncio.get_running_loop().create_task(
            _fly(flight, call, send), name=f"call {call.provider}"
        )
        flight.task = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _hurry(self, flight: _Flight, call: Call[Any], send: Send) -> None:
        """Give a flight that still waits for its turn the priority of who is more urgent."""
        if flight.sent or call.context.priority.rank >= flight.priority.rank:
            return
        flight.priority = call.context.priority
        if flight.task is not None:
            flight.task.cancel()
        self._start(flight, call, send)

    async def _wait(self, key: Key, flight: _Flight) -> Reply[Any]:
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.outcome)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.outcome.done():
                # Nobody is left. Who comes now makes a call of its own.
                self._landed(key, flight)
                flight.outcome.cancel()
                if flight.task is not None:
                    flight.task.cancel()

    def _landed(self, key: Key, flight: _Flight) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]


async def _fly(flight: _Flight, call: Call[Any], send: Send) -> None:
    _current.set(flight)
    try:
        reply = await send(call)
    except asyncio.CancelledError:
        if flight.task is asyncio.current_task() and not flight.outcome.done():
            flight.outcome.cancel()
        raise
    except Exception as error:  # noqa: BLE001 - a boundary: it is told to all who wait
        if not flight.outcome.done():
            flight.outcome.set_exception(error)
            flight.outcome.exception()  # looked at, even if everybody has left
    else:
        if not flight.outcome.done():
            flight.outcome.set_result(reply)
