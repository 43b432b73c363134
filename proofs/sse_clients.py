"""Lets many clients follow researches at once, some of whom leave and come again, and counts.

    python proofs/sse_clients.py --clients 500 --minutes 10 --seed 1

A service of its own runs researches over its own documents, one after another. Each client follows
one, leaves at chance and takes it up again by `Last-Event-ID`, and after its end follows the next.
Each has to be told every event of each research it followed, once and in order. The service's
memory (PSS of its processes) in the last third has to be within 5 % of that in the middle third.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx2
import psutil

from wiseflow import Client
from wiseflow.bench.service_process import ServiceProcess

MOST_GROWTH = 0.05
LEAVES = 0.02
DOCUMENT = b"# Tides\n\nTides of the sea rise and fall twice a day, as the Moon pulls the water.\n"
SHARED = 20  # clients of one research
FIRST_S = 20.0


@dataclass
class Told:
    """What was seen."""

    events: int = 0
    streams: int = 0
    researches: int = 0
    gaps: list[str] = field(default_factory=list)
    memory: list[tuple[float, int]] = field(default_factory=list)


async def follow(
    http: httpx2.AsyncClient, research_id: str, told: Told, chance: random.Random
) -> None:
    """Follow one research to its end, leaving and coming again."""
    last = 0
    while True:
        told.streams += 1
        headers = {"Last-Event-ID": str(last)} if last else {}
        leave = chance.random() < 0.5
        async with http.stream(
            "GET", f"/api/v1/research/{research_id}/events", headers=headers
        ) as got:
            if got.status_code == 204:
                return
            async for line in got.aiter_lines():
                if line == "event: end":
                    return
                if line.startswith("id: "):
                    number = int(line.removeprefix("id: "))
                    if number != last + 1:
                        told.gaps.append(f"{research_id}: {number} after {last}")
                    last = number
                    told.events += 1
                    if leave and chance.random() < LEAVES * 10:
                        break


async def group_of_clients(
    http: httpx2.AsyncClient, client: Client, told: Told, end: float, seed: int
) -> None:
    """Clients that follow the same researches, one after another."""
    chance = random.Random(seed)
    while time.monotonic() < end:
        job = await client.submit_research("Tides of the sea", {"collection": "papers"})
        async with asyncio.TaskGroup() as group:
            for number in range(SHARED):
                one = random.Random(chance.random())
                group.create_task(follow(http, job.job_id, told, one), name=f"client {number}")
        count = len([event async for event in client.follow_events(job.job_id)])
        told.researches += 1
        if count == 0:
            told.gaps.append(f"{job.job_id}: no events")


async def watch_memory(pid: int, told: Told, begun: float, end: float) -> None:
    process = psutil.Process(pid)
    while time.monotonic() < end:
        processes = [process, *process.children(recursive=True)]
        told.memory.append((time.monotonic() - begun, await asyncio.to_thread(pss, processes)))
        await asyncio.sleep(1)


def pss(processes: Sequence[psutil.Process]) -> int:
    total = 0
    for one in processes:
        try:
            total += one.memory_full_info().pss
        except psutil.Error:
            continue
    return total


async def prove(service: ServiceProcess, *, clients: int, seconds: float, seed: int) -> Told:
    """What so many clients see in so long."""
    told, begun = Told(), time.monotonic()
    limits = httpx2.Limits(max_connections=clients + 50)
    async with (
        Client(service.url) as client,
        httpx2.AsyncClient(base_url=service.url, timeout=120, limits=limits) as http,
    ):
        await client.upload_files("papers", {"tides.md": DOCUMENT})
        end = begun + seconds
        async with asyncio.TaskGroup() as group:
            group.create_task(watch_memory(service.pid, told, begun, end), name="memory")
            for number in range(max(1, clients // SHARED)):
                group.create_task(
                    group_of_clients(http, client, told, end, seed + number), name=f"group {number}"
                )
    return told


def growth(told: Told, seconds: float) -> float:
    """By which share the memory of the last third is above that of the middle third."""

    def of(low: float, high: float) -> float:
        return statistics.median(size for at, size in told.memory if low <= at / seconds < high)

    return of(2 / 3, 1.01) / of(1 / 3, 2 / 3) - 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    seconds = given.minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        settings = {"WISEFLOW_DATA_DIR": folder, "LOCAL_ONLY": "true"}
        with ServiceProcess(settings, parallel=4) as service:
            told = asyncio.run(
                prove(service, clients=given.clients, seconds=seconds, seed=given.seed)
            )
    grown = growth(told, seconds)
    print(
        f"{given.clients} clients, {told.streams} streams of {told.researches} researches, "
        f"{told.events} events"
    )
    print(f"gaps and duplicates: {len(told.gaps)} {told.gaps[:5]}")
    print(
        f"memory: {told.memory[-1][1] / 2**20:.0f} MiB at the end, {grown:+.1%} in the last third"
    )
    return 1 if told.gaps or abs(grown) > MOST_GROWTH else 0


if __name__ == "__main__":
    sys.exit(main())
