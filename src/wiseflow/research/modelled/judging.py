"""What a second judge is shown of doubted claims, and what is made of its answer. Pure.

A judge who finds a claim supported has to point at the sentence that says so; an opinion whose
quote is not in a passage that the claim cites counts for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wiseflow.core.authoring import Doubt, Doubts, Opinion
from wiseflow.core.report import Citation, Claim, Verdict
from wiseflow.research.modelled.answers import LONGEST_CLAIM, LONGEST_QUOTE, Statement, ids_in
from wiseflow.research.modelled.citing import Quotable
from wiseflow.research.modelled.claiming import claim_of, numbered
from wiseflow.research.modelled.forms import Faulty, JudgementForm, JudgementsForm
from wiseflow.research.modelled.prompting import one_line

# A section has fewer; what is beyond is left with the verdicts of words.
MOST_DOUBTS = 12
VERDICT_WORDS = (Verdict.SUPPORTED.value, Verdict.UNSUPPORTED.value)

_LINE = re.compile(r"\W{0,4}(c\d{1,3})\W{1,4}(\S.*)", re.IGNORECASE)
_NONE = re.compile(r"\W*(?:none|no|unsupported|not supported)\b.{0,20}$", re.IGNORECASE)
_YES = re.compile(r"\W*(?:supported|yes|true|entailed)", re.IGNORECASE)
_NO = re.compile(r"\W*(?:un|not|no\b|false|part|contradict|refuted|wrong|neutral)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a judge says of one claim.

    Args:
        claim: its id.
        verdict: supported, unsupported, or unverified where the answer says neither.
        quote: where it saw that.
        text: what could stand in its place, or "".
        ids: of the passages of ``text``.
    """

    claim: str
    verdict: Verdict
    quote: str
    text: str = ""
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A doubted claim as a prompt shows it.

    Args:
        id: of it: ``c1``.
        text: what it says.
        cites: the ids of the passages it cites, as a list in words.
        fault: what words find wrong with it, or "".
    """

    id: str
    text: str
    cites: str
    fault: str


def passages_of(doubts: Doubts) -> dict[str, Quotable]:
    """The passages that doubted claims cite, by the ids that the prompt gives them."""
    hits = {hit.passage.passage_id: hit for doubt in _looked_at(doubts) for hit in doubt.passages}
    return numbered("p", [Quotable(hit) for hit in hits.values()])


def shown(doubts: Doubts, known: Mapping[str, Quotable]) -> tuple[Shown, ...]:
    """The doubted claims, as the prompt shows them."""
    ids = {quotable.hit.passage.passage_id: one for one, quotable in known.items()}
    return tuple(
        Shown(
            id=number,
            text=one_line(doubt.claim.text, longest=LONGEST_CLAIM),
            cites=", ".join(ids[hit.passage.passage_id] for hit in doubt.passages) or "nothing",
            fault=doubt.fault,
        )
        for number, doubt in numbered("c", _looked_at(doubts)).items()
    )


def opinions_of(
    doubts: Doubts, judgements: Iterable[Judgement], known: Mapping[str, Quotable]
) -> tuple[Opinion, ...]:
    """An opinion on each doubted claim, in order; none where the judge gave none."""
    said = {judgement.claim: judgement for judgement in judgements}
    return tuple(
        _opinion(doubt, said[number], known) if number in said else Opinion()
        for number, doubt in numbered("c", doubts.doubts).items()
    )


def judgements_of(form: JudgementsForm) -> tuple[Judgement, ...]:
    """What an answer says of each claim. Raises ``Faulty`` when it names no claim."""
    found = tuple(_judgement(one) for one in form.judgements)
    if not any(one.claim for one in found):
        raise Faulty("judgements.0.claim: give the id of the claim that is judged")
    return found


def judgements_of_lines(text: str) -> tuple[Judgement, ...]:
    """The same from lines: ``c1: the sentence that says so``, ``c2: none``. Raises ``Faulty``."""
    found = tuple(
        Judgement(
            claim=line[1].lower(),
            verdict=Verdict.UNSUPPORTED if _NONE.match(line[2]) else Verdict.SUPPORTED,
            quote=line[2][:LONGEST_QUOTE],
        )
        for line in map(_LINE.match, text.splitlines())
        if line
    )
    if not found:
        raise Faulty("no line begins with the id of a claim and a colon")
    return found


def _looked_at(doubts: Doubts) -> Sequence[Doubt]:
    return doubts.doubts[:MOST_DOUBTS]


def _judgement(form: JudgementForm) -> Judgement:
    verdict = (
        Verdict.UNSUPPORTED
        if _NO.match(form.verdict)
        else Verdict.SUPPORTED
        if _YES.match(form.verdict)
        else Verdict.UNVERIFIED
    )
    return Judgement(
        claim=next(iter(ids_in([form.claim])), ""),
        verdict=verdict,
        quote=form.quote[:LONGEST_QUOTE],
        text=one_line(form.text, longest=LONGEST_CLAIM),
        ids=ids_in(form.passages),
    )


def _opinion(doubt: Doubt, said: Judgement, known: Mapping[str, Quotable]) -> Opinion:
    if said.verdict is Verdict.SUPPORTED:
        seen = _seen(doubt, said, known)
        return Opinion(verdict=Verdict.SUPPORTED, citations=seen) if seen else Opinion()
    return Opinion(verdict=said.verdict, rewritten=_rewritten(said, known))


def _seen(doubt: Doubt, said: Judgement, known: Mapping[str, Quotable]) -> tuple[Citation, ...]:
    """Where, in what the claim cites, the judge's quote stands."""
    cited = {hit.passage.passage_id for hit in doubt.passages}
    found = (
        quotable.quoted(said.quote)
        for quotable in known.values()
        if quotable.hit.passage.passage_id in cited
    )
    return tuple(citation for citation in found if citation is not None)[:1]


def _rewritten(said: Judgement, known: Mapping[str, Quotable]) -> Claim | None:
    ids = tuple(one for one in said.ids if one in known)
    if not (said.text and ids) or said.verdict is not Verdict.UNSUPPORTED:
        return None
    return claim_of(Statement(text=said.text, ids=ids, quote=said.quote), known)


# A form with what makes an answer of it, and what makes one of plain lines.
JUDGEMENTS = (JudgementsForm, judgements_of, judgements_of_lines)
