"""What no executor can beat: bounds of a workload's completion and response, with all known before.

A piece cannot begin before it has arrived and all it needs is done; and what can begin only after
some time takes, from then on, at least its work divided by what works on it.

Source: R. L. Graham, "Bounds on Multiprocessing Timing Anomalies" (1969); here with arrivals.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wiseflow.bench.workloads import Piece, WorkKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The least that a workload can take, in seconds.

    Args:
        completion_s: from the start to the end of the last piece.
        response_s: the median over all pieces of the time from the arrival to the end.
        interactive_s: that of the interactive ones; 0 when there are none.
    """

    completion_s: float
    response_s: float
    interactive_s: float


def bound_of(pieces: Sequence[Piece], *, cores: float, slots: int) -> Bound:
    """The bound of a workload.

    Args:
        pieces: in an order in which each comes after those it depends on.
        cores: how many times as much CPU work all cores do at once as one does alone.
        slots: how many pieces may be at work at once.
    """
    begins, ends = _without_limits(pieces)
    cpu = [piece for piece in pieces if piece.kind is WorkKind.CPU]
    least = [ends[piece.piece_id] - piece.arrives_s for piece in pieces]
    path_s = max(ends.values())
    return Bound(
        completion_s=max(path_s, _work_s(cpu, begins, cores), _work_s(pieces, begins, slots)),
        response_s=max(statistics.median_low(least), _first_half_s(pieces, cores, slots)),
        interactive_s=statistics.median_low(
            [ends[piece.piece_id] - piece.arrives_s for piece in interactive(pieces)] or [0.0]
        ),
    )


def interactive(pieces: Iterable[Piece]) -> list[Piece]:
    """Those that are more urgent than others of the workload."""
    pieces = list(pieces)
    lowest = max(piece.priority.rank for piece in pieces)
    return [piece for piece in pieces if piece.priority.rank < lowest]


def cpu_work_s(pieces: Iterable[Piece]) -> float:
    """All CPU work of a workload, in seconds of one core alone."""
    return sum(piece.service_s for piece in pieces if piece.kind is WorkKind.CPU)


def _without_limits(pieces: Sequence[Piece]) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """When each piece would begin and end if there were room for all at once."""
    begins: dict[str, float] = {}
    ends: dict[str, float] = {}
    for piece in pieces:
        handed_over = ends[piece.parent] if piece.parent else piece.arrives_s
        begin = max([handed_over, *(ends[needed] for needed in piece.needs)])
        begins[piece.piece_id] = begin
        ends[piece.piece_id] = begin + piece.service_s + piece.delays_s
    # A piece that handed others over ends with the last of them; these come after it in the list.
    for piece in reversed(pieces):
        if piece.parent:
            ends[piece.parent] = max(ends[piece.parent], ends[piece.piece_id])
    return begins, ends


def _work_s(pieces: Sequence[Piece], begins: Mapping[str, float], capacity: float) -> float:
    """The least end by work: for any time, that time and what cannot begin sooner, divided."""
    latest_first = sorted(pieces, key=lambda piece: -begins[piece.piece_id])
    left_s, bound_s = 0.0, 0.0
    for piece in latest_first:
        left_s += piece.service_s
        bound_s = max(bound_s, begins[piece.piece_id] + left_s / capacity)
    return bound_s


def _first_half_s(pieces: Sequence[Piece], cores: float, slots: int) -> float:
    """The least time until half of the pieces are done, where all of them are there at the start.

    Source: W. E. Smith, "Various Optimizers for Single-Stage Production" (1956): the shortest
    first; on several machines their sum divided by the machines is not more than what it takes.
    """
    if any(piece.arrives_s for piece in pieces):
        return 0.0
    only_cpu = all(piece.kind is WorkKind.CPU for piece in pieces)
    services = sorted(piece.service_s for piece in pieces)
    return sum(services[: (len(services) + 1) // 2]) / (cores if only_cpu else slots)
