"""From what an overview shows to what a planner is given, and from its outline to a plan. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wiseflow.core.authoring import Gathered, Plan, PlannedSection
from wiseflow.core.configuration import Configuration, ReportLength
from wiseflow.research.modelled.answers import Outline, Topic, as_title
from wiseflow.research.modelled.fitting import cut_at_sentence
from wiseflow.research.modelled.prompting import Piece, one_line, piece

MOST_SECTIONS = {ReportLength.BRIEF: 3, ReportLength.NORMAL: 5, ReportLength.DETAILED: 7}
# What a planner is shown: enough to see what there is.
MOST_EXTRACTS, EXTRACT_CHARACTERS = 30, 320

_LANGUAGE = re.compile(r"([a-z]{2})(?:[-_][A-Za-z]{2,8})*", re.IGNORECASE)


def extracts(overview: Gathered) -> tuple[Piece, ...]:
    """The beginnings of the best passages of an overview, the best first."""
    return tuple(
        piece(
            f"p{number}",
            item.hit.passage.title,
            cut_at_sentence(one_line(item.hit.passage.text, longest=2000), EXTRACT_CHARACTERS),
        )
        for number, item in enumerate(overview.evidence[:MOST_EXTRACTS], start=1)
    )


def plan_of(
    topic: str, configuration: Configuration, outline: Outline, *, otherwise: str = ""
) -> Plan:
    """An outline as a plan: given titles kept, nothing twice, each section with a query.

    Args:
        topic: of the research.
        configuration: of the research.
        outline: as the model made it.
        otherwise: the language of the report where neither of them tells one.
    """
    found = _language(outline.language) or otherwise
    return Plan(
        title=outline.title or as_title(topic),
        language=configuration.language or found,
        sections=tuple(
            PlannedSection(title=part.title, queries=_queries(topic, part, configuration))
            for part in _parts(configuration, outline)
        ),
    )


def _parts(configuration: Configuration, outline: Outline) -> Iterator[Topic]:
    given = configuration.report_structure
    if not given:
        distinct = {part.title.casefold(): part for part in reversed(outline.sections)}
        yield from list(reversed(distinct.values()))[: MOST_SECTIONS[configuration.length]]
        return
    by_title = {part.title.casefold(): part.queries for part in outline.sections}
    in_order = outline.sections if len(outline.sections) == len(given) else ()
    for place, title in enumerate(given):
        queries = by_title.get(as_title(title).casefold())
        if queries is None:
            queries = in_order[place].queries if in_order else ()
        yield Topic(title=title, queries=queries)


def _queries(topic: str, part: Topic, configuration: Configuration) -> tuple[str, ...]:
    distinct = {query.casefold(): query for query in part.queries if query}
    return tuple(distinct.values())[: configuration.number_of_queries] or (
        one_line(f"{part.title} {topic}"),
    )


def _language(told: str) -> str:
    found = _LANGUAGE.fullmatch(told.strip())
    return found[1].lower() if found else ""
