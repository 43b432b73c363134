"""The summary of a report and what it did not find. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from wiseflow.core.authoring import Synthesis, WrittenSection
from wiseflow.core.configuration import Configuration
from wiseflow.research.extractive.reading import read
from wiseflow.research.extractive.wanting import Wanted
from wiseflow.research.extractive.writing import claim_of, pick, reading_order, scored_lines

SUMMARY_CLAIMS = 3


def sum_up(
    configuration: Configuration, written: Sequence[WrittenSection], wanted: Wanted
) -> Synthesis:
    """The sentences that answer the topic best, and the words of it that nothing holds."""
    evidence = list(
        {item.hit.passage.passage_id: item for part in written for item in part.evidence}.values()
    )
    chosen = pick(scored_lines(evidence, wanted), SUMMARY_CLAIMS, ())
    held = {term for item in evidence for term in read(item.hit).counts}
    missing = [
        f"No passage mentions “{word}”." for term, word in wanted.words.items() if term not in held
    ]
    missing += [
        f"No passage was found for the section “{part.section.title}”."
        for part in written
        if not part.draft.claims
    ]
    return Synthesis(
        summary=tuple(claim_of(item) for item in reading_order(chosen)), not_found=tuple(missing)
    )
