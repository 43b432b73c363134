"""What makes a step of a job happen once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from wiseflow.core.errors import Conflict
from wiseflow.core.jobs import Lease
from wiseflow.core.ports import StepStore
from wiseflow.jobs.codec import Codec, codec
from wiseflow.jobs.news import Told

T = TypeVar("T")


@dataclass(slots=True)
class _Flight:
    """A step under way: others that ask for it wait for its end."""

    landed: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception | None = None


class StepJournal:
    """The journal of one running job; see ``Journal``.

    Steps are known by name, so branches may run side by side and in any order. Two calls with one
    name at once run the function once; should the first be cancelled, the next takes its place.

    Args:
        store: where results are kept.
        lease: the right to write.
        steps: the job's journalled results by step key, as JSON text.
    """

    def __init__(self, store: StepStore, lease: Lease, steps: Mapping[str, str]) -> None:
        self._store = store
        self._lease = lease
        self._results = dict(steps)
        self._flights: dict[str, _Flight] = {}

    async def once(
        self, step_key: str, function: Callable[[], Awaitable[T]], result_type: type[T]
    ) -> T:
        """The result of the step: the journalled one, or else that of ``function``, journalled.

        Raises:
            LeaseLost: another worker holds the job now; nothing was written.
            Conflict: the journalled result is of another type.
        """
        translate: Codec[T] = codec(result_type)
        while step_key not in self._results:
            flight = self._flights.get(step_key)
            if flight is None:
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
        told = Told()
        try:
            with told.by_this_task():
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
            del self._flights[step_key]
            flight.landed.set()

    def _decoded(self, step_key: str, translate: Codec[Any]) -> Any:
        try:
            return translate.decode(self._results[step_key])
        except ValidationError as error:
            raise Conflict(
                f"step {step_key!r} of job {self._lease.job_id} was journalled in another form",
                cure="It was begun by another version of the program: submit the job again",
            ) from error
