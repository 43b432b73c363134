"""How long the command takes to say its help, against a bare interpreter of the same run."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence

from wiseflow.bench.figures import Figure, spread_figure

BARE = (sys.executable, "-c", "pass")
MEASURED = {
    "wiseflow --help": ((sys.executable, "-m", "wiseflow", "--help"), 9.0),
    "import wiseflow": ((sys.executable, "-c", "import wiseflow"), 3.0),
}


def measure_startup(rounds: int = 15) -> list[Figure]:
    """Each command's time ÷ the bare interpreter's, run in turn; medians."""
    times: dict[str, list[float]] = {name: [] for name in MEASURED}
    bare: list[float] = []
    for _ in range(rounds):
        bare.append(_seconds(BARE))
        for name, (command, _) in MEASURED.items():
            times[name].append(_seconds(command))
    figures = [_milliseconds("python -c pass", bare)]
    for name, (_, most) in MEASURED.items():
        ratios = [ours / reference for ours, reference in zip(times[name], bare, strict=True)]
        figures += [
            _milliseconds(name, times[name]),
            spread_figure(name, "time ÷ python -c pass", ratios, most=most),
        ]
    return figures


def _seconds(command: Sequence[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)  # noqa: S603 - ours
    return time.perf_counter() - begun


def _milliseconds(subject: str, seconds: Sequence[float]) -> Figure:
    return spread_figure(subject, "ms", [1000 * value for value in seconds])
