from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from wiseflow.engine.processes import ProcessLimits, ProcessPool


@pytest.fixture
async def pool() -> AsyncGenerator[ProcessPool]:
    """One worker with limits, so that each call meets what the last one left."""
    limits = ProcessLimits(memory_bytes=400_000_000, cpu_s=30)
    async with ProcessPool(workers=1, name="test", timeout_s=60, limits=limits) as pool:
        yield pool
