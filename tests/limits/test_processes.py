"""Four real processes share a limit by a real store; one of them is killed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wiseflow.storage.sql.schema import open_database

from .limited_process import LIMIT, WINDOW_S

SECONDS = 8.0
PROCESS = Path(__file__).parent / "limited_process.py"


async def make_tables(address: str):
    async with await open_database(address):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("store_address", ["sqlite", "postgresql", "redis"], indirect=True)
def test_the_sum_never_exceeds_the_limit_although_one_is_killed(store_address, tmp_path):
    kind, address = store_address
    if kind != "redis":
        asyncio.run(make_tables(address))
    log = tmp_path / "log"
    command = [sys.executable, str(PROCESS), kind, address]
    processes = [
        subprocess.Popen([*command, f"h{number}", str(log), str(SECONDS)]) for number in range(4)
    ]
    while not log.exists() and all(process.poll() is None for process in processes):
        time.sleep(0.05)
    time.sleep(SECONDS / 3)

    processes[0].kill()
    codes = [process.wait(60) for process in processes]

    assert codes == [-9, 0, 0, 0]
    sent = sorted(map(float, log.read_text().split()))
    assert all(later - first >= WINDOW_S for first, later in zip(sent, sent[LIMIT:], strict=False))
    took = sent[-1] - sent[0]
    assert len(sent) >= 0.6 * LIMIT * took / WINDOW_S
