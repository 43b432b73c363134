"""What is drawn of a report."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from wiseflow.core.configuration import ResearchMode
from wiseflow.core.report import SourceReference, StepSpan
from wiseflow.research.picturing import MOST_ENTITIES, pictures_of
from wiseflow.research.rendering.drawing import drawings_of
from wiseflow.research.rendering.html import to_html

SUBJECT = "Lake Baikal"


@pytest.fixture
async def report(library):
    return await library.research(SUBJECT)


def published(report, *years):
    """The report with its sources published in these years."""
    sources = [
        replace(source, published=f"{year}-05-01" if year else "")
        for source, year in zip(report.sources, years, strict=False)
    ]
    return replace(report, sources=(*sources, *report.sources[len(sources) :]))


async def test_names_are_counted_with_the_sources_that_say_them(report):
    entities = pictures_of(report).entities

    assert entities[0].name == "Lake Baikal"
    assert 0 < len(entities) <= MOST_ENTITIES
    assert [one.mentions for one in entities] == sorted(
        (one.mentions for one in entities), reverse=True
    )
    cited = {source.id for source in report.sources}
    assert all({key for key, _ in one.sources} <= cited for one in entities)


async def test_months_are_nobody(report):
    [section, *_] = report.sections
    claim = replace(section.claims[0], text="The ferry of Anna Berg left in January 2017.")
    told = replace(report, sections=(replace(section, claims=(claim,)),))

    assert [one.name for one in pictures_of(told).entities] == ["Anna Berg"]


async def test_the_trend_fills_years_without_citations_and_leaves_unknown_ones_out(report):
    told = pictures_of(published(report, 2019, 2022)).trend

    assert [one.year for one in told] == [2019, 2020, 2021, 2022]
    assert told[0].citations > 0
    assert told[1].citations == 0
    assert pictures_of(published(report, *[0] * len(report.sources))).trend == ()


@pytest.mark.parametrize("mode", list(ResearchMode))
async def test_the_timeline_has_every_step_of_the_run(library, mode):
    run = library.run(SUBJECT, research_mode=mode)
    await library.handler(run)

    spans = pictures_of(library.reports.kept["job"]).timeline

    made = [step for step in run.journal.journal._store.written if not step.endswith("/held")]
    assert sorted(span.step for span in spans) == sorted(made)
    assert all(0 <= span.start_s <= span.end_s for span in spans)


async def test_each_drawing_is_xml_with_a_title_and_says_the_same_as_its_table(report):
    report = published(report, 2019, 2022)
    numbers = {source.id: at for at, source in enumerate(report.sources, start=1)}

    drawings = drawings_of(pictures_of(report), numbers)

    assert len(drawings) == 3
    for drawing in drawings:
        root = ET.fromstring(str(drawing.svg))
        assert root.attrib["role"] == "img"
        assert root[0].text == drawing.title
        drawn = [element.text or "" for element in root.iter() if element.tag.endswith("text")]
        for row in drawing.rows:
            assert any(text.rstrip("…") and row[0].startswith(text.rstrip("…")) for text in drawn)


async def test_nothing_is_drawn_where_there_is_nothing_to_draw(report):
    bare = replace(report, sections=(), facts=replace(report.facts, timeline=()))

    assert drawings_of(pictures_of(bare), {}) == []


async def test_a_page_has_drawings_only_when_they_are_wanted(report):
    assert "<svg" not in to_html(report)
    assert to_html(report, drawings=True).count("<svg") >= 2


async def test_a_hostile_name_cannot_leave_its_place(report):
    hostile = "</text><script>alert(1)</script>"
    span = StepSpan(step=hostile, title=hostile, start_s=0.0, end_s=1.0)
    source = SourceReference(
        id="x", title=hostile, url="", path="", published=hostile, provider="", sha256=""
    )
    page = to_html(
        replace(
            report, sources=(*report.sources, source), facts=replace(report.facts, timeline=(span,))
        ),
        drawings=True,
    )

    assert "<script" not in page
