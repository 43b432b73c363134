"""The summary of a report and what it did not find. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from wiseflow.core.authoring import Evidence, Synthesis, WrittenSection
from wiseflow.core.configuration import Configuration
from wiseflow.research.extractive.reading import read
from wiseflow.research.extractive.wanting import Wanted
from wiseflow.research.extractive.weighing import weigh
from wiseflow.research.extractive.writing import claims_of, likely, pick

ANSWER_CLAIMS, SUBJECT_CLAIMS = 4, 3
# A sentence this likely to support the answer belongs to the summary.
LEAST_SUPPORT = 0.3


def sum_up(
    configuration: Configuration, written: Sequence[WrittenSection], wanted: Wanted
) -> Synthesis:
    """The sentences that answer the topic best, and what of it no passage holds."""
    evidence = _distinct(written)
    candidates = weigh(evidence, wanted)
    if wanted.question:
        chosen = pick(likely(candidates, LEAST_SUPPORT), ANSWER_CLAIMS)
    else:
        chosen = pick(candidates, SUBJECT_CLAIMS, of_passage=0)
    return Synthesis(
        summary=claims_of(chosen), not_found=_not_found(configuration, written, evidence, wanted)
    )


def _distinct(written: Sequence[WrittenSection]) -> list[Evidence]:
    return list(
        {item.hit.passage.passage_id: item for part in written for item in part.evidence}.values()
    )


def _not_found(
    configuration: Configuration,
    written: Sequence[WrittenSection],
    evidence: Sequence[Evidence],
    wanted: Wanted,
) -> tuple[str, ...]:
    held = {term for item in evidence for term in read(item.hit).counts}
    missing = [word for term, word in wanted.words.items() if term not in held]
    lines = [f"No passage found mentions “{word}”." for word in missing]
    lines += [
        f"No passage was found for the section “{part.section.title}”."
        for part in written
        if not part.draft.claims
    ]
    running = " ".join(read(item.hit).running for item in evidence)
    lines += [
        f"No passage found names “{name}”."
        for name in configuration.focus_entities
        if name.casefold() not in running
    ]
    return tuple(lines)
