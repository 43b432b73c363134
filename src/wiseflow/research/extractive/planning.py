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
from wiseflow.research.extractive.wanting import Vocabulary, is_question

MOST_SECTIONS = {ReportLength.BRIEF: 3, ReportLength.NORMAL: 5, ReportLength.DETAILED: 6}
# Fewer passages than this for each section are not worth a title of their own.
SECTION_PASSAGES = 3
QUESTION_PASSAGES = 3
# A passage of a smaller share of the best one's score does not name a question's section.
STRONG_SHARE = 0.45


def make_plan(
    topic: str, configuration: Configuration, overview: Gathered, vocabulary: Vocabulary
) -> Plan:
    """The sections of a report on ``topic``.

    Given titles are taken as they are; a question gets one section; a subject as many as the
    documents fill.

    Args:
        topic: what the report is about.
        configuration: the research's settings.
        overview: what the documents hold on it, the best first.
        vocabulary: tells how rare a word is in the documents.

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
    titles = Titles(readings, content_terms(topic, language), vocabulary)
    return Plan(
        title=topic_title(topic),
        language=language,
        sections=tuple(_sections(topic, configuration, overview, titles)),
    )


def main_language(readings: Sequence[Reading]) -> str:
    """The language of most of the passages, or ""."""
    counts = Counter(reading.hit.language for reading in readings if reading.hit.language)
    return counts.most_common(1)[0][0] if counts else ""


def _sections(
    topic: str, configuration: Configuration, overview: Gathered, titles: Titles
) -> list[PlannedSection]:
    if configuration.report_structure:
        return [
            PlannedSection(title=title, queries=(f"{title} {topic}",))
            for title in configuration.report_structure
        ]
    readings = [read(evidence.hit) for evidence in overview.evidence]
    language = main_language(readings)
    if is_question(topic, language):
        title = titles.of_sources(_strongest(overview)) or titles.of_rest(language)
        return [PlannedSection(title=title, queries=(topic,))]
    most = min(MOST_SECTIONS[configuration.length], max(1, len(readings) // SECTION_PASSAGES))
    titled = _titled(topic, _groups(readings, most), titles)
    if len(titled) == most:
        return titled
    # A part that nothing tells from the others is no section of its own.
    whole = titles.of_rest(language) if titled else titles.of_whole(readings, language)
    return [PlannedSection(title=whole, queries=(topic,)), *titled]


def _strongest(overview: Gathered) -> list[Reading]:
    """The first passages, as far as they are not much weaker than the best one."""
    best = overview.evidence[0].score
    first = overview.evidence[:QUESTION_PASSAGES]
    return [read(item.hit) for item in first if item.score >= STRONG_SHARE * best]


def _groups(readings: Sequence[Reading], most: int) -> list[list[Reading]]:
    if most == 1:
        return []
    vectors = term_vectors([reading.counts for reading in readings])
    groups = members(agglomerate(vectors, most), least=min(2, len(readings)))
    return [[readings[row] for row in group] for group in groups[:most]]


def _titled(
    topic: str, groups: Sequence[Sequence[Reading]], titles: Titles
) -> list[PlannedSection]:
    named = [titles.of_group(group) for group in groups]
    return [PlannedSection(title=title, queries=(f"{topic} {title}",)) for title in named if title]


def _shortened(text: str, most: int = 200) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
