"""Seeded workloads for comparing executors: what kind each is, in a file; its tasks, from its seed.

A workload is a list of pieces of work that are described, not done: the same list is given to every
executor. A piece costs seconds of one core, or seconds of waiting.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from importlib.resources import files
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from wiseflow.core.configuration import TaskPriority

SIZE_SIGMA = 0.2  # how well the size of a piece tells its cost: what a size in bytes is like
MOST_FAILURES = 2
RETRY_DELAY_S = 0.01


class WorkKind(StrEnum):
    """What a piece takes while it is done: a core, or only time."""

    CPU = "cpu"
    IO = "io"


class Law(StrEnum):
    """How costs are spread."""

    CONSTANT = "constant"
    UNIFORM = "uniform"
    LOGNORMAL = "lognormal"
    PARETO = "pareto"


class Order(StrEnum):
    """In which order the pieces of a workload are handed over."""

    AS_GIVEN = "as given"
    SHUFFLED = "shuffled"


class Shape(StrEnum):
    """How pieces depend on each other."""

    INDEPENDENT = "independent"
    CHAINS = "chains"  # `width` of them beside each other
    FANS = "fans"  # `width` pieces, one that needs them all, and so on
    RANDOM = "random"  # up to `needs` of the `width` pieces before
    PIPELINE = "pipeline"  # the groups are its stages
    LAYERS = "layers"  # each needs up to `needs` of the layer before
    NESTED = "nested"  # the nested groups are dealt out to the other pieces, which register them


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of work.

    Args:
        piece_id: distinct in its workload.
        label: which kind of piece it is; pieces of a label are alike in what they do.
        kind: what it takes.
        cost_s: seconds of one core alone, or of waiting, for one attempt.
        size: what a caller knows of its cost beforehand: in no unit, and not exact.
        priority, run: as a task's.
        arrives_s: when it is handed over, in seconds from the start.
        needs: the ids of pieces before it in the list that have to be done first.
        parent: the id of the piece that hands it over when its own work is done, or "".
        failures: how many attempts fail before one succeeds.
    """

    piece_id: str
    label: str
    kind: WorkKind
    cost_s: float
    size: float
    priority: TaskPriority = TaskPriority.NORMAL
    run: str = ""
    arrives_s: float = 0.0
    needs: tuple[str, ...] = ()
    parent: str = ""
    failures: int = 0

    @property
    def service_s(self) -> float:
        """What all its attempts cost together."""
        return self.cost_s * (1 + self.failures)

    @property
    def delays_s(self) -> float:
        """How long it waits between its attempts, all together."""
        return RETRY_DELAY_S * (2**self.failures - 1)


