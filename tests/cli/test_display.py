import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.cli.display import (
    Left,
    RunView,
    cells,
    most_lines,
    render_bar,
    render_duration,
    render_ended,
    render_line,
    render_reading,
    render_totals,
    shorten,
    shorten_start,
    show_path,
)
from wiseflow.core.jobs import JobStatus
from wiseflow.library.tally import IngestProgress

ID = "01KAJ4QW5ZC8T3V6N2M9RXYB7D"
LONG = "How does the gravity of the Moon and the Sun make the tides of the seas rise and fall?"
CHINESE = "潮汐是如何由月球和太阳的引力引起的，以及它们为什么每天发生两次，还有大潮与小潮的区别"


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


def test_a_running_line_tells_title_progress_sources_and_what_it_does(job):
    view = RunView(total=2, ended={}, running=[job()], sources={"01j": 3}, notes={"01j": "writing"})

    line = render_line(job(), view, 120)

    assert line.startswith("What causes tides?")
    assert "50%" in line
    assert "3 sources" in line
    assert line.endswith("writing")


@pytest.mark.parametrize(("width", "title"), [(80, 24), (120, 44)])
@pytest.mark.parametrize("text", [LONG, CHINESE, "Tides"])
def test_a_running_line_has_its_columns_at_the_same_cells_whatever_the_title(
    job, text, width, title
):
    one = job(title=text)
    view = RunView(total=1, ended={}, notes={"01j": "query high tides twice a day and why"})

    line = render_line(one, view, width)

    assert cells(line[: line.index("━")]) == title + 1
    assert cells(line) <= width
    assert "query high tides twice" in line


def test_a_narrow_screen_takes_from_the_title_first_and_then_from_the_bar(job):
    view = RunView(total=1, ended={}, notes={"01j": "query high tides twice a day and why"})

    lines = [render_line(job(title=LONG), view, width) for width in (72, 66, 50)]

    assert [line.count("━") + line.count("─") for line in lines] == [12, 8, 8]
    assert [cells(line.partition("━")[0]) for line in lines] == [17, 17, 17]
    assert "query high" in lines[1]


@pytest.mark.parametrize("width", [1, 20, 40, 60, 79, 80, 119, 200])
@pytest.mark.parametrize("text", ["", "e\u0301" * 90, CHINESE * 2, f"a{CHINESE}"])
def test_a_running_line_never_exceeds_the_screen(job, text, width):
    view = RunView(total=1, ended={}, notes={"01j": text})

    assert cells(render_line(job(title=text), view, width)) <= width


def test_totals_tell_what_waits_for_what_and_how_long_still(job):
    line = render_totals(busy(job))

    assert "1/4 done (1 completed)" in line
    assert "2 waiting for MAX_CONCURRENT_RESEARCH=1" in line
    assert "~30 s left" in line
    assert "1 running" in line
    assert "10 s elapsed" in line


def test_totals_leave_out_the_last_parts_where_the_screen_is_narrow(job):
    whole = render_totals(busy(job))

    assert render_totals(busy(job), len(whole)) == whole
    assert render_totals(busy(job), len(whole) - 1) == whole.removesuffix(" · 10 s elapsed")
    assert render_totals(busy(job), 80).endswith("MAX_CONCURRENT_RESEARCH=1 · ~30 s left")
    assert render_totals(busy(job), 10) == "1/4 done…"


def test_the_reading_of_documents_is_one_line():
    progress = IngestProgress(
        files_done=412, files_total=9002, passages=8100, current="/home/a/papers/x.pdf"
    )

    assert render_reading(progress, 80) == "412/9,002 files · 8,100 passages · papers/x.pdf"


def test_the_reading_tells_what_is_indexed_and_the_end_of_a_long_path():
    progress = IngestProgress(
        files_done=9,
        files_total=9,
        passages=81,
        passages_indexed=40,
        current=f"{CHINESE}/tides.pdf",
    )

    line = render_reading(progress, 60)

    assert line.startswith("9/9 files · 81 passages · 40 indexed · …")
    assert line.endswith("/tides.pdf")
    assert 58 < cells(line) <= 60
    assert render_reading(progress, 24) == "9/9 files · 81 passages"


def test_nothing_is_told_of_the_reading_before_it_begins():
    assert render_reading(IngestProgress(), 80) == ""


@pytest.mark.parametrize(("height", "lines"), [(2, 1), (10, 7), (23, 20), (24, 20), (60, 20)])
def test_no_more_researches_are_shown_than_the_screen_has_lines(height, lines):
    assert most_lines(height) == lines


def test_there_is_no_estimate_before_the_first_has_ended(job):
    assert RunView(total=4, ended={}, running=[job()], elapsed_s=10).remaining_s is None


def test_a_plain_ended_line_tells_all_on_one_line(job):
    ended = job(status=JobStatus.FAILED, error="nothing\nfound", completed_at=3.0)

    assert (
        render_ended(ended, 1, 2) == "[1/2] failed  01j  2.0 s  What causes tides?: nothing found"
    )


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("title", [LONG, CHINESE])
def test_an_ended_line_keeps_the_id_whole_and_shortens_the_title(job, title, width):
    ended = job(job_id=ID, status=JobStatus.COMPLETED, title=title, completed_at=186.0)

    line = render_ended(ended, 12, 20, width)

    assert line.startswith(f"[12/20] completed  {ID}  3 min 05 s  {title[:5]}")
    assert width - 3 < cells(line) <= width


def test_on_a_terminal_the_reason_of_a_failure_has_lines_of_its_own(job):
    ended = job(status=JobStatus.FAILED, error="nothing found\nin all these", completed_at=3.0)

    assert render_ended(ended, 1, 2, 20).splitlines()[1:] == [
        "    nothing found in",
        "    all these",
    ]


def test_no_title_is_shown_where_none_fits(job):
    ended = job(job_id=ID, status=JobStatus.COMPLETED, partial=True, completed_at=3.0)

    assert render_ended(ended, 1, 2, 62) == f"[1/2] completed (partial)  {ID}  2.0 s"


@given(st.text(max_size=200), st.integers(0, 50))
def test_shortened_text_is_one_line_within_its_width(text, width):
    short = shorten(text, width)

    assert cells(short) <= width
    assert cells(shorten_start(text, width)) <= width
    assert "\n" not in short


def test_cells_are_counted_as_a_terminal_draws_them():
    assert [cells(text) for text in ("tide", "潮汐", "e\u0301", "né", "")] == [4, 4, 1, 2, 0]


def busy(job):
    return RunView(
        total=4,
        ended={JobStatus.COMPLETED: 1},
        running=[job(progress=0.0)],
        elapsed_s=10,
        holding="MAX_CONCURRENT_RESEARCH=1",
    )


def test_a_single_research_tells_what_earlier_ones_make_expected_with_its_range(job):
    view = RunView(
        total=1,
        ended={},
        running=[job(job_id="a")],
        left={"a": Left(seconds=12.0, low_s=8.0, high_s=95.0)},
        elapsed_s=3.0,
    )

    assert "~12 s left (8.0 s to 1 min 35 s)" in render_totals(view)


def test_the_last_to_end_counts_and_nothing_is_said_while_one_is_not_expected(job):
    running = [job(job_id="a"), job(job_id="b")]
    lefts = {one: Left(seconds=float(s), low_s=1, high_s=99) for one, s in (("a", 5), ("b", 50))}

    both = RunView(total=2, ended={}, running=running, left=lefts)
    one = RunView(total=2, ended={}, running=running, left={"a": lefts["a"]})

    assert "~50 s left" in render_totals(both)
    assert "left" not in render_totals(one)
