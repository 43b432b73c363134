"""The claims of a section: sentences of its evidence, word for word. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wiseflow.core.authoring import Assignment, Draft
from wiseflow.core.configuration import ReportLength
from wiseflow.core.report import Citation, Claim
from wiseflow.research.extractive.reading import Line
from wiseflow.research.extractive.wanting import Wanted
from wiseflow.research.extractive.weighing import Candidate, weigh
from wiseflow.research.repeats import alike, words_of

SECTION_CLAIMS = {ReportLength.BRIEF: 3, ReportLength.NORMAL: 5, ReportLength.DETAILED: 8}
# No passage fills a section alone.
PASSAGE_CLAIMS = 2
# A sentence less likely than this to support the answer is left out of a section on a question.
LEAST_SUPPORT = 0.2
# So many times its claims a section finds in all, as other sections may hold some of them, too.
SPARE = 4


def write_section(assignment: Assignment, wanted: Wanted) -> Draft:
    """The claims of one section, in reading order."""
    candidates = weigh(assignment.evidence, wanted)
    if wanted.question:
        candidates = likely(candidates, LEAST_SUPPORT)
    most = SECTION_CLAIMS[assignment.length]
    chosen = pick(candidates, most)
    claims = claims_of(chosen)
    more = pick([item for item in candidates if not item.line.dangling], SPARE * most)
    spare = (_claim_of(item) for item in more if item not in chosen)
    return Draft(claims=claims, spare=tuple(claim for claim in spare if claim not in claims))


def likely(candidates: Sequence[Candidate], least: float) -> list[Candidate]:
    """The candidates of a score of ``least`` and more, the best first; two where none has it."""
    ranked = sorted(candidates, key=lambda item: -item.score)
    return [item for item in ranked if item.score >= least] or ranked[:2]


def pick(
    candidates: Iterable[Candidate], most: int, *, of_passage: int = PASSAGE_CLAIMS
) -> list[Candidate]:
    """The best candidates, none of which repeats another.

    A sentence that points back is taken with the one before it, or not at all.
    """
    chosen: list[Candidate] = []
    kept: list[frozenset[str]] = []
    for item in sorted(candidates, key=lambda item: -item.score):
        group = _with_antecedent(item, chosen)
        bags = [words_of(part.line.text) for part in group]
        from_passage = sum(item.hit is other.hit for other in chosen)
        full = len(chosen) + len(group) > most or from_passage + len(group) > of_passage + 1
        if full or not group or any(alike(bag, other) for bag in bags for other in kept):
            continue
        chosen += group
        kept += bags
    return chosen


def claims_of(chosen: Iterable[Candidate]) -> tuple[Claim, ...]:
    """The sentences as claims that cite themselves: by rank of passage, then as the source goes."""
    ordered = sorted(chosen, key=lambda item: (item.rank, item.line.start))
    return tuple(_claim_of(item) for item in ordered)


def _with_antecedent(item: Candidate, chosen: Sequence[Candidate]) -> list[Candidate]:
    """The sentence, after the one it points back to unless that is said; none if that is lost."""
    if not item.line.dangling:
        return [item]
    if item.before is None or item.before.dangling:
        known = any(item.hit is other.hit for other in chosen)
        return [item] if known else []
    if any(item.hit is other.hit and other.line == item.before for other in chosen):
        return [item]
    return [_as_candidate(item, item.before), item]


def _as_candidate(item: Candidate, line: Line) -> Candidate:
    return Candidate(hit=item.hit, rank=item.rank, line=line, score=item.score)


def _claim_of(item: Candidate) -> Claim:
    passage, line = item.hit.passage, item.line
    citation = Citation(
        source_id=passage.source_id,
        passage_id=passage.passage_id,
        start=line.start,
        end=line.end,
        quote=line.text,
    )
    return Claim(text=line.text, citations=(citation,))
