"""How well the engine predicts what tasks take: of known make, and of real work measured here."""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import wiseflow
from wiseflow.bench.figures import Figure, spread_figure
from wiseflow.engine.history import PLENTY
from wiseflow.engine.prediction import Predictor
from wiseflow.text.sentences import sentences

LEARNED = 200
PREDICTED = 1_000
ROUNDS = 5
TOLD = 100_000
# The share of outcomes that has to be inside the range of 90 %.
LEAST_INSIDE, MOST_INSIDE = 0.85, 0.95
# A text is read up to so many characters: some milliseconds.
LONGEST_TEXT = 20_000

# How long a task took, in seconds, and its size.
Outcome = tuple[float, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Tasks whose durations are of known make.

    Args:
        name: of the make.
        outcomes: gives one after the other.
        most: what the median error may be at most, as a share of that of "always the mean".
    """

    name: str
    outcomes: Callable[[random.Random], Iterator[Outcome]]
    most: float


def measure_predictions(*, seed: int = 0, rounds: int = ROUNDS) -> list[Figure]:
    """All figures of predictions, each after ``LEARNED`` tasks of the kind.

    Args:
        seed: of the first round; the next ones follow.
        rounds: how often each family is drawn; the real work is measured once.
    """
    figures: list[Figure] = []
    for family in FAMILIES:
        drawn = [family.outcomes(random.Random(seed + turn)) for turn in range(rounds)]  # noqa: S311
        judged = [_judge(list(islice(outcomes, LEARNED + PREDICTED))) for outcomes in drawn]
        figures += _figures(family.name, judged, most=family.most)
    real = _judge(list(_real_work(random.Random(seed))))  # noqa: S311 - an order, not a secret
    figures += _figures("real: sentences of a text, size its length", [real], most=0.5)
    figures.append(_cost())
    return figures


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """How the predictions of a family came out: the share inside, and errors in seconds."""

    inside: float
    error_s: float
    error_s_of_mean: float


def _judge(outcomes: Sequence[Outcome]) -> _Judged:
    """Predict each task before it is told, and compare once enough were learned."""
    predictor = Predictor()
    inside: list[bool] = []
    errors: list[float] = []
    errors_of_mean: list[float] = []
    total = 0.0
    for number, (duration_s, size) in enumerate(outcomes):
        if number >= LEARNED:
            estimate = predictor.estimate("task", size=size)
            assert estimate is not None, "enough were told"
            inside.append(estimate.low_s <= duration_s <= estimate.high_s)
            errors.append(abs(duration_s - estimate.p50_s))
            errors_of_mean.append(abs(duration_s - total / number))
        predictor.observe("task", duration_s=duration_s, size=size)
        total += duration_s
    return _Judged(
        inside=statistics.fmean(inside),
        error_s=statistics.median(errors),
        error_s_of_mean=statistics.median(errors_of_mean),
    )


def _figures(name: str, judged: Sequence[_Judged], *, most: float) -> Iterator[Figure]:
    inside = [one.inside for one in judged]
    errors = [one.error_s * 1e3 for one in judged]
    ratios = [one.error_s / one.error_s_of_mean for one in judged]
    yield spread_figure(
        name, "share inside the range of 90 %", inside, bar=LEAST_INSIDE, most=MOST_INSIDE
    )
    yield spread_figure(name, "median absolute error, ms", errors)
    yield spread_figure(name, "median error ÷ that of always the mean", ratios, most=most)


def _real_work(chance: random.Random) -> Iterator[Outcome]:
    """How long it takes to split texts into sentences: those of this program's own files."""
    files = sorted(Path(wiseflow.__file__).parent.rglob("*.py"))
    texts = [file.read_text(encoding="utf-8")[:LONGEST_TEXT] for file in files]
    for _ in range(LEARNED + 400):
        text = chance.choice(texts)
        if text:
            begun = time.perf_counter()
            sentences(text, language="en")
            yield time.perf_counter() - begun, float(len(text))


def _cost() -> Figure:
    """What it costs to tell of a task of a kind that is known, learning included."""
    predictor = Predictor()
    durations = [0.001 * (1 + number % 7) for number in range(TOLD)]
    for duration_s in durations[: 2 * PLENTY]:
        predictor.observe("task", duration_s=duration_s)
    begun = time.perf_counter()
    for duration_s in durations:
        predictor.observe("task", duration_s=duration_s)
    taken_s = time.perf_counter() - begun
    return Figure(
        subject="telling of a task",
        measure="µs, learning included",
        value=taken_s * 1e6 / TOLD,
        samples=TOLD,
    )


def _sizes(chance: random.Random) -> Iterator[float]:
    """From some hundred to some hundred thousand, most in between."""
    while True:
        yield chance.lognormvariate(9.0, 1.2)


def _lognormal(chance: random.Random) -> Iterator[Outcome]:
    while True:
        yield chance.lognormvariate(math.log(0.02), 0.7), None


def _cached(chance: random.Random) -> Iterator[Outcome]:
    while True:
        (typical_s,) = chance.choices((0.002, 0.3), weights=(6, 4))
        yield typical_s * chance.lognormvariate(0.0, 0.1), None


def _linear(chance: random.Random) -> Iterator[Outcome]:
    for size in _sizes(chance):
        yield (0.005 + 1e-6 * size) * chance.lognormvariate(0.0, 0.15), size


def _power(chance: random.Random) -> Iterator[Outcome]:
    for size in _sizes(chance):
        yield 1e-7 * size**1.5 * chance.lognormvariate(0.0, 0.2), size


def _drifting(chance: random.Random) -> Iterator[Outcome]:
    """Four times as long at the end, and twice on top of that from one moment on."""
    every = LEARNED + PREDICTED
    for number in range(every):
        moved = 4.0 ** (number / every) * (2.0 if number > LEARNED + PREDICTED / 2 else 1.0)
        yield 0.01 * moved * chance.lognormvariate(0.0, 0.3), None


def _heavy(chance: random.Random) -> Iterator[Outcome]:
    while True:
        yield 0.01 * chance.paretovariate(1.5), None


def _constant(chance: random.Random) -> Iterator[Outcome]:
    while True:
        yield 0.05 * (1.0 + chance.gauss(0.0, 0.02)), None


def _misled(chance: random.Random) -> Iterator[Outcome]:
    for size in _sizes(chance):
        yield chance.lognormvariate(math.log(0.02), 0.5), size


# Where the mean is the best there is to say, no more is asked than to be as good within chance.
FAMILIES = (
    Family(name="lognormal", outcomes=_lognormal, most=0.9),
    Family(name="hits and misses of a cache", outcomes=_cached, most=0.1),
    Family(name="linear in its size", outcomes=_linear, most=0.25),
    Family(name="a power of its size", outcomes=_power, most=0.25),
    Family(name="drifting, with a jump", outcomes=_drifting, most=0.75),
    Family(name="heavy tail (Pareto 1.5)", outcomes=_heavy, most=0.75),
    Family(name="constant with jitter", outcomes=_constant, most=1.05),
    Family(name="with a size that says nothing", outcomes=_misled, most=1.0),
)
