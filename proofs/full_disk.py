"""Fills the disk under jobs that run, and makes room again.

The database lies on a small disk of the proof's own: memory that only this process sees, mounted in
a namespace of its own (Linux; without root, where users may have namespaces). Jobs of three steps
run; at seeded moments a ballast takes all room but some kilobytes, stays until writes were refused,
and is taken away. A command is also tried on the full disk. Looked at:

- every refusal says that no room is left, in which place, and what to do; the command as well;
- the file is whole whenever it is looked at (``PRAGMA integrity_check``);
- when there is room again all goes on: every job completes, and no step that was journalled is
  done again.

    python proofs/full_disk.py --jobs 200 --rounds 20 --seed 1
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from wiseflow.core.errors import StorageFull
from wiseflow.core.jobs import JobRequest, JobStatus, Lease, StepNews
from wiseflow.jobs.context import Handler, JobContext
from wiseflow.jobs.worker import Worker, WorkerTimes
from wiseflow.storage.sql.events import SqlEventStore
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.schema import open_database
from wiseflow.storage.sql.steps import SqlStepStore

MIB = 1 << 20
STEPS = 3
# So large that what the log of writes has room for is soon used up.
RESULT_CHARS = 32_000
PLACES = 8
LEASE_S = 1.0
REFUSED_S = 20.0
END_S = 300.0
INSIDE = "--inside"


@dataclass(slots=True, kw_only=True)
class Findings:
    """What was seen."""

    refusals: int = 0
    checks: int = 0
    wrong: list[str] = field(default_factory=list[str])


class Watched:
    """A step store that notes what was refused, and what was kept."""

    def __init__(self, store: SqlStepStore, found: Findings) -> None:
        self._store = store
        self._found = found
        self.kept: set[tuple[str, str]] = set()
        self.refused = asyncio.Event()

    async def steps(self, job_id: str) -> dict[str, str]:
        """See ``StepStore``."""
        return await self._store.steps(job_id)

    async def record(
        self, lease: Lease, step_key: str, result: str, *, news: StepNews | None = None
    ) -> None:
        """See ``StepStore``."""
        try:
            await self._store.record(lease, step_key, result, news=news)
        except StorageFull as error:
            self._found.refusals += 1
            self.refused.set()
            if "no room is left" not in str(error) or "Free some room" not in error.cure:
                self._found.wrong.append(f"a refusal that says: {error}")
            raise
        self.kept.add((lease.job_id, step_key))


class Disk:
    """The small disk.

    Args:
        folder: where it is mounted.
        chance: draws how much room the ballast leaves.
    """

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.database = folder / "wiseflow.db"
        self._ballast = folder / "ballast"
        self._folder = folder
        self._chance = chance

    def fill(self) -> None:
        """Leave hardly any room: none at all, or some for a few more writes."""
        spared = self._chance.choice([0, 4, 64, 256]) * 1024
        with self._ballast.open("wb") as ballast:
            while True:
                room = os.statvfs(self._folder)
                # What was taken meanwhile is not there any more: look again.
                with suppress(OSError):
                    wanted = max(room.f_bavail * room.f_frsize - spared, 1)
                    return os.posix_fallocate(ballast.fileno(), 0, wanted)

    def empty(self) -> None:
        """Make room again."""
        self._ballast.unlink()

    def problems(self) -> list[str]:
        """What is wrong with the file, looked at from outside."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        rows = connection.execute("PRAGMA integrity_check").fetchall()
        connection.close()
        return [row[0] for row in rows if row[0] != "ok"]


def handler_of(watched: Watched, found: Findings) -> Handler:
    """Three steps with results of tens of kilobytes."""

    async def handler(context: JobContext) -> None:
        for number in range(STEPS):
            name = f"step/{number}"

            async def step(name: str = name) -> str:
                if (context.job.job_id, name) in watched.kept:
                    found.wrong.append(f"{name} of {context.job.job_id} was done again")
                await asyncio.sleep(0.02)
                return "x" * RESULT_CHARS

            await context.journal.once(name, step, str)

    return handler


