"""What a model is asked for, before it is fitted to its room: a function a purpose. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from wiseflow.core.authoring import (
    Assignment,
    Critique,
    Doubts,
    Findings,
    Gathered,
    Inquiry,
    WrittenSection,
)
from wiseflow.core.configuration import Configuration
from wiseflow.research.modelled.answers import PLAN, SECTION, SUMMARY, Outline, Statements
from wiseflow.research.modelled.citing import Quotable
from wiseflow.research.modelled.claiming import in_turns
from wiseflow.research.modelled.forms import CritiqueForm, ReadingForm
from wiseflow.research.modelled.inquiring import (
    critique_of,
    critique_of_lines,
    findings_of,
    findings_of_lines,
)
from wiseflow.research.modelled.judging import JUDGEMENTS, VERDICT_WORDS, Judgement, shown
from wiseflow.research.modelled.lengths import (
    SECTION_CLAIMS,
    SUMMARY_CLAIMS,
    critique_tokens,
    judging_tokens,
    plan_tokens,
    reading_tokens,
    section_tokens,
    summary_tokens,
)
from wiseflow.research.modelled.outlining import MOST_SECTIONS, extracts
from wiseflow.research.modelled.prompting import Piece, language_line, one_line, piece
from wiseflow.research.modelled.structured import Form, form, of_ids, within

T = TypeVar("T")
LONGEST_TOPIC = 2000
# Of what was asked already, a reader is told so many.
MOST_ASKED = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose(Generic[T]):
    """What a model is asked for.

    Args:
        step, closing: as in ``Ask``.
        template: of the prompt; that of the simpler one has ``_simpler`` after it.
        values: what the templates show beside the pieces.
        pieces: what the model is given, the best first.
        form: of the answer, by the ids of the pieces that there was room for.
        answer_tokens: how long the answer may have to be.
    """

    step: str
    template: str
    values: Mapping[str, object]
    pieces: tuple[Piece, ...]
    form: Callable[[Sequence[str]], Form[T]]
    answer_tokens: int
    closing: bool = False


def planning(topic: str, configuration: Configuration, overview: Gathered) -> Purpose[Outline]:
    """A plan of sections, from what an overview shows."""
    most = len(configuration.report_structure) or MOST_SECTIONS[configuration.length]
    queries = configuration.number_of_queries
    return Purpose(
        step="plan",
        template="plan",
        values={
            "topic": topic[:LONGEST_TOPIC],
            "structure": configuration.report_structure,
            "entities": ", ".join(configuration.focus_entities),
            "language": language_line(configuration.language or "", otherwise="topic"),
            "most_sections": most,
            "most_queries": queries,
        },
        pieces=extracts(overview),
        form=lambda _: _PLAN,
        answer_tokens=plan_tokens(most, queries),
    )


def reading(inquiry: Inquiry, known: Mapping[str, Quotable]) -> Purpose[Findings]:
    """What passages show, and what is to be asked next."""
    return Purpose(
        step=inquiry.step,
        template="read",
        values={
            "topic": inquiry.topic[:LONGEST_TOPIC],
            "question": inquiry.question,
            "asked": list(inquiry.asked[-MOST_ASKED:]),
            "most": inquiry.most,
            "language": language_line(inquiry.language, otherwise="topic"),
        },
        pieces=_passages(known),
        form=lambda _: _READING,
        answer_tokens=reading_tokens(inquiry.most),
    )


def writing(assignment: Assignment, known: Mapping[str, Quotable]) -> Purpose[Statements]:
    """A section, from numbered passages."""
    return Purpose(
        step=f"sections/{assignment.place}/draft",
        template="write",
        values={
            "topic": assignment.topic[:LONGEST_TOPIC],
            "title": assignment.section.title,
            "remarks": list(assignment.remarks),
            "most": SECTION_CLAIMS[assignment.length],
            "language": language_line(assignment.language, otherwise="topic"),
        },
        pieces=_passages(known),
        form=lambda ids: within(_SECTION, "passages", ids),
        answer_tokens=section_tokens(assignment.length),
    )


def criticising(
    topic: str, configuration: Configuration, written: Sequence[WrittenSection]
) -> Purpose[Critique]:
    """What is wanting in the sections, from their claims."""
    return Purpose(
        step="critique",
        template="critique",
        values={
            "topic": topic[:LONGEST_TOPIC],
            "titles": [part.section.title for part in written],
            "most_queries": configuration.number_of_queries,
            "language": language_line(configuration.language or "", otherwise="claims"),
        },
        pieces=in_turns(written),
        form=lambda _: _CRITIQUE,
        answer_tokens=critique_tokens(len(written), configuration.number_of_queries),
    )


def judging(doubts: Doubts, known: Mapping[str, Quotable]) -> Purpose[tuple[Judgement, ...]]:
    """Whether passages support claims, and what they do support."""
    claims = shown(doubts, known)
    schema = of_ids(_JUDGEMENTS.schema, "verdict", VERDICT_WORDS)
    schema = of_ids(schema, "claim", [one.id for one in claims])
    return Purpose(
        step=doubts.step,
        template="judge",
        values={
            "topic": doubts.topic[:LONGEST_TOPIC],
            "title": one_line(doubts.title).replace('"', "”"),
            "claims": claims,
            "language": language_line(doubts.language, otherwise="claims"),
        },
        pieces=_passages(known),
        form=lambda ids: replace(_JUDGEMENTS, schema=of_ids(schema, "passages", ids)),
        answer_tokens=judging_tokens(len(claims)),
        closing=True,
    )


def summing(
    topic: str, configuration: Configuration, written: Sequence[WrittenSection]
) -> Purpose[Statements]:
    """The summary of a report, from its claims."""
    return Purpose(
        step="summary",
        template="summary",
        values={
            "topic": topic[:LONGEST_TOPIC],
            "most": SUMMARY_CLAIMS[configuration.length],
            "language": language_line(configuration.language or "", otherwise="claims"),
        },
        pieces=in_turns(written),
        form=lambda ids: within(_SUMMARY, "claims", ids),
        answer_tokens=summary_tokens(configuration.length),
        closing=True,
    )


def _passages(known: Mapping[str, Quotable]) -> tuple[Piece, ...]:
    return tuple(piece(key, one.hit.passage.title, one.text) for key, one in known.items())


_PLAN = form(*PLAN, items="sections")
_READING = form(ReadingForm, findings_of, findings_of_lines, items="questions")
_SECTION = form(*SECTION, items="claims")
_CRITIQUE = form(CritiqueForm, critique_of, critique_of_lines, items="needs_more")
_JUDGEMENTS = form(*JUDGEMENTS, items="judgements")
_SUMMARY = form(*SUMMARY, items="claims")
