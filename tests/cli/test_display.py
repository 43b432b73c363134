import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.cli.display import (
    RunView,
    render_bar,
    render_duration,
    render_ended,
    render_line,
    render_totals,
    shorten,
    show_path,
)
from wiseflow.core.jobs import JobStatus


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.31, "0.3 s"), (12, "12 s"), (185, "3 min 05 s"), (7800, "2 h 10 min"), (-1, "0.0 s")],
)
def test_durations_read_as_a_person_says_them(seconds, text):
    assert render_duration(seconds) == text


@given(st.floats(-1, 2), st.integers(1, 60))
def test_a_bar_is_as_wide_as_it_should_be(fraction, width):
    assert len(render_bar(fraction, width)) == width


def test_a_path_is_shown_on_one_line_without_control_characters():
    assert show_path("/a b/潮\n\x1b[31m.md") == "/a b/潮\\n\\x1b[31m.md"


def test_a_bar_fills_with_progress():
    assert render_bar(0.5, 4) == "━━──"


def test_a_running_line_tells_state_bar_and_sources(job):
    view = RunView(total=2, ended={}, running=[job()], sources={"01j": 3}, notes={"01j": "writing"})

    line = render_line(job(), view)

    assert "What causes tides?" in line
    assert "50%" in line
    assert "3 sources" in line
    assert "writing" in line


def test_totals_tell_what_waits_for_what_and_how_long_still(job):
    view = RunView(
        total=4,
        ended={JobStatus.COMPLETED: 1},
        running=[job(progress=0.0)],
        elapsed_s=10,
        holding="MAX_CONCURRENT_RESEARCH=1",
    )

    line = render_totals(view)

    assert "1/4 done (1 completed)" in line
    assert "2 waiting for MAX_CONCURRENT_RESEARCH=1" in line
    assert "about 30 s left" in line


def test_there_is_no_estimate_before_the_first_has_ended(job):
    assert RunView(total=4, ended={}, running=[job()], elapsed_s=10).remaining_s is None


def test_an_ended_line_tells_why_it_failed(job):
    ended = job(status=JobStatus.FAILED, error="nothing found", completed_at=3.0)

    assert (
        render_ended(ended, 1, 2) == "[1/2] failed  What causes tides?  2.0 s  01j: nothing found"
    )


@given(st.text(max_size=200), st.integers(2, 50))
def test_shortened_text_is_one_line_within_its_width(text, width):
    short = shorten(text, width)

    assert len(short) <= width
    assert "\n" not in short
