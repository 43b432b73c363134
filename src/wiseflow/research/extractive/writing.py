"""The claims of a section: sentences of its evidence, word for word. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from wiseflow.core.authoring import Assignment, Draft, Evidence
from wiseflow.core.configuration import ReportLength
from wiseflow.core.documents import Hit
from wiseflow.core.report import Citation, Claim, Verdict
from wiseflow.research.extractive.reading import Line, lines, read
from wiseflow.research.extractive.wanting import Wanted

SECTION_CLAIMS = {ReportLength.BRIEF: 3, ReportLength.NORMAL: 5, ReportLength.DETAILED: 8}
SAME = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A sentence that may be said.

    Args:
        hit: its passage.
        rank: of its passage in the evidence, from 0.
        line: the sentence.
        score: how well it serves.
    """

    hit: Hit
    rank: int
    line: Line
    score: float


def write_section(assignment: Assignment, wanted: Wanted) -> Draft:
    """The claims of one section, in reading order, without what was said before."""
    candidates = scored_lines(assignment.evidence, wanted)
    said = [frozenset(text.casefold().split()) for text in assignment.said]
    chosen = pick(candidates, SECTION_CLAIMS[assignment.length], said)
    return Draft(claims=tuple(claim_of(item) for item in reading_order(chosen)))


def scored_lines(evidence: Sequence[Evidence], wanted: Wanted) -> list[Candidate]:
    """Every sentence that may be quoted from the evidence, with its score."""
    found: list[Candidate] = []
    readings = [read(item.hit) for item in evidence]
    for rank, item in enumerate(evidence):
        others = [r.name for place, r in enumerate(readings) if place != rank and r.name]
        for line in lines(item.hit):
            title = readings[rank].title
            covers = wanted.coverage(line.terms) + 0.3 * wanted.coverage(title - line.terms)
            bridge = any(f" {name} " in line.running for name in others[:4])
            score = covers + 0.25 * bridge + (0.25 if line.place == 0 else 0.0)
            score += 0.5 / (rank + 1) if rank < 2 else 0.0
            score -= 0.1 * line.dangling
            found.append(Candidate(hit=item.hit, rank=rank, line=line, score=score))
    return found


def pick(
    candidates: Iterable[Candidate], most: int, said: Sequence[Collection[str]]
) -> list[Candidate]:
    """The best candidates, none of which repeats another or what was said."""
    chosen: list[Candidate] = []
    kept = list(said)
    for item in sorted(candidates, key=lambda item: -item.score):
        if len(chosen) == most:
            break
        bag = frozenset(item.line.text.casefold().split())
        if not any(_alike(bag, other) for other in kept):
            chosen.append(item)
            kept.append(bag)
    return chosen


def reading_order(chosen: Iterable[Candidate]) -> list[Candidate]:
    """By the rank of the passages, and within one as the source has them."""
    return sorted(chosen, key=lambda item: (item.rank, item.line.start))


def claim_of(item: Candidate) -> Claim:
    """The sentence as a claim that cites itself."""
    passage, line = item.hit.passage, item.line
    citation = Citation(
        source_id=passage.source_id,
        passage_id=passage.passage_id,
        start=line.start,
        end=line.end,
        quote=line.text,
        verdict=Verdict.UNVERIFIED,
    )
    return Claim(text=line.text, citations=(citation,))


def _alike(one: Collection[str], other: Collection[str]) -> bool:
    shared = len(set(one) & set(other))
    return shared >= SAME * max(min(len(one), len(other)), 1)
