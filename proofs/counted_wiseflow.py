"""The ``wiseflow`` command, with each run of a step's function written to a side table first.

The side table is an SQLite file of its own, named by ``COUNTED_RUNS``; a row is on the disk's way
before the step begins, so a step that ran and was not committed is seen too.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Awaitable, Callable
from typing import TypeVar

from wiseflow.cli.main import main
from wiseflow.jobs.journal import StepJournal

T = TypeVar("T")

side = sqlite3.connect(os.environ["COUNTED_RUNS"], isolation_level=None, timeout=30)
side.execute(
    "CREATE TABLE IF NOT EXISTS runs (number INTEGER PRIMARY KEY, job_id TEXT, step_key TEXT)"
)
once = StepJournal.once


async def counted(
    self: StepJournal, step_key: str, function: Callable[[], Awaitable[T]], result_type: type[T]
) -> T:
    async def run() -> T:
        side.execute(
            "INSERT INTO runs (job_id, step_key) VALUES (?, ?)", (self._lease.job_id, step_key)
        )
        return await function()

    return await once(self, step_key, run, result_type)


StepJournal.once = counted

if __name__ == "__main__":
    main()
