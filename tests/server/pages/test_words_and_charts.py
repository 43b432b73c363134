"""What pages say and draw, as pure functions."""

import re

import pytest

from wiseflow.app.services.workings import quantile
from wiseflow.core.errors import InvalidInput
from wiseflow.core.jobs import Event
from wiseflow.server.pages import charts, words
from wiseflow.server.pages.library_page import window
from wiseflow.server.pages.plan_form import PlanForm
from wiseflow.server.pages.progress import Bar, Lane
from wiseflow.server.pages.research_form import ResearchForm


@pytest.mark.parametrize(
    ("passed", "said"),
    [
        (5, "just now"),
        (300, "5 min ago"),
        (7200, "2 h ago"),
        (90_000, "yesterday"),
        (200_000, "2 days ago"),
        (900_000, "2026-11-11"),
    ],
)
def test_a_time_is_told_by_how_long_ago_it_was(passed, said):
    now = 1795332690.0

    assert words.ago(now - passed, now) == said


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (-90, "now"),
        (30, "now"),
        (300, "in 5 min"),
        (12_000, "in 3 h 20 min"),
        (90_000, "in a day"),
        (200_000, "in 2 days"),
        (900_000, "2026-12-02"),
    ],
)
def test_a_time_to_come_is_told_by_how_far_ahead_it_is(left, said):
    now = 1795332690.0

    assert words.ahead(now + left, now) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0:00"), (0.34, "0.3 s"), (17, "0:17"), (178, "2:58"), (3850, "1:04:10")],
)
def test_a_duration_is_told_as_a_clock_does(seconds, said):
    assert words.clock(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0"), (0.0042, "4 ms"), (0.9994, "999 ms"), (0.9996, "1.0 s"), (75, "1 min")],
)
def test_how_long_an_answer_took_is_told_in_thousandths(seconds, said):
    assert words.took(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (0.42, "0.4"), (4.0, "4"), (9.96, "10"), (12.4, "12"), (1204, "1,204")],
)
def test_a_number_is_told_with_the_digits_that_matter(value, said):
    assert words.number(value) == said


def test_an_event_is_told_in_words():
    event = Event(
        job_id="j", number=1, at=0, type="draft", data={"title": "Costs", "claims": 3, "cost": 1}
    )

    assert words.told(event) == "“Costs”, 3 sentences"


def test_a_chart_escapes_what_it_is_given_and_has_no_style():
    bars = [Bar(lane=Lane.SEARCH, label='<script>"&', start_s=0, end_s=1)]

    chart = charts.timeline(bars, now_s=1, running=False)

    assert "<script" not in chart.svg
    assert "&lt;script&gt;" in chart.svg
    assert "style=" not in chart.svg
    assert chart.rows == (("Search", '<script>"&', "0:00", "1.0 s"),)


def test_a_timeline_stays_inside_its_drawing():
    bars = [
        Bar(lane=Lane.WRITE, label="x", start_s=9.99, end_s=10),
        Bar(lane=Lane.READ, label="y", start_s=3, end_s=None),
    ]

    svg = charts.timeline(bars, now_s=10, running=True).svg

    spans = re.findall(r'<rect[^>]* x="([\d.]+)%"[^>]* width="([\d.]+)%"', svg)
    assert len(spans) == 2
    assert all(float(x) + float(width) <= 100 for x, width in spans)


def test_a_chart_of_nothing_is_drawn():
    assert charts.area("A", [], unit="b", whole_s=0).rows == ()
    assert charts.columns("A", [], head=("a", "b")).rows == ()


@pytest.mark.parametrize(("share", "value"), [(0.5, 2), (0.95, 4), (0.0, 1)])
def test_a_quantile_is_one_of_the_values(share, value):
    assert quantile([4, 1, 3, 2], share) == value


def test_a_form_reads_each_topic_once():
    form = ResearchForm(values={"topics": "Tides\n\n  Tides \nMoon", "tags": "a, b"})

    assert [one.topic for one in form.researches()] == ["Tides", "Moon"]
    assert form.researches()[0].tags == ("a", "b")


def test_a_form_leaves_out_what_was_left_open():
    form = ResearchForm(
        values={"topics": "T", "money": "1.5", "number_of_queries": "4", "model": ""}
    )

    assert form.configuration == {"number_of_queries": 4, "budget": {"money": 1.5}}


@pytest.mark.parametrize(
    "values",
    [{"topics": " \n"}, {"topics": "T", "money": "much"}, {"topics": "T", "priority": "x"}],
)
def test_a_form_says_what_cannot_be_used(values):
    with pytest.raises(InvalidInput):
        ResearchForm(values=values).researches()


def test_a_plan_form_leaves_out_sections_without_a_title():
    form = PlanForm.sent("T", "en", ["One", " ", "Two"], ["a\n\n b ", "x", ""])

    assert form.as_json() == {
        "title": "T",
        "language": "en",
        "sections": [{"title": "One", "queries": ["a", "b"]}, {"title": "Two", "queries": ["Two"]}],
    }


@pytest.mark.parametrize(
    ("start", "end"), [(0, 0), (30_000, 30_010), (59_990, 60_000), (-5, 99_999)]
)
def test_a_window_holds_what_is_cited(start, end):
    text = "".join(chr(97 + at % 26) for at in range(60_000))

    seen = window(text, start, end)

    assert seen.before + seen.cited + seen.after == text[seen.start : seen.end]
    assert seen.cited == text[max(start, 0) : end]
