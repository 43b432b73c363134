"""The interpreter of a command: set for one event loop beside a few threads."""

from __future__ import annotations

import gc
import sys

# Nearly all objects of a call die with it and without cycles, so that looking for cycles as often
# as the interpreter does by itself (700, 10, 10) takes an eighth of the event loop's time when a
# hundred researches run.
THRESHOLDS = (20_000, 20, 100)
# A thread that writes to the database keeps the loop waiting this long, and not 5 ms, each time
# that the loop gives the interpreter away to send or receive.
# Source: D. Beazley, "Understanding the Python GIL" (2010), on the convoy effect.
SWITCH_S = 0.001


def set_interpreter() -> None:
    """Collect garbage less often, what the imports made never, and switch threads sooner."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    sys.setswitchinterval(SWITCH_S)
