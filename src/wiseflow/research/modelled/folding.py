"""Sentences of one author that say the same, of which one is kept. Pure.

A model that reads a fact in several passages often writes it once for each.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wiseflow.core.report import Claim
from wiseflow.text import words

# A sentence may go on for so many content words and yet say no more: "the register gives".
MOST_FURTHER = 3
FEWEST_SHARED = 4


@dataclass(frozen=True, slots=True)
class _Said:
    """What is compared of a claim."""

    claim: Claim
    stems: frozenset[str]
    names: tuple[str, ...]
    numbers: frozenset[str]
    negated: bool

    def repeats(self, other: _Said) -> bool:
        """Whether this says no more and no less than ``other``, by their words.

        Names are compared in their order: "A bought B" is not "B bought A".
        """
        if self.claim.text == other.claim.text:
            return True
        fewer, more = sorted((self.stems, other.stems), key=len)
        return (
            len(fewer) >= FEWEST_SHARED
            and fewer <= more
            and len(more) - len(fewer) <= MOST_FURTHER
            and (self.names, self.numbers, self.negated)
            == (other.names, other.numbers, other.negated)
        )


def folded(claims: Iterable[Claim], language: str) -> tuple[Claim, ...]:
    """The claims, those that say the same made one, where the first of them stood.

    The one with the fewest words is kept, with its own citations: what another source says in other
    words need not support it to the letter.

    Args:
        claims: of one section, or of the summary.
        language: ISO 639-1 code of the text, or "".
    """
    said = [_said(claim, language) for claim in claims]
    kept: dict[int, _Said] = {}  # by the place of the first that says it
    for place, one in sorted(enumerate(said), key=lambda item: len(item[1].stems)):
        same = next((at for at, other in kept.items() if one.repeats(other)), None)
        if same is None:
            kept[place] = one
        elif place < same:
            kept[place] = kept.pop(same)
    return tuple(kept[place].claim for place in sorted(kept))


def _said(claim: Claim, language: str) -> _Said:
    return _Said(
        claim=claim,
        stems=frozenset(words.content_stems(claim.text, language)),
        names=tuple(words.fold(name) for name in words.names(claim.text)),
        numbers=words.numbers(claim.text),
        negated=words.is_negated(claim.text, language),
    )
