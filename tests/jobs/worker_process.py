"""A worker in a process of its own: ``worker_process.py URL [HOLD]``.

It says that it is ready and begins when it reads a line, so that several can begin together.
Each job notes its run in the table ``runs``; with HOLD it then says so and waits to
be killed.
"""

from __future__ import annotations

import asyncio
import os
import sys

from sqlalchemy import text

from wiseflow.jobs.context import JobContext
from wiseflow.jobs.owners import instance_name
from wiseflow.jobs.worker import Worker, WorkerTimes
from wiseflow.storage.sql.events import SqlEventStore
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.schema import open_database
from wiseflow.storage.sql.steps import SqlStepStore

NOTE = text("INSERT INTO runs VALUES (:job_id, :step, :pid)")


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def main(url: str, hold: bool) -> None:
    database = await open_database(url)

    async def note(job_id: str, step: str) -> int:
        async def unit(connection):
            values = {"job_id": job_id, "step": step, "pid": os.getpid()}
            await connection.execute(NOTE, values)

        await database.write(unit)
        return 1

    async def handler(context: JobContext) -> None:
        job_id = context.job.job_id
        await context.journal.once("first", lambda: note(job_id, "first"), int)
        if hold:
            say("holding")
            await asyncio.Event().wait()
        await context.journal.once("second", lambda: note(job_id, "second"), int)

    worker = Worker(
        queue=SqlJobQueue(database),
        steps=SqlStepStore(database),
        events=SqlEventStore(database),
        handlers={"task": handler},
        owner=instance_name(),
        concurrency=4,
        times=WorkerTimes(lease_s=600.0, poll_s=0.02),
    )
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)
    await worker.run(until_idle=True)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], len(sys.argv) > 2))
