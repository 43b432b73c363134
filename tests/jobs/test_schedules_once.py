"""Schedules under kills, in a small number; ``proofs/schedules_once.py`` has the long one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROOF = Path(__file__).resolve().parents[2] / "proofs" / "schedules_once.py"


@pytest.mark.slow
def test_each_due_time_makes_one_research_whoever_is_killed_when():
    counts = ["--tickers", "3", "--rounds", "2", "--kills", "4", "--seed", "1"]

    done = subprocess.run(
        [sys.executable, str(PROOF), *counts],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "'kills': 4" in done.stdout
