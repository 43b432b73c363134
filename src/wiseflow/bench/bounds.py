"""What a research cannot be faster than, by the simulator's own log."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wiseflow.core.configuration import ResearchMode

Entry = Mapping[str, Any]

# What a linear research on the web waits for, one after the other: the search for an overview, the
# plan, the searches of a section, its pages, its draft, the summary. Sections go side by side.
PATH = ("search", "model", "search", "page", "model", "model")


def lower_bound(log: Iterable[Entry], path: Sequence[str] = PATH) -> float:
    """The length of the path that a research depends on, in seconds.

    All requests of a kind take the same in these measurements, so each part of the path has the
    median of what the simulator took for its kind.

    Args:
        log: the simulator's, of researches that ran undisturbed.
        path: the kinds of requests that a research waits for, one after the other.
    """
    took: dict[str, list[float]] = {kind: [] for kind in path}
    for entry in log:
        if entry["kind"] in took:
            took[entry["kind"]].append(entry["ended_s"] - entry["arrived_s"])
    return sum(statistics.median(took[kind]) for kind in path if took[kind])


def path_of(mode: ResearchMode, models: int) -> tuple[str, ...]:
    """What a research of a mode waits for, one after the other.

    Args:
        mode: of the research.
        models: calls to models in a row that it made, which tells how far it went.
    """
    find, ending = ("search", "page"), ("model", "model")  # a draft, and the summary
    match mode:
        case ResearchMode.LINEAR:
            return PATH
        case ResearchMode.GRAPH:  # each level but the last is read
            levels = models - len(ending) - 1
            return ("search", "model", *(*find, "model") * levels, *find, *ending)
        case ResearchMode.MULTI_AGENT:  # each round is a critique, a search and a draft
            rounds, rest = divmod(models - len(ending) - 2, 2)
            again = ("model", *find, "model") * rounds
            critique = ("model",) * rest
            return ("search", "model", *find, "model", *find, "model", *again, *critique, "model")


def calls_in_a_row(log: Iterable[Entry], kind: str) -> int:
    """The most requests of a kind of which each came after the one before had been answered.

    Args:
        log: of one research alone.
        kind: of request.
    """
    count, free_at = 0, -math.inf
    for entry in sorted(
        (one for one in log if one["kind"] == kind), key=lambda one: one["ended_s"]
    ):
        if entry["arrived_s"] >= free_at:
            count, free_at = count + 1, entry["ended_s"]
    return count


def admitted_times(log: Iterable[Entry], provider: str) -> list[float]:
    """When requests came that no limit refused, in order."""
    return sorted(
        one["arrived_s"]
        for one in log
        if one["provider"] == provider and one["ending"] != "limited"
    )


def refusals(log: Iterable[Entry]) -> int:
    """How many requests a limit refused."""
    return sum(one["ending"] == "limited" for one in log)


def most_in_window(times: Sequence[float], window_s: float) -> int:
    """The most of the times, which are in order, that lie in any window of that length."""
    most = first = 0
    for last, at in enumerate(times):
        while at - times[first] >= window_s:
            first += 1
        most = max(most, last - first + 1)
    return most
