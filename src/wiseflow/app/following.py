"""Follows the events of jobs, for any number of followers at the price of one look.

Whoever waits longest looks, for all: one statement tells how far every followed job has come, and
only those that moved are read. There is no task behind it; when the one who looks goes away, the
next one does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field

from wiseflow.core.clock import Clock
from wiseflow.core.errors import NotFound
from wiseflow.core.following import EventReader, Head
from wiseflow.core.jobs import Event, JobStatus

LOOK_S = 0.25
# Newest events of a followed job that are kept for those who are nearly there.
KEPT = 256
PAGE = 500


def _kept() -> deque[Event]:
    return deque(maxlen=KEPT)


@dataclass(slots=True)
class _Followed:
    """A job that is followed."""

    followers: int = 0
    head: Head | None = None
    newest: deque[Event] = field(default_factory=_kept)


class Following:
    """Tells what happens to jobs.

    Args:
        reader: where the events are.
        clock: the time.
    """

    def __init__(self, reader: EventReader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._jobs: dict[str, _Followed] = {}
        self._looks = 0
        self._looking = asyncio.Lock()
        self._stopped = False

    @property
    def followers(self) -> int:
        """How many follow now."""
        return sum(job.followers for job in self._jobs.values())

    def stop(self) -> None:
        """Let all followers go soon; who follows later is let go at once."""
        self._stopped = True

    async def batches(
        self, job_id: str, *, after: int = 0
    ) -> AsyncGenerator[tuple[Sequence[Event], JobStatus]]:
        """What happens to a job, as much at a time as there is, until it has ended.

        Without news, what is given is empty, about as often as is looked.

        Args:
            job_id: of the job.
            after: the number of the last event that is known already.

        Raises:
            NotFound: there is no such job, or it is deleted meanwhile.
        """
        with self._followed(job_id) as job:
            if job.head is None:
                found = await self._reader.heads((job_id,))
                job.head = job.head or found.get(job_id)
            while (head := job.head) is not None:
                events = await self._events(job_id, job, after, head.number)
                if events:
                    after = events[-1].number
                over = head.status.final and after >= head.number
                yield events, head.status
                if over or self._stopped:
                    return
                if not events:
                    await self._next_look()
            raise NotFound(f"there is no research {job_id!r}")

    async def follow(self, job_id: str, *, after: int = 0) -> AsyncGenerator[Event]:
        """The same, event by event."""
        async with aclosing(self.batches(job_id, after=after)) as batches:
            async for events, _ in batches:
                for event in events:
                    yield event

    @contextmanager
    def _followed(self, job_id: str) -> Generator[_Followed]:
        job = self._jobs.setdefault(job_id, _Followed())
        job.followers += 1
        try:
            yield job
        finally:
            job.followers -= 1
            if not job.followers:
                self._jobs.pop(job_id, None)

    async def _events(self, job_id: str, job: _Followed, after: int, last: int) -> Sequence[Event]:
        """The next events up to the last: of those that are kept, where they reach back so far."""
        if after >= last:
            return ()
        reaches = job.newest and job.newest[-1].number >= last
        if reaches and job.newest[0].number <= after + 1:
            return [event for event in job.newest if event.number > after]
        return await self._reader.events(job_id, after=after, limit=PAGE)

    async def _next_look(self) -> None:
        """Return once somebody has looked, who may be this one."""
        seen = self._looks
        async with self._looking:
            if self._looks == seen:
                await self._clock.sleep(LOOK_S)
                await self._look()
                self._looks += 1

    async def _look(self) -> None:
        """See how far all followed jobs have come; one at a time does."""
        job_ids = tuple(self._jobs)
        heads = await self._reader.heads(job_ids)
        for job_id in job_ids:
            job = self._jobs.get(job_id)
            if job is None:
                continue
            before, now = job.head, heads.get(job_id)
            if now and before and now.number > before.number:
                await self._read(job_id, job, now)
            # Told once what it stands for is here: who reads meanwhile would find nothing.
            job.head = now

    async def _read(self, job_id: str, job: _Followed, head: Head) -> None:
        """Take up the newest events of a job that has followers."""
        known = job.newest[-1].number if job.newest else head.number - KEPT
        first = max(known, head.number - KEPT, 0)
        if first != known:
            job.newest.clear()
        job.newest.extend(await self._reader.events(job_id, after=first, limit=KEPT))
