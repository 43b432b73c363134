"""The plan of a report, from its topic and what an overview of the documents shows. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wiseflow.core.authoring import Gathered, Plan, PlannedSection
from wiseflow.core.configuration import Configuration, ReportLength
from wiseflow.core.errors import NoEvidence
from wiseflow.research.extractive.grouping import agglomerate, members
from wiseflow.research.extractive.reading import Reading, content_terms, read
from wiseflow.research.extractive.titles import Titles, topic_title
from wiseflow.research.extractive.vectors import term_vectors
from wiseflow.research.extractive.wanting import is_question

MOST_SECTIONS = {ReportLength.BRIEF: 3, ReportLength.NORMAL: 5, ReportLength.DETAILED: 6}
# Fewer passages than this for each section are not worth a title of their own.
SECTION_PASSAGES = 3
QUESTION_PASSAGES = 3


def make_plan(topic: str, configuration: Configuration, overview: Gathered) -> Plan:
    """The sections of a report on ``topic``.

    Given titles are taken as they are; a question gets one section; a subject as many as the
    documents fill.

    Raises:
        NoEvidence: the overview holds nothing on the topic.
    """
    if not overview.evidence:
        raise NoEvidence(
            f"the documents hold nothing on {_shortened(topic)!r}",
            cure="Add documents on the topic, or ask in the words that they use",
        )
    readings = [read(evidence.hit) for evidence in overview.evidence]
    language = configuration.language or main_language(readings)
    return Plan(
        title=topic_title(topic),
        language=language,
        sections=tuple(_sections(topic, configuration, readings, language)),
    )


def main_language(readings: Sequence[Reading]) -> str:
    """The language of most of the passages, or ""."""
    counts = Counter(reading.hit.language for reading in readings if reading.hit.language)
    return counts.most_common(1)[0][0] if counts else ""


def _sections(
    topic: str, configuration: Configuration, readings: Sequence[Reading], language: str
) -> list[PlannedSection]:
    if configuration.report_structure:
        return [
            PlannedSection(title=title, queries=(f"{title} {topic}",))
            for title in configuration.report_structure
        ]
    titles = Titles(readings, taken=content_terms(topic, language))
    if is_question(topic, language):
        best = readings[:QUESTION_PASSAGES]
        return [PlannedSection(title=titles.of_sources(best, topic), queries=(topic,))]
    most = min(MOST_SECTIONS[configuration.length], max(1, len(readings) // SECTION_PASSAGES))
    vectors = term_vectors([reading.counts for reading in readings])
    groups = members(agglomerate(vectors, most), least=min(2, len(readings)))
    chosen = [[readings[row] for row in group] for group in groups[:most]] or [list(readings)]
    return [_section(topic, group, titles) for group in chosen]


def _section(topic: str, group: Sequence[Reading], titles: Titles) -> PlannedSection:
    title = titles.of_group(group)
    return PlannedSection(title=title, queries=(f"{topic} {title}",))


def _shortened(text: str, most: int = 200) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
