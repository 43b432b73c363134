"""The real engine on a virtual clock: random programs of faults, and hours of coming and going."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROOFS = Path(__file__).resolve().parents[2] / "proofs"


def prove(script: str, *options: str) -> None:
    done = subprocess.run(
        [sys.executable, str(PROOFS / script), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


@pytest.mark.parametrize("seed", [1, 26])
def test_whatever_fails_the_engine_keeps_its_promises(seed):
    prove("engine_faults.py", "--simulations", "25", "--seed", str(seed))


def test_hours_of_tasks_that_come_and_go_leave_nothing_behind():
    prove("engine_churn.py", "--hours", "4", "--tasks-per-hour", "1200", "--kept", "200")
