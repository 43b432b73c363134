"""What stands in the place of a claim that its passages do not support: one of theirs. Pure."""

from __future__ import annotations

from wiseflow.core.authoring import Doubt, Opinion
from wiseflow.core.documents import Hit
from wiseflow.core.report import Citation, Claim
from wiseflow.research.extractive.reading import Line, content_terms, lines

# A sentence that shares less of the claim's words than this is about something else.
LEAST_SHARED = 0.3


def reconsider(doubt: Doubt) -> Opinion:
    """The sentence of the cited passages nearest to a claim that words find unsupported.

    Sentences are taken word for word, so nobody's judgement is needed; there is none on the claim.
    """
    if not doubt.fault:
        return Opinion()
    found = [(hit, line) for hit in doubt.passages for line in lines(hit)]
    shares = [_share(doubt.claim.text, hit, line) for hit, line in found]
    best = max(range(len(found)), key=shares.__getitem__, default=-1)
    if best < 0 or shares[best] < LEAST_SHARED:
        return Opinion()
    return Opinion(rewritten=_claim_of(*found[best]))


def _share(text: str, hit: Hit, line: Line) -> float:
    wanted = set(content_terms(text, hit.language))
    return len(wanted & line.terms) / max(1, len(wanted))


def _claim_of(hit: Hit, line: Line) -> Claim:
    citation = Citation(
        source_id=hit.passage.source_id,
        passage_id=hit.passage.passage_id,
        start=line.start,
        end=line.end,
        quote=line.text,
    )
    return Claim(text=line.text, citations=(citation,))
