"""What passages make one ask, and what drafts leave open, without a model. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wiseflow.core.authoring import Critique, Findings, Inquiry, Remark, WrittenSection
from wiseflow.research.extractive.choosing import greedy_set
from wiseflow.research.extractive.reading import Reading, content_terms, read
from wiseflow.research.extractive.wanting import Wanted
from wiseflow.text import words

# Passages that a question is read on from.
BRIDGES = 2
# Names of a passage that go into a query beside what it leaves open.
MOST_NAMES = 8
MOST_ENTITIES = 12
# A section with fewer claims than this is thin.
FEWEST_CLAIMS = 2


def read_on(inquiry: Inquiry, wanted: Wanted) -> Findings:
    """What the best passages for a question leave open, as further questions.

    Each of the best passages makes one ask for what it does not hold, together with those it
    names; then for each name by itself. Nothing tells that a question is answered: that takes a
    reader who understands it.

    Args:
        inquiry: the question and its passages.
        wanted: the question, read.
    """
    readings = [read(item.hit) for item in inquiry.evidence]
    best = [item.reading for item in greedy_set(readings, wanted, BRIDGES)]
    questions = dict.fromkeys([*(follow_up(wanted, one) for one in best), *_by_name(wanted, best)])
    names = dict.fromkeys(name for one in best for name in words.names(one.hit.passage.text))
    # Which passages help is told better by all of them together, when the section is written.
    return Findings(
        answered=False,
        entities=tuple(names)[:MOST_ENTITIES],
        questions=tuple(questions)[: inquiry.most],
    )


def criticise(written: Sequence[WrittenSection], wanted: Sequence[Wanted]) -> Critique:
    """The sections that say little, or leave out what their own title asks for.

    Args:
        written: all sections.
        wanted: what each of them is to tell, read.
    """
    remarks = (
        _remark(place, part, asked)
        for place, (part, asked) in enumerate(zip(written, wanted, strict=True))
    )
    return Critique(remarks=tuple(remark for remark in remarks if remark))


def follow_up(wanted: Wanted, reading: Reading) -> str:
    """The second query of a question: what the first passage leaves uncovered, and its names."""
    names = sorted(reading.names, key=reading.running.find)[:MOST_NAMES]
    return " ".join([*_uncovered(wanted, reading), reading.hit.passage.title, *names])


def _by_name(wanted: Wanted, best: Sequence[Reading]) -> Iterator[str]:
    """A query for each name that passages bring up, with what they leave uncovered."""
    for reading in best:
        uncovered = _uncovered(wanted, reading)
        for name in sorted(reading.names, key=reading.running.find):
            if name != reading.name and not wanted.tells_of(name):
                yield " ".join([name, *uncovered])


def _uncovered(wanted: Wanted, reading: Reading) -> list[str]:
    return [word for term, word in wanted.words.items() if term not in reading.counts]


def _remark(place: int, part: WrittenSection, wanted: Wanted) -> Remark | None:
    """Why a section is to be mended, or ``None``."""
    language = part.evidence[0].hit.language if part.evidence else ""
    held = {term for claim in part.draft.claims for term in content_terms(claim.text, language)}
    missing = [word for term, word in wanted.words.items() if term not in held]
    title = part.section.title
    if len(part.draft.claims) < FEWEST_CLAIMS:
        problem = f"The section “{title}” says too little."
        return Remark(section=place, problem=problem, queries=(f"{title} {' '.join(missing)}",))
    if len(missing) == len(wanted.words):
        problem = f"The section “{title}” says nothing of what its title names."
        return Remark(section=place, problem=problem, queries=(title,))
    return None
