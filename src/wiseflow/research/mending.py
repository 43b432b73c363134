"""What becomes of claims that words do not find supported. Pure.

A claim that one of its citations supports loses those that do not. Of any other, an opinion is
asked for. What then is unsupported by all its citations is written anew, once, if its passages
hold something of it, and looked at by words again; what still fails is marked or withdrawn.

A summary is mended by what it rests on: claims that were looked at already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from wiseflow.core.authoring import Doubt, Opinion
from wiseflow.core.configuration import Unsupported
from wiseflow.core.documents import Hit
from wiseflow.core.report import Citation, Claim, Verdict
from wiseflow.research.verifying import VERDICTS, VETOES, Reason, Surroundings, agreed, compare
from wiseflow.text import words

Reasons = tuple[Reason, ...]
# In characters; what is longer was no sentence.
LONGEST_SENTENCE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """Claims after mending.

    Args:
        claims: that are left, in their order; the opinions on them stand in their citations.
        repaired: how many were written anew, or lost a citation.
        withdrawn: how many are left out.
    """

    claims: tuple[Claim, ...]
    repaired: int = 0
    withdrawn: int = 0


def is_quoted(claim: Claim) -> bool:
    """Whether a claim stands, word for word, in all that it cites: nothing is to be doubted."""
    return all(claim.text and claim.text in citation.quote for citation in claim.citations)


def is_failing(claim: Claim, reasons: Reasons) -> bool:
    """Whether no citation of a claim supports it or may do so, by words and the opinions on it."""
    verdicts = verdicts_of(claim, reasons)
    return bool(verdicts) and set(verdicts) == {Verdict.UNSUPPORTED}


def fails(claim: Claim) -> bool:
    """Whether mending left a claim unsupported by all that it cites."""
    return all(citation.verdict is Verdict.UNSUPPORTED for citation in claim.citations)


def is_supported(claim: Claim, reasons: Reasons) -> bool:
    """Whether a citation of a claim supports it."""
    return Verdict.SUPPORTED in verdicts_of(claim, reasons)


def verdicts_of(claim: Claim, reasons: Reasons) -> list[Verdict]:
    """The verdicts on a claim's citations, by words and the opinions on it."""
    found = zip(claim.citations, reasons, strict=True)
    return [agreed(reason, citation.verdict) for citation, reason in found]


def doubt_of(claim: Claim, reasons: Reasons, passages: dict[str, Hit]) -> Doubt | None:
    """The doubt about a claim; ``None`` when words find that one of its citations supports it.

    Args:
        claim: as it was written.
        reasons: what words find of its citations.
        passages: that it may cite, by id.
    """
    if not reasons or is_supported(claim, reasons):
        return None
    cited = dict.fromkeys(citation.passage_id for citation in claim.citations)
    wrong = [reason for reason in reasons if VERDICTS[reason] is Verdict.UNSUPPORTED]
    # What is vetoed is worth more to say than that words are missing.
    wrong.sort(key=lambda reason: reason not in VETOES)
    return Doubt(
        claim=claim,
        passages=tuple(passages[one] for one in cited if one in passages),
        fault=str(wrong[0]) if wrong else "",
    )


def heard(claim: Claim, reasons: Reasons, opinion: Opinion) -> Claim:
    """The claim with an opinion in its citations; what is supported cites where that was seen."""
    if opinion.verdict is not Verdict.SUPPORTED:
        return _with_opinion(claim, opinion.verdict)
    seen = {citation.passage_id: citation for citation in opinion.citations}
    citations = (
        replace(seen[citation.passage_id], verdict=Verdict.SUPPORTED)
        if citation.passage_id in seen and reason not in VETOES
        else citation
        for citation, reason in zip(claim.citations, reasons, strict=True)
    )
    return replace(claim, citations=tuple(citations))


def mend(
    claims: Sequence[Claim],
    reasons: Sequence[Reasons],
    opinions: Sequence[Opinion | None],
    look: Callable[[Claim], Reasons],
    unsupported: Unsupported,
) -> Mended:
    """The claims of a section, mended.

    Args:
        claims: as they were written.
        reasons: what words find of each.
        opinions: on each; ``None`` where there was no doubt.
        look: gives what words find of another claim.
        unsupported: what becomes of what cannot be mended.
    """
    kept: list[Claim] = []
    repaired = withdrawn = 0
    for claim, found, opinion in zip(claims, reasons, opinions, strict=True):
        made = _without_idle(claim, found) if opinion is None else heard(claim, found, opinion)
        if opinion is not None and is_failing(made, look(made)):
            made = _rewritten(made, opinion, look)
        if is_failing(made, look(made)):
            if unsupported is Unsupported.DROP:
                withdrawn += 1
                continue
            made = _with_opinion(made, Verdict.UNSUPPORTED)
        repaired += made.text != claim.text or len(made.citations) < len(claim.citations)
        kept.append(made)
    return Mended(claims=tuple(kept), repaired=repaired, withdrawn=withdrawn)


