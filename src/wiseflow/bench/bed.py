"""A bed to measure on: the simulator in a process of its own, and the program that uses it."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wiseflow.app import Application, open_application
from wiseflow.bench.processes import tree_cpu_s, tree_memory_bytes
from wiseflow.connector.batches import Moment, run_batch
from wiseflow.core.configuration import TaskPriority
from wiseflow.core.ids import new_id
from wiseflow.core.jobs import Job, JobRequest, JobStatus
from wiseflow.jobs.submission import submit_or_resume
from wiseflow.settings.loading import load_settings
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess
from wiseflow.simulator.world import MOST_TOPICS, World

SEARCHES = ("tavily", "exa", "perplexity")
MODEL = "sim-large"
MODEL_KEY = "bench-model-key"
# Nothing of ours limits: only what a measurement sets does.
UNLIMITED = {
    "FETCH_ALLOWED_NETWORKS": "127.0.0.0/8",
    "MAX_CONCURRENT_DOWNLOADS": "10000",
    "DOWNLOAD_RATE_LIMIT": "1000000000",
    **{f"{name.upper()}_RATE_LIMIT": "1000000" for name in SEARCHES},
}
NOTHING: Mapping[str, str] = {}
NO_CONFIGURATION: Mapping[str, object] = {}


@dataclass(slots=True, kw_only=True)
class Ran:
    """What a batch of researches came to.

    Args:
        wall_s: from before they were submitted until all had ended.
        cpu_s: of the program and its processes, without the simulator.
        memory_bytes: the most that they took while they ran (PSS).
        jobs: as they ended.
    """

    wall_s: float = 0.0
    cpu_s: float = 0.0
    memory_bytes: int = 0
    jobs: list[Job] = field(default_factory=list[Job])

    @property
    def finished(self) -> int:
        """How many have a report."""
        return sum(job.status is JobStatus.COMPLETED for job in self.jobs)

    @property
    def whole(self) -> int:
        """How many have a report that lacks nothing."""
        return self.finished - sum(job.partial for job in self.jobs)


def bed_settings(sim: SimulatorProcess, folder: Path) -> dict[str, str]:
    """Settings of a program that asks the simulator and nobody else, without limits."""
    told = sim.settings()
    return {
        **UNLIMITED,
        **{name: told[name] for name in told if name.partition("_")[0].lower() in SEARCHES},
        **{f"{name.upper()}_API_KEY": f"bench-{name}-key" for name in SEARCHES},
        "WISEFLOW_DATA_DIR": str(folder),
        "LLM_API_BASE": sim.url("openai"),
        "LLM_API_KEY": MODEL_KEY,
        "PRIMARY_MODEL": MODEL,
    }


class Bed:
    """The program over a simulator; made by ``open_bed``.

    Args:
        app: the program.
        sim: what it asks.
        topics: what is to be researched, each once, so that no run profits from another's.
    """

    def __init__(self, app: Application, sim: SimulatorProcess, topics: Sequence[str]) -> None:
        self.app = app
        self.sim = sim
        self._topics = itertools.cycle(topics)

    def requests(
        self,
        count: int,
        configuration: Mapping[str, object] = NO_CONFIGURATION,
        *,
        priority: TaskPriority = TaskPriority.NORMAL,
    ) -> list[JobRequest]:
        """So many researches on the web, of topics that were not researched before."""
        asked = {"search_api": SEARCHES[0], "writer_model": f"llm:{MODEL}", **configuration}
        return [
            self.app.research_request(topic, asked, priority=priority)
            for topic in itertools.islice(self._topics, count)
        ]

    async def run(self, requests: Sequence[JobRequest], *, watch_memory: bool = False) -> Ran:
        """Research all side by side, and wait for the last."""
        ran = Ran()
        listener = _Listener(ran, self.sim.pid if watch_memory else None)
        cpu_s, begun = self._cpu_s(), time.perf_counter()
        batch = await submit_or_resume(self.app.queue, requests, name=f"bench-{new_id()}")
        await run_batch(self.app, batch, listener, parallel=len(requests))
        ran.wall_s = time.perf_counter() - begun
        ran.cpu_s = self._cpu_s() - cpu_s
        return ran

    def log(self) -> Sequence[Mapping[str, Any]]:
        """What the simulator was asked since it was last reset."""
        return self.sim.log()

    def _cpu_s(self) -> float:
        return tree_cpu_s(without=self.sim.pid)


@asynccontextmanager
async def started(options: SimulatorOptions) -> AsyncGenerator[SimulatorProcess]:
    """A simulator; its start and its end hold nobody up who works meanwhile."""
    sim = SimulatorProcess(options)
    await asyncio.to_thread(sim.__enter__)
    try:
        yield sim
    finally:
        await asyncio.to_thread(sim.__exit__, None, None, None)


@asynccontextmanager
async def open_bed(
    sim: SimulatorProcess,
    folder: Path,
    settings: Mapping[str, str] = NOTHING,
    *,
    asked: Sequence[str] = (),
) -> AsyncGenerator[Bed]:
    """The program over a simulator that runs; closed on leaving.

    Args:
        sim: the simulator; its world has ``MOST_TOPICS`` topics, unless ``asked`` says what to ask.
        folder: for the program's data.
        settings: those that differ.
        asked: what is to be researched, in turns.
    """
    given = {**bed_settings(sim, folder), **settings}
    async with open_application(load_settings(environ=given)) as app:
        yield Bed(app, sim, asked or topics())


def topics(count: int = MOST_TOPICS) -> list[str]:
    """The questions of the simulator's world, one for each of its topics."""
    world = World(1, topics=count)
    return [world.question(number).text for number in range(count)]


class _Listener:
    """Keeps what ended, and watches the memory where it is asked for."""

    details = False

    def __init__(self, ran: Ran, without: int | None) -> None:
        self._ran = ran
        self._without = without

    async def ended(self, job: Job) -> None:
        self._ran.jobs.append(job)

    def moment(self, moment: Moment) -> None:
        if self._without is not None and moment.running:
            now = tree_memory_bytes(without=self._without)
            self._ran.memory_bytes = max(self._ran.memory_bytes, now)
