"""What makes a step of a job happen once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from wiseflow.core.errors import Conflict, LeaseLost
from wiseflow.core.jobs import Lease
from wiseflow.core.ports import StepStore
from wiseflow.gateway.journalling import PREFIX as CALLS
from wiseflow.jobs.codec import Codec, codec
from wiseflow.jobs.news import Told
from wiseflow.observability.tracing import span

T = TypeVar("T")
_NUMBER = re.compile(r"\d+")


@dataclass(slots=True, eq=False)
class _Flight:
    """A step under way: others that ask for it wait for its end.

    ``inner`` is how many steps within it are asked for now: with none, the step itself is at work.
    """

    landed: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None
    inner: int = 0

    def __enter__(self) -> None:
        """Another step is asked for within it."""
        self.inner += 1

    def __exit__(self, *_raised: object) -> None:
        """That one has its result, or failed."""
        self.inner -= 1


_ALONE = nullcontext()


# The step that the running task is in.
_around: ContextVar[_Flight | None] = ContextVar("wiseflow_flight_around", default=None)


class StepJournal:
    """The journal of one running job; see ``Journal``.

    Steps are known by name, so branches may run side by side and in any order. Two calls with one
    name at once run the function once; should the first be cancelled, the next takes its place.

    Args:
        store: where results are kept.
        lease: the right to write.
        steps: the job's journalled results by step key, as JSON text.
        held: whether the lease may still hold. Without it no step is begun: who was stopped for
            longer than his lease would do, and pay, what another one does by now.
    """

    def __init__(
        self,
        store: StepStore,
        lease: Lease,
        steps: Mapping[str, str],
        *,
        held: Callable[[], bool] = lambda: True,
    ) -> None:
        self._held_now = held
        self._store = store
        self._lease = lease
        self._results = dict(steps)
        self._flights: dict[str, _Flight] = {}
        self._held = 0
        self._on_quiet: Callable[[], None] | None = None

    def hand_over(self, on_quiet: Callable[[], None]) -> None:
        """Begin no step from now on: who asks for a new one waits until he is cancelled.

        Args:
            on_quiet: is called when somebody waits so and no step is at work any more: then all
                that was done is journalled, and who is cancelled loses nothing.
        """
        self._on_quiet = on_quiet
        self._tell_if_quiet()

    async def once(
        self, step_key: str, function: Callable[[], Awaitable[T]], result_type: type[T]
    ) -> T:
        """The result of the step: the journalled one, or else that of ``function``, journalled.

        Raises:
            LeaseLost: another worker holds the job now; nothing was written.
            Conflict: the journalled result is of another type.
        """
        translate: Codec[T] = codec(result_type)
        with _around.get() or _ALONE:
            while step_key not in self._results:
                flight = self._flights.get(step_key)
                if flight is None:
                    await self._may_begin()
                    return await self._run(step_key, function, translate)
                await flight.landed.wait()
                if flight.error is not None:
                    raise flight.error
        return self._decoded(step_key, translate)

    def kept(self, prefix: str, result_type: type[T]) -> list[T]:
        """What is journalled under keys that begin with ``prefix``, of earlier attempts, too.

        Raises:
            Conflict: a journalled result is of another type.
        """
        translate: Codec[T] = codec(result_type)
        keys = [key for key in self._results if key.startswith(prefix)]
        return [self._decoded(key, translate) for key in keys]

    async def _run(
        self, step_key: str, function: Callable[[], Awaitable[T]], translate: Codec[T]
    ) -> T:
        flight = self._flights[step_key] = _Flight()
        around = _around.set(flight)
        told = Told()
        try:
            with told.by_this_task(), _span_of(step_key):
                value = await function()
            text = translate.encode(value)
            await self._store.record(self._lease, step_key, text, news=told.news())
        except Exception as error:
            flight.error = error
            raise
        else:
            self._results[step_key] = text
            return value
        finally:
            _around.reset(around)
            del self._flights[step_key]
            flight.landed.set()
            self._tell_if_quiet()

    async def _may_begin(self) -> None:
        """Return if steps may begin; when they are handed over, never. Raises ``LeaseLost``."""
        if not self._held_now():
            raise LeaseLost(self._lease.job_id)
        if self._on_quiet is None:
            return
        self._held += 1
        try:
            self._tell_if_quiet()
            await asyncio.Event().wait()
        finally:
            self._held -= 1

    def _tell_if_quiet(self) -> None:
        at_work = any(flight.inner == 0 for flight in self._flights.values())
        if self._on_quiet is not None and self._held and not at_work:
            self._on_quiet()

    def _decoded(self, step_key: str, translate: Codec[Any]) -> Any:
        try:
            return translate.decode(self._results[step_key])
        except ValidationError as error:
            raise Conflict(
                f"step {step_key!r} of job {self._lease.job_id} was journalled in another form",
                cure="It was begun by another version of the program: submit the job again",
            ) from error


def _span_of(step_key: str) -> AbstractContextManager[object]:
    """The span of a step; a call has one of its own, made by the gateway."""
    if step_key.startswith(CALLS):
        return nullcontext()
    # Without its numbers: names of spans are to be few.
    return span(f"step {_NUMBER.sub('*', step_key)}", {"wiseflow.step": step_key})