class _Given(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Cost(_Given):
    """How the costs of a group are spread, in seconds."""

    law: Law = Law.CONSTANT
    typical_s: Annotated[float, Field(gt=0)]
    spread: Annotated[float, Field(ge=0)] = 0.0
    most_s: float = math.inf


class Group(_Given):
    """Pieces that are alike. They arrive at the start, in bursts, or at random over a time."""

    label: str
    work: WorkKind
    count: Annotated[int, Field(ge=1)]
    cost: Cost
    priority: TaskPriority = TaskPriority.NORMAL
    run: str = ""
    bursts: Annotated[int, Field(ge=1)] = 1
    every_s: float = 0.0
    over_s: float = 0.0
    failing: Annotated[float, Field(ge=0, le=1)] = 0.0
    nested: bool = False


class Workload(_Given):
    """A kind of work, of which the seed makes the pieces. ``slots``: how many at once, at most."""

    name: str
    seed: int
    like: str
    slots: Annotated[int, Field(ge=2)] = 16
    order: Order = Order.AS_GIVEN
    shape: Shape = Shape.INDEPENDENT
    width: Annotated[int, Field(ge=1)] = 1
    needs: Annotated[int, Field(ge=1)] = 1
    groups: tuple[Group, ...]


def load_workloads() -> list[Workload]:
    """The workloads of the file that comes with this package."""
    text = files("wiseflow.bench").joinpath("workloads.yaml").read_text(encoding="utf-8")
    return TypeAdapter(list[Workload]).validate_python(yaml.safe_load(text))


def pieces_of(workload: Workload) -> list[Piece]:
    """The pieces of a workload, the same ones each time; each after those that it depends on."""
    chance = random.Random(workload.seed)  # noqa: S311 - a seeded workload, not a secret
    pieces = [piece for group in workload.groups for piece in _grouped(group, chance)]
    if workload.order is Order.SHUFFLED:
        chance.shuffle(pieces)
    numbered = [replace(piece, piece_id=f"{number}") for number, piece in enumerate(pieces)]
    return _shaped(workload, numbered, chance)


def scaled(pieces: Sequence[Piece], scale: float) -> list[Piece]:
    """The same pieces with all times of the workload multiplied."""
    return [
        replace(piece, cost_s=piece.cost_s * scale, arrives_s=piece.arrives_s * scale)
        for piece in pieces
    ]


def _grouped(group: Group, chance: random.Random) -> list[Piece]:
    arrivals = _arrivals(group, chance)
    return [_piece(group, arrives_s, chance) for arrives_s in arrivals]


def _piece(group: Group, arrives_s: float, chance: random.Random) -> Piece:
    cost_s = min(_cost_s(group.cost, chance), group.cost.most_s)
    fails = chance.random() < group.failing
    return Piece(
        piece_id="",
        label=f"{group.label}, nested" if group.nested else group.label,
        kind=group.work,
        cost_s=cost_s,
        size=cost_s * math.exp(chance.gauss(0.0, SIZE_SIGMA)),
        priority=group.priority,
        run=group.run,
        arrives_s=arrives_s,
        failures=chance.randint(1, MOST_FAILURES) if fails else 0,
    )


def _cost_s(cost: Cost, chance: random.Random) -> float:
    match cost.law:
        case Law.CONSTANT:
            return cost.typical_s
        case Law.UNIFORM:
            return cost.typical_s * chance.uniform(1 - cost.spread, 1 + cost.spread)
        case Law.LOGNORMAL:
            return cost.typical_s * math.exp(chance.gauss(0.0, cost.spread))
        case Law.PARETO:
            return cost.typical_s * chance.paretovariate(cost.spread)


def _arrivals(group: Group, chance: random.Random) -> list[float]:
    """When each piece of a group arrives: at random over a time, in bursts, or at once."""
    if group.over_s:
        return sorted(chance.uniform(0.0, group.over_s) for _ in range(group.count))
    return [number * group.bursts // group.count * group.every_s for number in range(group.count)]


def _shaped(workload: Workload, pieces: list[Piece], chance: random.Random) -> list[Piece]:
    if workload.shape is Shape.NESTED:
        return _nested(workload, pieces)
    return [
        replace(piece, needs=tuple(f"{other}" for other in _needed(workload, number, chance)))
        for number, piece in enumerate(pieces)
    ]


def _needed(workload: Workload, number: int, chance: random.Random) -> Sequence[int]:
    """The numbers of the pieces that piece ``number`` needs."""
    width = workload.width
    match workload.shape:
        case Shape.CHAINS:
            return [number - width] if number >= width else []
        case Shape.PIPELINE:
            stage = workload.groups[0].count
            return [number - stage] if number >= stage else []
        case Shape.FANS:
            begins = number - number % (width + 1)  # of this fan; before it, the last one's end
            joins = number - begins == width
            return range(begins, number) if joins else range(max(begins - 1, 0), begins)
        case Shape.RANDOM:
            before = range(max(number - width, 0), number)
            return sorted(
                chance.sample(before, min(chance.randint(0, workload.needs), len(before)))
            )
        case Shape.LAYERS:
            begins = number - number % width
            before = range(begins - width if begins else 0, begins)
            return sorted(
                chance.sample(before, min(chance.randint(1, workload.needs), len(before)))
            )
        case _:
            return []


def _nested(workload: Workload, pieces: list[Piece]) -> list[Piece]:
    """The pieces of nested groups, dealt out one by one to the pieces of the others."""
    parents = pieces[: sum(group.count for group in workload.groups if not group.nested)]
    children = pieces[len(parents) :]
    return parents + [
        replace(child, parent=parent.piece_id, run=parent.run, arrives_s=parent.arrives_s)
        for child, parent in zip(children, parents * len(children), strict=False)
    ]
