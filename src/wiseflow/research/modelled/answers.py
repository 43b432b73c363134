"""What models answer, as records: made from JSON of a form, or from plain lines. Pure.

What comes is taken as it is meant, where that is clear: marks within a sentence are its ids, each
of several sentences is a statement of its own. What is left is told as faults.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from wiseflow.research.modelled.forms import Faulty, PlanForm, SectionTextForm, SummaryForm
from wiseflow.research.modelled.prompting import one_line
from wiseflow.text.sentences import sentences

# In characters; what is longer is cut, or was not what was asked for.
LONGEST_CLAIM, LONGEST_TITLE, LONGEST_QUERY, LONGEST_QUOTE = 600, 120, 200, 1200
LONGEST_LINE = 4000

_IDS = re.compile(r"[A-Za-z]?\d{1,4}")
# A number alone is an id in square brackets only: "(1899)" is a year.
_LETTERED = r"(?:passages?\s|claims?\s)?[pc]\s?\d{1,4}|(?:passages?|claims?)\s\d{1,4}"
_ANY_ID = rf"(?:{_LETTERED}|\d{{1,2}})"
_NEXT = r"\s?[,;，、]\s?"
_MARK = re.compile(
    rf"\s?(?:[\[【]\s?({_ANY_ID}(?:{_NEXT}{_ANY_ID})*)\s?[\]】]"
    rf"|\(\s?((?:{_LETTERED})(?:{_NEXT}(?:{_LETTERED}))*)\s?\))",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^\s*(?:[-*+•–—]\s+|#{1,6}\s*|\(?\d{1,2}[.):]\s+)*")
_EMPHASIS = re.compile(r"\*\*|__|`")
_NOT_A_TITLE = re.compile(r"[:：.!?。！？]\s*$")
_STOPS = " .。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A section as a model plans it."""

    title: str
    queries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A plan as a model makes it; ``title`` and ``language`` may be ""."""

    title: str
    language: str
    sections: tuple[Topic, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A sentence as a model writes it.

    Args:
        text: without marks.
        ids: of what it rests on, as the model gave them, in lower case.
        quote: what the model took from the first of them, or "".
    """

    text: str
    ids: tuple[str, ...]
    quote: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """The sentences of a section or a summary, and what was not found."""

    claims: tuple[Statement, ...]
    not_found: tuple[str, ...] = ()


def outline_of(form: PlanForm) -> Outline:
    """A plan, its texts on one line each. Raises ``Faulty`` when no section has a title."""
    topics = (
        Topic(
            title=as_title(section.title),
            queries=tuple(one_line(query, longest=LONGEST_QUERY) for query in section.queries),
        )
        for section in form.sections
    )
    sections = tuple(topic for topic in topics if topic.title)
    if not sections:
        raise Faulty("sections: give each section a title")
    return Outline(title=as_title(form.title), language=form.language, sections=sections)


def outline_of_lines(text: str) -> Outline:
    """A plan from one title a line. Raises ``Faulty`` when no line is a title."""
    lines = [line for line in text.splitlines() if len(line) <= 2 * LONGEST_TITLE]
    titles = [as_title(line) for line in lines if not _NOT_A_TITLE.search(line)]
    sections = tuple(Topic(title=title) for title in titles if title)
    if not sections:
        raise Faulty("no line is a title")
    return Outline(title="", language="", sections=sections)


def statements_of(form: SectionTextForm) -> Statements:
    """The sentences of a section."""
    found = (_statements(claim.text, claim.passages, claim.quote) for claim in form.claims)
    return Statements(claims=tuple(statement for group in found for statement in group))


def summary_of(form: SummaryForm) -> Statements:
    """The sentences of a summary."""
    found = (_statements(claim.text, claim.claims, "") for claim in form.claims)
    missing = (one_line(line, longest=LONGEST_CLAIM) for line in form.not_found)
    return Statements(
        claims=tuple(statement for group in found for statement in group),
        not_found=tuple(line for line in missing if line),
    )


def statements_of_lines(text: str) -> Statements:
    """Sentences from lines with marks: ``A sentence [p1]``. Raises ``Faulty`` when none has one."""
    claims = [statement for line in text.splitlines() for statement in _of_line(line)]
    if not claims:
        raise Faulty("no line ends in the id of what it rests on, in square brackets")
    return Statements(claims=tuple(claims))


def as_title(text: str) -> str:
    """A title without bullets, numbers, emphasis and quotation marks around it."""
    line = _BULLET.sub("", _EMPHASIS.sub("", one_line(text, longest=LONGEST_TITLE)))
    return line.strip(" .:\"'“”‘’«»")


def ids_in(given: Iterable[str]) -> tuple[str, ...]:
    """The ids in these texts, each once, in lower case."""
    found = (one.lower() for text in given for one in _IDS.findall(text))
    return tuple(dict.fromkeys(found))


def _statements(text: str, given: Sequence[str], quote: str) -> list[Statement]:
    """A claim as statements: one for each of its sentences."""
    ids = ids_in([*given, *_marks(text)])
    said = _said(text)
    parts = [said[span.start : span.end] for span in sentences(said)]
    if len(parts) < 2:  # noqa: PLR2004 - the quote belongs to the whole
        return [Statement(text=said, ids=ids, quote=quote[:LONGEST_QUOTE])] if said else []
    return [Statement(text=part, ids=ids) for part in parts]


def _marks(text: str) -> Iterator[str]:
    return (found[0] for found in _MARK.finditer(text))


def _of_line(line: str) -> Iterator[Statement]:
    """The sentences of a line that marks stand after."""
    line = _BULLET.sub("", one_line(line, longest=LONGEST_LINE))
    before, ids = "", list[str]()
    start = 0
    for mark in _MARK.finditer(line):
        between = line[start : mark.start()].lstrip(_STOPS)
        if between and before:
            yield Statement(text=before, ids=ids_in(ids))
            ids = []
        before = _said(between) if between else before
        ids.append(mark[0])
        start = mark.end()
    if before:
        yield Statement(text=before, ids=ids_in(ids))


def _said(text: str) -> str:
    """What a sentence says, without marks and what nobody sees; "" where there are no words."""
    line = one_line(_EMPHASIS.sub("", _MARK.sub("", text)), longest=LONGEST_CLAIM).strip()
    return line if any(map(str.isalpha, line)) else ""


# A form with what makes an answer of it, and what makes one of plain lines.
PLAN = (PlanForm, outline_of, outline_of_lines)
SECTION = (SectionTextForm, statements_of, statements_of_lines)
SUMMARY = (SummaryForm, summary_of, statements_of_lines)
