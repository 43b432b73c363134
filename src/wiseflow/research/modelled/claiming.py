"""From what a model says to claims with citations. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from wiseflow.core.authoring import WrittenSection
from wiseflow.core.configuration import Configuration
from wiseflow.core.report import Claim
from wiseflow.research.modelled.answers import Statement
from wiseflow.research.modelled.citing import Quotable
from wiseflow.research.modelled.prompting import Piece, piece

T = TypeVar("T")
MOST_CITATIONS = 4


def numbered(letter: str, items: Iterable[T]) -> dict[str, T]:
    """The items by the ids that a model cites them by: ``p1``, ``p2`` and so on."""
    return {f"{letter}{number}": item for number, item in enumerate(items, start=1)}


def claim_of(said: Statement, known: Mapping[str, Quotable]) -> Claim:
    """A sentence with the characters that it rests on; its ids are all known."""
    citations = (known[one].citation(said.text, said.quote) for one in said.ids[:MOST_CITATIONS])
    return Claim(text=said.text, citations=tuple(citations))


def summed(said: Statement, known: Mapping[str, Claim]) -> Claim:
    """A sentence of the summary: it cites what the claims cite that it rests on."""
    cited = [known[one].citations for one in said.ids]
    distinct_citations = {
        (citation.source_id, citation.start, citation.end): citation
        for citation in _alternating(cited)
    }
    return Claim(text=said.text, citations=tuple(distinct_citations.values())[:MOST_CITATIONS])


def in_turns(written: Sequence[WrittenSection]) -> tuple[Piece, ...]:
    """All claims as pieces, in turns of the sections, so that none is left out as a whole.

    Their numbers go in reading order.
    """
    number = 0
    rows: list[list[Piece]] = []
    for part in written:
        row: list[Piece] = []
        for claim in part.draft.claims:
            number += 1
            row.append(piece(f"c{number}", part.section.title, claim.text))
        rows.append(row)
    return tuple(_alternating(rows))


def not_found(configuration: Configuration, written: Sequence[WrittenSection]) -> tuple[str, ...]:
    """What was asked for and is not held, as sentences."""
    lines = [
        f"No passage was found for the section “{part.section.title}”."
        if not part.evidence
        else f"The passages found for the section “{part.section.title}” hold nothing on it"
        " that is not said elsewhere."
        for part in written
        if not part.draft.claims
    ]
    said = " ".join(item.hit.passage.text for part in written for item in part.evidence).casefold()
    lines += [
        f"No passage found names “{name}”."
        for name in configuration.focus_entities
        if name.casefold() not in said
    ]
    return tuple(lines)


def _alternating(rows: Sequence[Sequence[T]]) -> Iterator[T]:
    """The first of each row, then the second of each, and so on."""
    for place in range(max(map(len, rows), default=0)):
        for row in rows:
            if place < len(row):
                yield row[place]
