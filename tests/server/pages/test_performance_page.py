"""What the performance page says and draws, as pure functions."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.app.metering import suggesting
from wiseflow.app.metering.interval import Latencies
from wiseflow.app.metering.limit_use import LimitUse
from wiseflow.app.metering.series import PerformanceSample
from wiseflow.app.services.performance import Performance
from wiseflow.app.services.workings import Now
from wiseflow.core.jobs import JobStatus
from wiseflow.core.limits import Dimension
from wiseflow.server.pages import line_charts
from wiseflow.server.pages.line_charts import Line, Scale, lines
from wiseflow.server.pages.performance import suggestions, why_absent
from wiseflow.server.pages.performance_figures import figures
from wiseflow.server.pages.site import environment
from wiseflow.server.pages.spans import Range, mean, most, per_minute, spans
from wiseflow.server.pages.words import percent

AT = 7_200.0
NOW = Now(uptime_s=60.0, tasks_running=0, tasks_waiting=0, held="", calls=(), limits=())
SAMPLE = PerformanceSample(at=AT, cpu_use=0.5, memory_use=0.2, running=1, places=2, pending=3)
MEASURED = Performance(samples=[SAMPLE], suggestions=(), measured=True)
SCALE = Scale(shown=percent, top=1.0, ends=("1 h ago", "30 min", "now"))


def of(name, samples, *, over=Range.HOUR):
    return next(one for one in figures(samples, over=over, at=AT) if one.name == name)


@given(
    ages=st.lists(st.integers(0, 5_000), max_size=40),
    until=st.floats(10_000, 20_000),
    over=st.sampled_from(Range),
)
def test_each_sample_of_the_range_is_in_the_one_span_that_it_was_taken_in(ages, until, over):
    samples = [replace(SAMPLE, at=until - age) for age in sorted(ages, reverse=True)]

    found = spans(samples, until=until, range_s=over.seconds, count=60)

    width = over.seconds / 60
    assert len(found) == 60
    assert found[-1].start <= until <= found[-1].start + width
    placed = [one for span in found for one in span.samples]
    assert placed == [one for one in samples if one.at >= found[0].start]
    # The end of the last span belongs to it, as nothing comes after it.
    assert all(span.start <= one.at <= span.start + width for span in found for one in span.samples)


def test_edges_stay_where_they_are_while_time_goes_by():
    starts = {spans([], until=AT + at, range_s=3_600, count=60)[-1].start for at in (1, 30, 60)}

    assert starts == {AT}


def test_what_is_not_known_is_left_out_of_a_mean():
    some = [replace(SAMPLE, pending=pending) for pending in (4, None, 8)]

    assert mean(some, lambda one: one.pending) == 6
    assert most(some, lambda one: one.pending) == 8
    assert mean([], lambda one: one.pending) is None
    assert per_minute([], lambda one: one.jobs_ended) is None


def test_a_pace_is_of_the_time_that_was_sampled():
    some = [replace(SAMPLE, interval_s=5.0, jobs_ended=1), replace(SAMPLE, interval_s=15.0)]

    assert per_minute(some, lambda one: one.jobs_ended) == 3


@given(values=st.lists(st.none() | st.floats(0, 1e9), max_size=70), top=st.floats(0.001, 1e6))
def test_a_line_stays_inside_its_frame_and_has_a_point_for_each_value(values, top):
    chart = lines("A", [Line(name="a", values=values)], replace(SCALE, top=top))

    [path] = re.findall(r'<path class="line line-1" d="([^"]*)"', chart.svg)
    points = drawn(path)
    assert len(points) == sum(value is not None for value in values)
    assert all(0 <= x <= line_charts.WIDTH for x, _ in points)
    assert all(0 <= y <= line_charts.HEIGHT for _, y in points)
    assert "style=" not in chart.svg


def drawn(path):
    """The points of a path, as a browser finds them."""
    points: list[tuple[int, int]] = []
    for command, x, y in re.findall(r"([Ml])(\d+)[ ]?(-?\d+)", path):
        before = points[-1] if command == "l" else (0, 0)
        points.append((before[0] + int(x), before[1] + int(y)))
    return points


def test_a_line_is_where_its_values_are_and_broken_where_nothing_is_known():
    chart = lines("A", [Line(name="a", values=[0.5, 0.25, None, 0.75])], SCALE)

    [path] = re.findall(r' d="([^"]*)"', chart.svg)
    assert drawn(path) == [(0, 88), (200, 132), (600, 44)]
    assert re.sub(r"[^Mlh]", "", path) == "MhlMh"


def test_a_name_is_escaped():
    svg = lines('<b>"', [Line(name="a", values=[1])], SCALE).svg

    assert "<b>" not in svg
    assert 'aria-label="&lt;b&gt;&#34;"' in svg


@given(st.floats(1e-6, 1e9))
def test_the_top_of_a_scale_is_round_and_not_far_above(value):
    top = line_charts.round_up(value)

    assert value <= top <= 2.51 * value
    assert f"{top:.0e}"[0] in "125"


def test_a_figure_tells_now_the_whole_range_and_a_table():
    early = replace(SAMPLE, at=AT - 1_800, jobs_ended=2, jobs_failed=1)
    late = replace(SAMPLE, at=AT - 1, jobs_ended=1)

    figure = of("Jobs per minute", [early, late])

    assert figure.value == "12"
    assert figure.note == "3 jobs ended in this process, 1 of them failed."
    assert figure.chart is not None
    assert figure.chart.names == ("ended", "failed")
    assert figure.chart.rows == (("01:30", "24", "12"), ("01:55", "12", "0"))


def test_a_shorter_range_leaves_out_what_is_older():
    early = replace(SAMPLE, at=AT - 1_800, jobs_ended=2)

    figure = of("Jobs per minute", [early, SAMPLE], over=Range.QUARTER)

    assert figure.note == "No job has ended in this process."


@pytest.mark.parametrize(
    ("name", "sample", "said"),
    [
        ("API latency p50 / p95", SAMPLE, "Nobody has asked"),
        ("Queue", replace(SAMPLE, pending=None), "did not tell"),
        ("Worker in use", replace(SAMPLE, places=0, running=0), "wiseflow worker"),
        ("Limits in use", SAMPLE, "No provider"),
    ],
)
def test_where_there_is_nothing_to_draw_the_figure_says_why(name, sample, said):
    figure = of(name, [sample])

    assert (figure.value, figure.chart) == ("–", None)
    assert said in figure.note


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"pending": 0}, "Nothing waits"),
        ({"pending": 2}, "none of them is due yet"),
        ({"pending": 2, "oldest_s": 90.0}, "due for 2 min"),
    ],
)
def test_the_queue_says_for_how_long_the_first_has_waited(changes, said):
    assert said in of("Queue", [replace(SAMPLE, **changes)]).note


def test_latencies_and_errors_are_of_all_samples():
    calls = {"tavily": Latencies(count=9, failed=2)}
    one = replace(SAMPLE, api=Latencies(count=3, p50_s=0.002, p95_s=0.01), calls=calls)
    other = replace(SAMPLE, api=Latencies(count=1, failed=1, p50_s=0.006, p95_s=0.04))

    assert of("API latency p50 / p95", [one, other]).value == "3 ms / 40 ms"
    errors = of("Errors per minute", [one, other])
    assert errors.note == "2 calls, 0 jobs and 1 answers failed."


def test_the_limits_that_are_used_most_are_drawn():
    uses = {f"p{at}": LimitUse(used={Dimension.REQUESTS: at / 10}, waiting=1) for at in range(6)}

    figure = of("Limits in use", [replace(SAMPLE, limits=uses)])

    assert figure.chart is not None
    assert figure.chart.names == ("p5", "p4", "p3", "p2")
    assert figure.value == "50 %"
    assert "6 calls wait" in figure.note


def test_a_full_hour_of_figures_leaves_room_for_the_rest_of_a_page():
    """A page has 60 KB, of which style, script and the other parts take 36."""

    def wild(at):
        share = at * 0.618 % 1
        made = {name: Latencies(count=at % 90, failed=at % 5) for name in ("llm", "arxiv")}
        used = {f"p{one}": LimitUse(used={Dimension.TOKENS: share}) for one in range(6)}
        return replace(
            SAMPLE,
            at=AT - 5 * at,
            cpu_use=share,
            memory_use=1 - share,
            pending=at % 900,
            jobs_ended=at % 9,
            jobs_failed=at % 3,
            api=Latencies(count=9, failed=at % 2, p50_s=share / 9, p95_s=share),
            calls=made,
            limits=used,
        )

    found = figures([wild(at) for at in range(719, -1, -1)], over=Range.HOUR, at=AT)

    twin = environment().get_template("_table.html").module.twin  # pyright: ignore[reportAttributeAccessIssue] - made by the template
    weights = [len(one.chart.svg) + len(twin(one.chart, one.name)) for one in found if one.chart]
    assert len(weights) == len(found)
    assert sum(weights) < 24_000


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (None, "--scope admin"),
        (Performance(samples=(), suggestions=(), measured=False), "wiseflow serve"),
        (Performance(samples=(), suggestions=(), measured=True), "moment"),
    ],
)
def test_where_there_are_no_figures_it_is_said_why_and_what_to_do(measured, said):
    absent = why_absent(measured)

    assert absent is not None
    assert absent.why
    assert said in f"{absent.cure} {absent.command}"


def test_nothing_is_suggested_where_nothing_stands_out():
    assert suggestions(NOW, [], MEASURED) == []
    assert why_absent(MEASURED) is None


def test_what_holds_back_is_suggested_first_and_each_has_its_button(make_job):
    failed = make_job(status=JobStatus.FAILED)
    found = [
        suggesting.Suggestion(text="Run more.", setting="MAX_CONCURRENT_RESEARCH", value="6"),
        suggesting.Suggestion(text="Elsewhere.", command="wiseflow worker"),
    ]

    all_of_them = suggestions(
        replace(NOW, held="no memory"), [failed], replace(MEASURED, suggestions=found)
    )

    assert [(one.gain, one.typed, one.page, one.anchor) for one in all_of_them] == [
        ("held", "", "queue_page", ""),
        ("setting", "MAX_CONCURRENT_RESEARCH=6", "settings_page", "MAX_CONCURRENT_RESEARCH"),
        ("command", "wiseflow worker", "queue_page", "instances"),
        ("failed", "", "research_page", failed.job_id),
    ]