def mend_summary(
    summary: Sequence[Claim],
    held: Sequence[tuple[Claim, Reasons]],
    look: Callable[[Claim], Reasons],
    unsupported: Unsupported,
    *,
    language: str,
) -> Mended:
    """The summary, mended by the claims that it rests on.

    A sentence that one of them says is as well supported as that is. One that nothing supports
    gives way to the nearest of them.

    Args:
        summary: as it was written; opinions on what it rests on are none on it.
        held: the claims of all sections with what words find of each.
        look: gives what words find of a claim.
        unsupported: what becomes of what cannot be mended.
        language: ISO 639-1 code of the report, or "".
    """
    kept: list[Claim] = []
    repaired = withdrawn = 0
    for claim in summary:
        made = _inherited(_with_opinion(claim, Verdict.UNVERIFIED), held, look, language)
        if is_failing(made, look(made)):
            said = {one.text for one in (*summary, *kept)}
            nearest = _nearest(made, held, said, language)
            if nearest is not None:
                kept.append(nearest)
                repaired += 1
                continue
            if unsupported is Unsupported.DROP:
                withdrawn += 1
                continue
        kept.append(made)
    return Mended(claims=tuple(kept), repaired=repaired, withdrawn=withdrawn)


def _without_idle(claim: Claim, reasons: Reasons) -> Claim:
    """The claim without citations that do not support it, where another one does."""
    if not is_supported(claim, reasons):
        return claim
    found = zip(claim.citations, verdicts_of(claim, reasons), strict=True)
    kept = tuple(citation for citation, verdict in found if verdict is not Verdict.UNSUPPORTED)
    return replace(claim, citations=kept)


def _rewritten(claim: Claim, opinion: Opinion, look: Callable[[Claim], Reasons]) -> Claim:
    """What was written in the place of a claim, or else what the judge saw, if it does not fail."""
    other = opinion.rewritten or _seen(opinion)
    if other is None or not other.citations or is_failing(other, look(other)):
        return claim
    return _without_idle(other, look(other))


def _seen(opinion: Opinion) -> Claim | None:
    """The sentence in which a judge saw support that words veto: it says what is so."""
    if not opinion.citations or len(opinion.citations[0].quote) > LONGEST_SENTENCE:
        return None
    (first, *_) = opinion.citations
    return Claim(text=" ".join(first.quote.split()), citations=(first,))


def _with_opinion(claim: Claim, opinion: Verdict) -> Claim:
    citations = (replace(citation, verdict=opinion) for citation in claim.citations)
    return replace(claim, citations=tuple(citations))


def _inherited(
    claim: Claim,
    held: Sequence[tuple[Claim, Reasons]],
    look: Callable[[Claim], Reasons],
    language: str,
) -> Claim:
    """A sentence of the summary with the opinion that what it rests on gives it."""
    reasons = look(claim)
    if is_supported(claim, reasons):
        return _without_idle(claim, reasons)
    bases = [one for one, found in held if is_supported(one, found) and _share_source(one, claim)]
    saying = [one for one in bases if _says(one, bases, claim, language)]
    spans = {_span(citation) for one in saying for citation in one.citations}
    citations = (
        replace(citation, verdict=Verdict.SUPPORTED) if _span(citation) in spans else citation
        for citation in claim.citations
    )
    return replace(claim, citations=tuple(citations))


def _says(base: Claim, bases: Iterable[Claim], claim: Claim, language: str) -> bool:
    """Whether a claim, with the others that a sentence rests on, says all of the sentence."""
    if claim.text in base.text:
        return True
    beside = "\n".join(one.text for one in bases if one is not base)
    around = Surroundings(language=language, beside=beside)
    return compare(claim.text, base.text, language=language, around=around) is Reason.HELD


def _nearest(
    claim: Claim, held: Sequence[tuple[Claim, Reasons]], said: set[str], language: str
) -> Claim | None:
    """The claim of a section that cites the same and says most of a sentence."""
    wanted = set(words.content_stems(claim.text, language))
    bases = [
        one
        for one, found in held
        if _share_source(one, claim) and one.text not in said and not is_failing(one, found)
    ]
    return max(
        bases,
        key=lambda one: len(wanted.intersection(words.content_stems(one.text, language))),
        default=None,
    )


def _share_source(one: Claim, other: Claim) -> bool:
    spans = {_span(citation) for citation in one.citations}
    return any(_span(citation) in spans for citation in other.citations)


def _span(citation: Citation) -> tuple[str, int, int]:
    return citation.source_id, citation.start, citation.end
