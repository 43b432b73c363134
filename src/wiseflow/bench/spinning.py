"""CPU work of a known amount; a module of its own, so that a process that does it starts soon."""

from __future__ import annotations

import time

SAMPLE_S = 0.02
SAMPLES = 50


def spin(rounds: int) -> float:
    """Keep a core busy with a fixed amount of work; how long that took, in seconds."""
    begun = time.monotonic()
    count = 0
    for number in range(rounds):
        count += number * number % 7
    return time.monotonic() - begun


def rounds_a_second() -> float:
    """How many rounds of ``spin`` one core does in a second: its best, so that work is work."""
    rounds = 10_000
    while (took := spin(rounds)) < SAMPLE_S:
        rounds *= 2
    return rounds / min([took, *(spin(rounds) for _ in range(SAMPLES))])
