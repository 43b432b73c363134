"""What a report says otherwise than an earlier one on the same: sources, claims, values. Pure.

Two claims are of the same when they share most of their words, numbers left aside; words that few
claims have count for more, and fewer are enough where both cite the same source. Claims that name
no one in common are of different things. Of one that is found again, it is told whether its numbers
or names are others now, and whether it is supported otherwise.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from wiseflow.core.report import Claim, Report, Section, SourceReference, Verdict
from wiseflow.text import words

# Shares of all words of two claims that both have. Fitted on reworded and changed facts of
# simulated worlds (proofs/planted_changes.py, seeds 101 to 103): lower ones pair different facts of
# one subject, higher ones take reworded facts for new ones.
SAME = 0.6
SAME_OF_ONE_SOURCE = 0.3
_WORST = (Verdict.SUPPORTED, Verdict.UNVERIFIED, Verdict.UNSUPPORTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPlace:
    """A claim and the title of its section; "" for the summary."""

    section: str
    claim: Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedClaim:
    """A claim that is found again, and says something else.

    Args:
        before, after: the claim.
        old_values: numbers and names that only the one before has.
        new_values: those that only the one after has.
        old_verdict, new_verdict: the worst of its citations; ``None`` where it has none.
    """

    before: ClaimPlace
    after: ClaimPlace
    old_values: tuple[str, ...] = ()
    new_values: tuple[str, ...] = ()
    old_verdict: Verdict | None = None
    new_verdict: Verdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedSource:
    """A source whose text is another now."""

    before: SourceReference
    after: SourceReference


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changed from one report to the next.

    Args:
        research_id: of the later report.
        since_id: of the earlier one.
        title: of the later report.
        new_sources, vanished_sources, changed_sources: of the bibliographies.
        new_claims: what was not said before.
        dropped_claims: what is not said any more.
        changed_values: claims with other numbers or names.
        changed_verdicts: claims that are supported otherwise.
        kept: how many claims say the same.
    """

    research_id: str
    since_id: str
    title: str
    new_sources: tuple[SourceReference, ...] = ()
    vanished_sources: tuple[SourceReference, ...] = ()
    changed_sources: tuple[ChangedSource, ...] = ()
    new_claims: tuple[ClaimPlace, ...] = ()
    dropped_claims: tuple[ClaimPlace, ...] = ()
    changed_values: tuple[ChangedClaim, ...] = ()
    changed_verdicts: tuple[ChangedClaim, ...] = ()
    kept: int = 0

    @property
    def nothing(self) -> bool:
        """Whether the later report says what the earlier one did, from the same sources."""
        sources = (self.new_sources, self.vanished_sources, self.changed_sources)
        claims = (self.new_claims, self.dropped_claims, self.changed_values, self.changed_verdicts)
        return not any((*sources, *claims))


def changes_between(before: Report, after: Report) -> Changes:
    """What changed from a report to a later one."""
    old, new = _sayings(before), _sayings(after)
    pairs = _paired(old, new)
    found_old, found_new = {one for one, _ in pairs}, {other for _, other in pairs}
    judged = [_changed(old[one], new[other]) for one, other in pairs]
    values = tuple(one for one in judged if one.old_values)
    verdicts = tuple(one for one in judged if one.old_verdict is not one.new_verdict)
    old_sources, new_sources = _by_place(before), _by_place(after)
    return Changes(
        research_id=after.id,
        since_id=before.id,
        title=after.title or after.topic,
        new_sources=tuple(one for key, one in new_sources.items() if key not in old_sources),
        vanished_sources=tuple(one for key, one in old_sources.items() if key not in new_sources),
        changed_sources=tuple(
            ChangedSource(before=old_sources[key], after=one)
            for key, one in new_sources.items()
            if key in old_sources and old_sources[key].sha256 != one.sha256
        ),
        new_claims=tuple(one.place for n, one in enumerate(new) if n not in found_new),
        dropped_claims=tuple(one.place for n, one in enumerate(old) if n not in found_old),
        changed_values=values,
        changed_verdicts=verdicts,
        kept=len(pairs) - len(values),
    )


def place_of(source: SourceReference) -> str:
    """What makes two sources the same whatever they hold: their address, their path or their id."""
    if source.url:
        parts = urlsplit(source.url)
        query = f"?{parts.query}" if parts.query else ""
        return f"{parts.netloc.lower()}{parts.path.rstrip('/')}{query}"
    return source.path or source.id


