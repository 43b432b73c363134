import json

import pytest

from wiseflow.cli.display import cells
from wiseflow.cli.jobs import parse_time, render_list
from wiseflow.core.errors import InvalidInput


@pytest.fixture
def done(wiseflow, after):
    """One completed research."""
    after("research", "What causes spring tides?", "--docs", "papers", "--tag", "sea")
    [line] = wiseflow("jobs", "list", "--json").out.splitlines()
    return json.loads(line)


def test_jobs_are_listed_by_status_tag_and_time(wiseflow, done):
    assert done["job_id"] in wiseflow("jobs", "list").out
    assert done["job_id"] in wiseflow("jobs", "list", "--status", "completed").out
    assert done["job_id"] in wiseflow("jobs", "list", "--tag", "sea", "--since", "2020-01-01").out
    assert "No researches match" in wiseflow("jobs", "list", "--status", "failed").out
    assert "No researches match" in wiseflow("jobs", "list", "--tag", "land").out
    assert "No researches match" in wiseflow("jobs", "list", "--until", "2020-01-01").out


@pytest.mark.parametrize("width", [80, 120])
def test_a_list_on_a_terminal_fits_it(job, width):
    long = job(job_id="01kaj4qw5zc8t3v6n2m9rxyb7d", title="潮 tide " * 40)

    line = render_list([long], width)

    assert width - 3 < cells(line) <= width
    assert line.startswith("01kaj4qw5zc8t3v6n2m9rxyb7d  running    50%  19")
    assert cells(render_list([long])) > 120


def test_a_job_shows_its_state_and_its_last_events(wiseflow, done):
    ended = wiseflow("jobs", "show", done["job_id"])

    assert "completed" in ended.out
    assert "sea" in ended.out
    assert "plan" in ended.out
    assert json.loads(wiseflow("jobs", "show", done["job_id"], "--json").out) == done


def test_the_first_characters_of_an_id_are_enough(wiseflow, done):
    assert "completed" in wiseflow("jobs", "show", done["job_id"][:14].upper()).out


@pytest.mark.parametrize("command", ["show", "watch", "cancel", "delete", "resume", "rerun"])
def test_an_unknown_id_is_told(wiseflow, command):
    ended = wiseflow("jobs", command, "zzzzzz")

    assert ended.code == 4
    assert "zzzzzz" in ended.err


def test_watching_prints_the_events_in_order_until_the_end(wiseflow, done):
    ended = wiseflow("jobs", "watch", done["job_id"], "--json")

    events = [json.loads(line) for line in ended.out.splitlines()]
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    assert {"plan", "query", "source", "draft", "verdict"} <= {event["type"] for event in events}


def test_watching_begins_after_the_number_given(wiseflow, done):
    every = wiseflow("jobs", "watch", done["job_id"]).out.splitlines()

    assert wiseflow("jobs", "watch", done["job_id"], "--after", "2").out.splitlines() == every[2:]


def test_what_has_ended_cannot_be_cancelled_or_resumed(wiseflow, done):
    assert "is completed" in wiseflow("jobs", "cancel", done["job_id"]).err
    assert "is completed" in wiseflow("jobs", "resume", done["job_id"]).err


def test_a_rerun_is_a_new_research_with_the_same_report(wiseflow, done):
    ended = wiseflow("jobs", "rerun", done["job_id"])

    assert ended.code == 0
    assert ended.out.startswith("# ")
    assert len(wiseflow("jobs", "list").out.splitlines()) == 2


def test_a_deleted_research_is_gone_with_its_report_and_events(wiseflow, done):
    assert wiseflow("jobs", "delete", done["job_id"]).code == 0

    assert wiseflow("report", done["job_id"]).code == 4
    assert "No researches match" in wiseflow("jobs", "list").out


def test_nothing_to_resume_is_no_error(wiseflow):
    ended = wiseflow("jobs", "resume", "--all")

    assert ended.code == 0
    assert "nothing to go on with" in ended.err


def test_resume_wants_ids_or_all_of_them(wiseflow):
    assert wiseflow("jobs", "resume").code == 2
    assert wiseflow("jobs", "resume", "x", "--all").code == 2


def test_a_failed_research_can_go_on_once_the_documents_hold_the_answer(wiseflow, tmp_path):
    command = ("research", "The history of the saxophone", "--docs", "papers")
    wiseflow(*command)
    [line] = wiseflow("jobs", "list", "--json").out.splitlines()
    (tmp_path / "papers" / "sax.md").write_text(
        "# The saxophone\n\nThe saxophone was invented by Adolphe Sax in Belgium in the early "
        "1840s. The history of the saxophone began with a patent in Paris in 1846.\n"
    )
    wiseflow("research", "Tides", "--docs", "papers")

    ended = wiseflow("jobs", "resume", json.loads(line)["job_id"])

    assert ended.code == 0
    assert "Adolphe Sax" in ended.out


def test_a_report_is_printed_in_each_format_and_written_to_a_file(wiseflow, tmp_path, done):
    assert wiseflow("report", done["job_id"]).out.startswith("# ")
    assert wiseflow("report", done["job_id"], "--format", "html").out.startswith("<!")
    assert json.loads(wiseflow("report", done["job_id"], "--json").out)["id"] == done["job_id"]
    assert wiseflow("report", done["job_id"], "--out", tmp_path / "deep" / "r.md").code == 0
    assert (tmp_path / "deep" / "r.md").read_text().startswith("# ")


def test_a_report_that_cannot_be_written_is_told(wiseflow, tmp_path, done):
    (tmp_path / "file").write_text("in the way")

    ended = wiseflow("report", done["job_id"], "--out", tmp_path / "file" / "r.md")

    assert ended.code == 1
    assert "cannot be written" in ended.err


def test_a_research_without_report_says_why(wiseflow, after):
    after("research", "The history of the saxophone", "--docs", "papers")
    [line] = wiseflow("jobs", "list", "--json").out.splitlines()

    ended = wiseflow("report", json.loads(line)["job_id"])

    assert ended.code == 4
    assert "is failed and has no report" in ended.err


def test_a_part_of_a_source_is_printed_and_one_outside_is_refused(wiseflow, done):
    report = json.loads(wiseflow("report", done["job_id"], "--json").out)
    source = report["sources"][0]["id"]
    whole = wiseflow("source", source).out

    assert wiseflow("source", source, "--start", "2", "--end", "9").out == whole[2:9]
    assert json.loads(wiseflow("source", source, "--json").out)["text"] == whole
    assert "so it has no" in wiseflow("source", source, "--start", "5", "--end", "2").err
    assert wiseflow("source", "nothing").code == 4


def test_times_are_read_as_iso_8601():
    assert parse_time("", "--since") is None
    assert parse_time("1970-01-02T00:00:00+00:00", "--since") == 86_400
    with pytest.raises(InvalidInput, match="--since 'yesterday' is not a time"):
        parse_time("yesterday", "--since")
