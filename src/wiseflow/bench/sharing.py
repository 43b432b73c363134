"""Processes that share the limit of one key through a database; one of them is killed."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wiseflow.app import open_application, upgrade_database
from wiseflow.bench.bed import bed_settings, started
from wiseflow.bench.bounds import admitted_times, most_in_window, refusals
from wiseflow.bench.figures import Figure
from wiseflow.bench.rates import MINUTE_S, Known, RatePlan, options, settings_of, used_share
from wiseflow.bench.streams import stream
from wiseflow.settings.loading import load_settings
from wiseflow.simulator.limits import Window

PROCESSES = 4
WIDTH = 30  # calls that each keeps waiting
SETTLED_S = 5.0  # until all of them send


@dataclass(frozen=True, slots=True, kw_only=True)
class SharePlan:
    """What to measure.

    Args:
        database: where the limits are shared; "" for an SQLite file of its own.
        minutes: how long; one process is killed after half of it.
        rpm: requests a minute that all of them may make together.
    """

    database: str = ""
    minutes: float = 3
    rpm: int = 60


async def measure_sharing(plan: SharePlan) -> list[Figure]:
    """What four processes send together, and how much of the limit that is."""
    rate = RatePlan(minutes=plan.minutes, rpm=plan.rpm)
    seconds = plan.minutes * MINUTE_S
    with tempfile.TemporaryDirectory() as folder:
        async with started(options(rate, Window.SLIDING, Known.SET)) as sim:
            given = {
                **bed_settings(sim, Path(folder)),
                **settings_of(rate, Known.SET),
                "LIMIT_STORE": "database",
                "DATABASE_URL": plan.database or f"sqlite:///{folder}/wiseflow.db",
            }
            await upgrade_database(load_settings(environ=given))
            await _processes(given, seconds)
            log = await asyncio.to_thread(sim.log)
    times = admitted_times(log, "openai")
    store = (plan.database or "sqlite").partition(":")[0]
    subject = f"{PROCESSES} processes, one killed, {store}"
    return [
        used_share(subject, times, rate, bar=0.95),
        Figure(subject=subject, measure="429s provoked", value=refusals(log), most=0),
        Figure(
            subject=subject,
            measure="most in a minute",
            value=most_in_window(times, MINUTE_S),
            most=plan.rpm,
        ),
    ]


async def _processes(given: Mapping[str, str], seconds: float) -> None:
    children = [
        await _child({**given, "NAME": f"{number}"}, seconds) for number in range(PROCESSES)
    ]
    try:
        await asyncio.sleep(SETTLED_S + seconds / 2)
        children[0].kill()
        async with asyncio.timeout(2 * seconds + MINUTE_S), asyncio.TaskGroup() as group:
            for child in children:
                group.create_task(child.wait(), name="a process that shares")
    finally:
        for child in children:
            if child.returncode is None:
                child.kill()
                await child.wait()


async def _child(given: Mapping[str, str], seconds: float) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "wiseflow.bench.sharing",
        json.dumps({"seconds": seconds + SETTLED_S, "settings": given}),
        stdout=asyncio.subprocess.DEVNULL,
    )


async def _share(seconds: float, given: dict[str, str]) -> None:
    """What each process does."""
    name = given.pop("NAME")
    async with open_application(load_settings(environ=given)) as app:
        await stream(app.outside, seconds=seconds, width=WIDTH, name=f"{name}/{os.getpid()}")


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    asyncio.run(_share(told["seconds"], told["settings"]))