@dataclass(frozen=True)
class _Saying:
    """A claim with what it is compared by; not slotted, as that is made once and kept."""

    place: ClaimPlace
    language: str
    sources: frozenset[str]

    @cached_property
    def line(self) -> str:
        return " ".join(self.place.claim.text.casefold().split())

    @cached_property
    def stems(self) -> frozenset[str]:
        found = words.content_stems(self.place.claim.text, self.language)
        return frozenset(one for one in found if not any(sign.isdigit() for sign in one))

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(words.fold(name) for name in words.names(self.place.claim.text))

    @cached_property
    def values(self) -> tuple[str, ...]:
        """Its numbers, and names with what they are written as."""
        text = self.place.claim.text
        return (*sorted(words.numbers(text)), *words.names(text))

    @property
    def verdict(self) -> Verdict | None:
        verdicts = {citation.verdict for citation in self.place.claim.citations}
        return max(verdicts, key=_WORST.index, default=None)


def _sayings(report: Report) -> list[_Saying]:
    """The claims of a report, each once: sections first, as a summary repeats them."""
    places = {source.id: place_of(source) for source in report.sources}
    found: dict[str, _Saying] = {}
    for place in _claims(report):
        cited = (citation.source_id for citation in place.claim.citations)
        saying = _Saying(
            place=place,
            language=report.language,
            sources=frozenset(places.get(one, one) for one in cited),
        )
        found.setdefault(saying.line, saying)
    return list(found.values())


def _claims(report: Report) -> Iterator[ClaimPlace]:
    for section in report.sections:
        yield from _claims_of(section)
    for claim in report.summary:
        yield ClaimPlace(section="", claim=claim)


def _claims_of(section: Section) -> Iterator[ClaimPlace]:
    for claim in section.claims:
        yield ClaimPlace(section=section.title, claim=claim)
    for subsection in section.subsections:
        yield from _claims_of(subsection)


def _paired(old: Sequence[_Saying], new: Sequence[_Saying]) -> list[tuple[int, int]]:
    """Which claims say something of the same, by their places; each at most once, best first."""
    weights = _weights((*old, *new))
    lines = {one.line: place for place, one in enumerate(old)}
    pairs = [(lines[one.line], place) for place, one in enumerate(new) if one.line in lines]
    taken_old, taken_new = {one for one, _ in pairs}, {other for _, other in pairs}
    scored = sorted(
        (
            (-score, one, other)
            for one, saying in enumerate(old)
            if one not in taken_old
            for other, candidate in enumerate(new)
            if other not in taken_new and (score := _likeness(saying, candidate, weights))
        )
    )
    for _, one, other in scored:
        if one not in taken_old and other not in taken_new:
            pairs.append((one, other))
            taken_old.add(one)
            taken_new.add(other)
    return sorted(pairs, key=lambda pair: pair[1])


def _weights(sayings: Sequence[_Saying]) -> Mapping[str, float]:
    """How much a word tells of what a claim is about: the fewer claims have it, the more.

    Source: Karen Spärck Jones, "A statistical interpretation of term specificity", 1972.
    """
    held = Counter(stem for one in sayings for stem in one.stems)
    return {stem: math.log1p(len(sayings) / count) for stem, count in held.items()}


def _likeness(one: _Saying, other: _Saying, weights: Mapping[str, float]) -> float:
    """How much two claims have in common, 0 to 1; 0 when it is too little."""
    if one.names and other.names and not one.names & other.names:
        return 0.0
    every = sum(weights[stem] for stem in one.stems | other.stems)
    shared = sum(weights[stem] for stem in one.stems & other.stems) / (every or 1.0)
    least = SAME_OF_ONE_SOURCE if one.sources & other.sources else SAME
    return shared if shared >= least else 0.0


def _changed(before: _Saying, after: _Saying) -> ChangedClaim:
    old, new = _only_in(before, after), _only_in(after, before)
    # What only one of them has is told in more or less detail, and is no other value.
    changed = bool(old and new)
    return ChangedClaim(
        before=before.place,
        after=after.place,
        old_values=old if changed else (),
        new_values=new if changed else (),
        old_verdict=before.verdict,
        new_verdict=after.verdict,
    )


def _only_in(one: _Saying, other: _Saying) -> tuple[str, ...]:
    """The values that only the first has; a name of which a part is there, too, is none."""
    there = words.fold(other.place.claim.text)
    return tuple(
        value
        for value in one.values
        if value not in other.values and not _stands(value, there, other)
    )


def _stands(value: str, text: str, other: _Saying) -> bool:
    if value[:1].isdigit():
        return value in words.numbers(other.place.claim.text)
    return any(part in text.split() for part in words.fold(value).split())


def _by_place(report: Report) -> dict[str, SourceReference]:
    return {place_of(source): source for source in report.sources}
