"""A real Prometheus reads what is true, of several processes. ``make prove`` takes 1,000 jobs."""

import subprocess
import sys
from pathlib import Path

PROOF = Path(__file__).resolve().parents[2] / "proofs" / "metrics_truth.py"


def test_what_prometheus_reads_of_two_processes_is_true():
    done = subprocess.run(
        [sys.executable, str(PROOF), "--jobs", "14", "--processes", "2"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "It holds." in done.stdout
