"""What processes cost: their memory, and how much two of them do at once on this machine."""

from __future__ import annotations

import subprocess
import sys

import psutil

MIB = 1024 * 1024

# A loop that only computes, for a given time; prints how far it came.
_LOOP = """
import sys, time
end, rounds, count = time.perf_counter() + float(sys.argv[1]), 0, 0
while time.perf_counter() < end:
    rounds += 1
    for number in range(2000):
        count += number * number % 7
print(rounds)
"""


def tree_memory_bytes(*, without: int = 0) -> int:
    """The proportional memory (PSS) of this process and all below it, in bytes.

    Pages that processes share are counted once in total. Where the system does not tell (not
    Linux), the resident size is taken, which counts them for each.

    Args:
        without: the id of one that is left out, with those below it; 0 for none.
    """
    return sum(_memory_bytes(process) for process in _tree(without))


def tree_cpu_s(*, without: int = 0) -> float:
    """CPU seconds of this process and those below it that live; ``without`` as above."""
    return sum(_cpu_s(process) for process in _tree(without))


def _tree(without: int) -> set[psutil.Process]:
    own = psutil.Process()
    tree = {own, *own.children(recursive=True)}
    if without:
        left_out = psutil.Process(without)
        tree -= {left_out, *left_out.children(recursive=True)}
    return tree


def two_process_speed_up(seconds: float) -> float:
    """How many times as much two processes compute in ``seconds`` as one alone does."""
    alone = _rounds(1, seconds)
    return _rounds(2, seconds) / alone


def _rounds(processes: int, seconds: float) -> int:
    command = [sys.executable, "-c", _LOOP, str(seconds)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own loop
        for _ in range(processes)
    ]
    return sum(int(process.communicate(timeout=60 + seconds)[0]) for process in running)


def _memory_bytes(process: psutil.Process) -> int:
    try:
        memory = process.memory_full_info()
    except psutil.Error:  # it ended between the look at the tree and this one
        return 0
    return int(getattr(memory, "pss", 0) or memory.rss)


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:  # as above
        return 0.0
    return times.user + times.system
