"""Sentences that sections written side by side have in common, each kept in the first. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from wiseflow.core.authoring import Draft, Evidence
from wiseflow.core.report import Claim

# Sentences that share more of their words than this say the same.
SAME = 0.7

Words = frozenset[str]


def words_of(text: str) -> Words:
    """The words of a sentence, to be compared by ``alike``."""
    return frozenset(text.casefold().split())


def alike(one: Collection[str], other: Collection[str]) -> bool:
    """Whether two sentences say the same, by their words."""
    shared = len(set(one).intersection(other))
    return shared >= SAME * max(min(len(one), len(other)), 1)


def without_repeats(drafts: Sequence[Draft], evidence: Sequence[Sequence[Evidence]]) -> list[Draft]:
    """The drafts of all sections without what those before hold.

    A section gets as many of its spare claims as it loses, and is put in reading order again.

    Args:
        drafts: of all sections, in order.
        evidence: what each was written from.
    """
    said: list[Words] = []
    return [_new_in(draft, given, said) for draft, given in zip(drafts, evidence, strict=True)]


def _new_in(draft: Draft, evidence: Sequence[Evidence], said: list[Words]) -> Draft:
    """What a draft adds to ``said``, which then holds it, too."""
    before = list(said)
    kept = [claim for claim in draft.claims if not _is_said(claim, before)]
    said += [words_of(claim.text) for claim in kept]
    lost = len(draft.claims) - len(kept)
    if not lost:
        return draft
    added = _spare(draft, said, lost)
    if not added:
        # In the order in which they were written, which may be other than that of the passages.
        return replace(draft, claims=tuple(kept))
    kept += added
    ranks = {item.hit.passage.passage_id: rank for rank, item in enumerate(evidence)}
    kept.sort(key=lambda claim: _place(claim, ranks))
    return replace(draft, claims=tuple(kept))


def _spare(draft: Draft, said: list[Words], most: int) -> list[Claim]:
    """Up to ``most`` spare claims that nobody says, which ``said`` then holds, too."""
    added: list[Claim] = []
    for claim in draft.spare:
        if len(added) < most and not _is_said(claim, said):
            added.append(claim)
            said.append(words_of(claim.text))
    return added


def _is_said(claim: Claim, said: Sequence[Words]) -> bool:
    bag = words_of(claim.text)
    return any(alike(bag, other) for other in said)


def _place(claim: Claim, ranks: dict[str, int]) -> tuple[int, int]:
    first = claim.citations[0]
    return ranks.get(first.passage_id, len(ranks)), first.start