async def run(folder: Path, options: argparse.Namespace) -> Findings:
    """Do it all; what was seen."""
    found, chance = Findings(), random.Random(options.seed)
    disk = Disk(folder, chance)
    database = await open_database(f"sqlite:///{disk.database}")
    queue, watched = SqlJobQueue(database), Watched(SqlStepStore(database), found)
    worker = Worker(
        queue=queue,
        steps=watched,
        events=SqlEventStore(database),
        handlers={"task": handler_of(watched, found)},
        owner="proof",
        concurrency=PLACES,
        times=WorkerTimes(
            lease_s=LEASE_S, heartbeat_s=0.2, poll_s=0.05, retry_delay_s=0.05, patience_s=END_S
        ),
    )
    stop = asyncio.Event()
    async with asyncio.timeout(END_S), asyncio.TaskGroup() as group:
        group.create_task(worker.run(stop=stop), name="worker on a small disk")
        for _ in range(options.rounds):
            await _ensure_work(queue, options.jobs)
            await _one_round(disk, watched, chance, found)
        found.wrong += await asyncio.to_thread(_command_on, disk, folder)
        while await _left(queue):  # noqa: ASYNC110 - it ends in a task that tells nobody
            await asyncio.sleep(0.1)
        stop.set()
    counts = await queue.counts()
    if counts[JobStatus.COMPLETED] != sum(counts.values()):
        found.wrong.append(f"jobs that did not complete: {dict(counts)}")
    await database.close()
    found.wrong += disk.problems()
    return found


async def _one_round(disk: Disk, watched: Watched, chance: random.Random, found: Findings) -> None:
    await asyncio.sleep(chance.uniform(0.0, 0.3))
    watched.refused.clear()
    await asyncio.to_thread(disk.fill)
    try:
        async with asyncio.timeout(REFUSED_S):
            await watched.refused.wait()
    except TimeoutError:
        found.wrong.append("nothing was refused on a full disk")
    await asyncio.sleep(chance.uniform(0.0, 1.5 * LEASE_S))
    found.wrong += await asyncio.to_thread(disk.problems)
    found.checks += 1
    disk.empty()


async def _ensure_work(queue: SqlJobQueue, jobs: int) -> None:
    """Keep so many jobs in the queue that there is something to refuse."""
    if await _left(queue) < jobs // 2:
        request = JobRequest(kind="task", payload={}, max_attempts=10_000)
        await queue.submit([request] * jobs)


async def _left(queue: SqlJobQueue) -> int:
    counts = await queue.counts()
    return counts[JobStatus.PENDING] + counts[JobStatus.RUNNING]


def _command_on(disk: Disk, folder: Path) -> list[str]:
    """What is wrong with how a command tells of the full disk."""
    notes = folder / "notes"
    notes.mkdir()
    (notes / "bees.txt").write_text("Bees dance. " * 2_000)
    told = {"WISEFLOW_DATA_DIR": str(folder / "data"), "LOG_FILE": "", "LOCAL_ONLY": "true"}
    command = [sys.executable, "-m", "wiseflow", "index", str(notes)]
    disk.fill()
    done = subprocess.run(
        command, env={**os.environ, **told}, capture_output=True, text=True, check=False
    )
    disk.empty()
    named = "no room is left" in done.stderr or "No space left" in done.stderr
    if done.returncode and named and "Traceback" not in done.stderr:
        return []
    return [f"a command on the full disk ended with {done.returncode}: {done.stderr[-500:]}"]


def inside(options: argparse.Namespace) -> int:
    """Run the proof on a disk that only this process and those below it see."""
    begun = time.monotonic()
    # Every refusal is told, as an error or a warning.
    logging.getLogger("wiseflow").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="wf-full-") as folder:
        size = f"size={options.megabytes}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=True)
        try:
            found = asyncio.run(run(Path(folder), options))
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
    print(
        f"{options.rounds} times the disk was full, {found.refusals} writes were refused, "
        f"{found.checks} looks at the file; broken promises: {len(found.wrong)}; "
        f"{time.monotonic() - begun:.0f} s"
    )
    for line in found.wrong[:20]:
        print("  " + line)
    return min(1, len(found.wrong))


def prove(arguments: list[str]) -> int:
    """Run this program again in a namespace of its own."""
    own = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    return subprocess.run(
        [*own, sys.executable, __file__, INSIDE, *arguments], check=False
    ).returncode


def parse_options(arguments: list[str]) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(INSIDE, action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    chosen = parse_options(sys.argv[1:])
    sys.exit(inside(chosen) if chosen.inside else prove(sys.argv[1:]))
