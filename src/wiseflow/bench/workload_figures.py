"""What the executions of workloads say, as figures: each workload, and how many reach each goal.

The goals are the source figures of TUN4. For a fixed amount of work parallel efficiency, completion
and throughput are one quantity: the plain executor's completion ÷ the engine's. They differ in how
much of it they ask for. How much of each is possible at most, the bounds say.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from wiseflow.bench.figures import Figure, spread_figure
from wiseflow.bench.workload_bounds import Bound

NEAR_BOUND = 1.15
LEAST_NOISE = 1.05  # what a reader would call the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one execution gave.

    Args:
        completion_s: from the start to the end of the last piece.
        utilisation: which part of the time of all slots pieces were at work, 0–1.
        response_s: the median over all pieces, from the arrival to the end.
        interactive_s: that of the interactive ones; 0 when there are none.
    """

    completion_s: float
    utilisation: float
    response_s: float
    interactive_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The engine between two executions on the plain executor, and what was possible then.

    Args:
        speed_up: how many times as much CPU work all cores did at once as one alone at its best;
            0 where there is no CPU work.
    """

    plain: Outcome
    ours: Outcome
    again: Outcome
    bound: Bound
    speed_up: float

    def plainly(self, what: Callable[[Outcome], float]) -> float:
        """A quantity of the plain executor: the geometric mean of before and after."""
        return math.sqrt(what(self.plain) * what(self.again))

    def ratio(self, what: Callable[[Outcome], float]) -> float:
        """The engine's ÷ the plain executor's."""
        return what(self.ours) / self.plainly(what)

    @property
    def noise(self) -> float:
        """The plain executor's completion against itself, the greater ÷ the less."""
        ratio = self.plain.completion_s / self.again.completion_s
        return max(ratio, 1 / ratio)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All rounds of a workload."""

    name: str
    rounds: Sequence[Round]

    @property
    def interactive(self) -> bool:
        """Whether somebody waits for some of its pieces."""
        return self.rounds[0].bound.interactive_s > 0

    def median(self, of_round: Callable[[Round], float]) -> float:
        """The median over the rounds."""
        return statistics.median(map(of_round, self.rounds))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Goal:
    """A source figure: how many times better it asks the engine to be than the plain executor."""

    name: str
    factor: float
    gained: Callable[[Round], float]
    possible: Callable[[Round], float]


def figures_of(measured: Sequence[Measured]) -> list[Figure]:
    """Each workload's figures, then on how many of them each goal is reached."""
    figures = [figure for one in measured for figure in _workload_figures(one)]
    return figures + [figure for goal in _GOALS for figure in _reached(goal, measured)]


def machine_figures(measured: Iterable[Measured], cores: int) -> Iterator[Figure]:
    """What all cores do at once, by which the bounds of CPU work divide."""
    found = [one.speed_up for workload in measured for one in workload.rounds if one.speed_up]
    if found:
        yield spread_figure(f"{cores} bare processes", "CPU work ÷ that of one at its best", found)


def _workload_figures(one: Measured) -> Iterator[Figure]:
    rounds = one.rounds
    noise = one.median(lambda round_: round_.noise)
    completions = [round_.ratio(_completion_s) for round_ in rounds]
    to_bound = [round_.ours.completion_s / round_.bound.completion_s for round_ in rounds]
    plain_to_bound = [
        round_.plainly(_completion_s) / round_.bound.completion_s for round_ in rounds
    ]
    yield spread_figure(one.name, "completion ÷ bound", to_bound, most=NEAR_BOUND)
    yield spread_figure(one.name, "plain completion ÷ bound", plain_to_bound)
    yield spread_figure(one.name, "completion ÷ plain", completions, most=max(noise, LEAST_NOISE))
    yield spread_figure(one.name, "plain ÷ plain, the noise", [round_.noise for round_ in rounds])
    yield spread_figure(
        one.name, "utilisation ÷ plain", [round_.ratio(_utilisation) for round_ in rounds]
    )
    yield spread_figure(
        one.name, "P50 response ÷ plain", [round_.ratio(_response_s) for round_ in rounds]
    )
    if one.interactive:
        ratios = [round_.ratio(_interactive_s) for round_ in rounds]
        yield spread_figure(one.name, "P50 response of the urgent ÷ plain", ratios)


def _reached(goal: _Goal, measured: Sequence[Measured]) -> Iterator[Figure]:
    if goal.gained is _urgent_gain:
        measured = [one for one in measured if one.interactive]
    if not measured:
        return
    subject = f"{len(measured)} workloads"
    reached = [one for one in measured if one.median(goal.gained) >= goal.factor]
    barred = [one for one in measured if one.median(goal.possible) < goal.factor]
    for measure, value in (
        (f"{goal.name}: reached by", len(reached)),
        (f"{goal.name}: nobody can on", len([one for one in barred if one not in reached])),
    ):
        yield Figure(subject=subject, measure=measure, value=value, samples=len(measured))


def _completion_s(outcome: Outcome) -> float:
    return outcome.completion_s


def _utilisation(outcome: Outcome) -> float:
    return outcome.utilisation


def _response_s(outcome: Outcome) -> float:
    return outcome.response_s


def _interactive_s(outcome: Outcome) -> float:
    return outcome.interactive_s


def _sooner(round_: Round) -> float:
    return 1 / round_.ratio(_completion_s)


def _soonest(round_: Round) -> float:
    return round_.plainly(_completion_s) / round_.bound.completion_s


def _fullest(round_: Round) -> float:
    return min(_soonest(round_), 1 / round_.plainly(_utilisation))


def _urgent_gain(round_: Round) -> float:
    return 1 / round_.ratio(_interactive_s)


_GOALS = (
    _Goal(name="parallel efficiency +40 %", factor=1.4, gained=_sooner, possible=_soonest),
    _Goal(name="completion −30 %", factor=1 / 0.7, gained=_sooner, possible=_soonest),
    _Goal(
        name="utilisation +25 %",
        factor=1.25,
        gained=lambda round_: round_.ratio(_utilisation),
        possible=_fullest,
    ),
    _Goal(name="throughput +50 %", factor=1.5, gained=_sooner, possible=_soonest),
    _Goal(
        name="P50 response −40 %",
        factor=1 / 0.6,
        gained=lambda round_: 1 / round_.ratio(_response_s),
        possible=lambda round_: round_.plainly(_response_s) / round_.bound.response_s,
    ),
    _Goal(
        name="P50 response of the urgent −40 %",
        factor=1 / 0.6,
        gained=_urgent_gain,
        possible=lambda round_: round_.plainly(_interactive_s) / round_.bound.interactive_s,
    ),
)
