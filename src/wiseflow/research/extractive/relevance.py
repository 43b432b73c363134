"""How much of a topic a passage holds, as an absolute figure: what decides that there is nothing."""

from __future__ import annotations

from collections.abc import Sequence

from wiseflow.research.extractive.choosing import Scored
from wiseflow.research.extractive.reading import Reading
from wiseflow.research.extractive.wanting import Wanted

LEAST_COVERAGE = 0.1


def relevant(readings: Sequence[Reading], wanted: Wanted) -> list[Scored]:
    """The passages that hold enough of the topic, the best first."""
    scored = [
        Scored(reading=reading, score=wanted.coverage(reading.counts)) for reading in readings
    ]
    return sorted(
        (item for item in scored if item.score >= LEAST_COVERAGE), key=lambda item: -item.score
    )
