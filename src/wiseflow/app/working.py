"""This process as an instance of the service."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from wiseflow.core.clock import Clock
from wiseflow.core.instances import InstanceKind, InstanceStore, Sign
from wiseflow.core.version import VERSION
from wiseflow.jobs.owners import instance_name
from wiseflow.jobs.presence import present
from wiseflow.jobs.worker import Worker


async def work(
    make_worker: Callable[[str], Worker],
    store: InstanceStore,
    clock: Clock,
    *,
    kind: InstanceKind,
    every_s: float,
    stop: asyncio.Event,
) -> None:
    """Run jobs and give signs of life until ``stop`` is set; what runs is then handed over.

    Args:
        make_worker: makes the worker of an instance of that name; one without places runs nothing.
        store: where the signs of life go.
        clock: for the time between them.
        kind: what this process was started as.
        every_s: between two signs of life.
        stop: ends it.

    Raises:
        StorageError: jobs cannot be claimed.
    """
    name = instance_name()
    worker = make_worker(name)

    def sign() -> Sign:
        return Sign(
            name=name,
            kind=kind,
            host=socket.gethostname(),
            version=VERSION,
            capacity=worker.concurrency,
            running=worker.running,
        )

    async with present(store, sign, every_s=every_s, clock=clock):
        if worker.concurrency:
            await worker.run(stop=stop)
        else:
            await stop.wait()
