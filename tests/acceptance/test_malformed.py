"""Broken pages, PDFs and answers: each is named, and none is fatal. ``make prove`` tries 1,000."""

import subprocess
import sys
from pathlib import Path

PROOF = Path(__file__).resolve().parents[2] / "proofs" / "malformed_pages.py"


def test_broken_inputs_cost_themselves_only():
    done = subprocess.run(
        [sys.executable, str(PROOF), "--cases", "90", "--seed", "7", "--no-bombs"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "not named, fatal or out of bounds: 0" in done.stdout
