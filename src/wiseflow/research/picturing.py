"""What can be drawn of a report: who is named by whom, when, and how the run went. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from wiseflow.core.report import Claim, Report, Section, StepSpan
from wiseflow.text import words

# A drawing with more is read by nobody.
MOST_ENTITIES = 16
_YEAR = re.compile(r"\d{4}")
# English writes the names of months and days like those of people.
_CALENDAR = frozenset(
    [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """Somebody or something that a report names.

    Args:
        name: as it is written.
        mentions: claims that name it.
        sources: ids of the sources that those claims cite, each with how many of them do.
    """

    name: str
    mentions: int
    sources: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentions:
    """How often a report cites what was published in a year."""

    year: int
    citations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """What can be drawn of a report.

    Args:
        entities: the most named first; with their sources they are the graph of the report.
        trend: citations by the year of their source, the gaps filled with 0; none where no source
            tells when it was published.
        timeline: the steps of the run, in the order in which they began.
    """

    entities: tuple[Entity, ...]
    trend: tuple[Mentions, ...]
    timeline: tuple[StepSpan, ...]


def pictures_of(report: Report) -> Pictures:
    """The data of all drawings of a report."""
    claims = [claim for section in report.sections for claim in _claims(section)]
    return Pictures(
        entities=_entities(claims), trend=_trend(report, claims), timeline=_timeline(report)
    )


def _claims(section: Section) -> Iterator[Claim]:
    yield from section.claims
    for part in section.subsections:
        yield from _claims(part)


def _entities(claims: list[Claim]) -> tuple[Entity, ...]:
    mentions: Counter[str] = Counter()
    cited: dict[str, Counter[str]] = {}
    for claim in claims:
        for name in dict.fromkeys(words.names(claim.text)):
            if name.casefold() in _CALENDAR:
                continue
            mentions[name] += 1
            sources = {one.source_id for one in claim.citations}
            cited.setdefault(name, Counter()).update(sorted(sources))
    most = sorted(mentions, key=lambda name: (-mentions[name], name))[:MOST_ENTITIES]
    return tuple(
        Entity(name=name, mentions=mentions[name], sources=tuple(sorted(cited[name].items())))
        for name in most
    )


def _trend(report: Report, claims: list[Claim]) -> tuple[Mentions, ...]:
    years = {
        source.id: int(found[0])
        for source in report.sources
        if (found := _YEAR.match(source.published))
    }
    counts = Counter(
        years[one.source_id]
        for claim in claims
        for one in claim.citations
        if one.source_id in years
    )
    if not counts:
        return ()
    return tuple(
        Mentions(year=year, citations=counts[year]) for year in range(min(counts), max(counts) + 1)
    )


def _timeline(report: Report) -> tuple[StepSpan, ...]:
    return tuple(sorted(report.facts.timeline, key=lambda span: (span.start_s, span.end_s)))
