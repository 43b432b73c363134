"""A simulator as the whole of a process: it says where it is, and runs until it is told to end."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections.abc import Callable
from typing import BinaryIO

from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.server import Simulator

# Looking for cycles in a world of a thousand topics keeps every answer waiting a third of a second,
# and there are none: what is there at the start is not looked at, and what comes after seldom.
GC_THRESHOLDS = (20_000, 20, 100)


async def serve(
    options: SimulatorOptions, ready: Callable[[Simulator], None], until: BinaryIO | None = None
) -> None:
    """Run a simulator until it is cancelled.

    Args:
        options: what it does.
        ready: is told when it answers.
        until: it ends, too, when this input does: whoever holds the other end is gone then.

    Raises:
        InvalidInput: the address cannot be listened at.
    """
    ended = asyncio.Event()
    async with Simulator(options) as simulator:
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)
        ready(simulator)
        if until is not None:
            _watch(until, asyncio.get_running_loop(), ended)
        await ended.wait()


def announcement(simulator: Simulator) -> str:
    """One line of JSON: its address, its providers' addresses, and settings that use them."""
    providers = {name: simulator.url(name) for name in simulator.providers()}
    return json.dumps(
        {
            "address": simulator.address,
            "providers": providers,
            "settings": dict(simulator.settings()),
        }
    )


def _watch(until: BinaryIO, loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    def wait() -> None:
        while until.read(4096):
            pass
        loop.call_soon_threadsafe(ended.set)

    # A thread of its own that nobody waits for: the read ends when the other side likes.
    threading.Thread(target=wait, name="simulator-until-eof", daemon=True).start()
