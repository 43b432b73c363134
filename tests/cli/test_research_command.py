import json

import pytest

from wiseflow.cli.display import cells
from wiseflow.cli.research import exit_code, file_name, render_result
from wiseflow.core.jobs import JobStatus, StopReason
from wiseflow.jobs.submission import Batch


def sections(report):
    return [claim for section in report["sections"] for claim in section["claims"]]


def test_a_topic_over_a_folder_prints_a_cited_report(wiseflow):
    ended = wiseflow("research", "What causes spring tides?", "--docs", "papers")

    assert ended.code == 0
    assert ended.out.startswith("# ")
    assert "spring tides" in ended.out
    assert "No language model was used" in ended.out
    assert "1/1 done (1 completed)" in ended.err


def test_every_citation_is_a_verbatim_span_of_its_stored_source(wiseflow):
    reports = wiseflow("research", "What causes spring tides?", "--docs", "papers", "--json")
    report = json.loads(reports.out)

    for claim in [*report["summary"], *sections(report)]:
        for citation in claim["citations"]:
            text = wiseflow("source", citation["source_id"]).out
            assert text[citation["start"] : citation["end"]] == citation["quote"]
            assert citation["verdict"] == "supported"
            assert claim["text"] == citation["quote"]


def test_many_topics_become_files_of_three_formats(wiseflow, tmp_path):
    topics = tmp_path / "topics.txt"
    topics.write_text("What causes spring tides?\nHow predictable is tidal power?\n")

    ended = wiseflow("research", "--topics", topics, "--docs", "papers", "--out", "reports")

    assert ended.code == 0
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == [
        "1-what-causes-spring-tides.html",
        "1-what-causes-spring-tides.json",
        "1-what-causes-spring-tides.md",
        "2-how-predictable-is-tidal-power.html",
        "2-how-predictable-is-tidal-power.json",
        "2-how-predictable-is-tidal-power.md",
    ]


def test_a_topic_of_which_the_documents_hold_nothing_fails_with_that_reason(wiseflow):
    ended = wiseflow("research", "The history of the saxophone", "--docs", "papers")

    assert ended.code == 1
    assert ended.out == ""
    assert "failed" in ended.err
    assert "hold nothing" in ended.err


def test_a_line_of_json_lines_has_its_own_settings_and_labels(wiseflow, tmp_path):
    topics = tmp_path / "topics.jsonl"
    line = {"topic": "Tidal power", "length": "brief", "tags": ["energy"], "priority": "high"}
    topics.write_text(json.dumps(line))

    wiseflow("research", "--topics", topics, "--docs", "papers", "--json")
    [job] = map(json.loads, wiseflow("jobs", "list", "--tag", "energy", "--json").out.splitlines())

    assert job["priority"] == "high"
    assert job["payload"]["configuration"]["length"] == "brief"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"topic": "Tides", "lenght": "brief"}, "lenght"),
        ({"topic": "Tides", "priority": "urgent"}, "priority cannot be 'urgent'"),
        ({"topic": "x" * 10_000}, "10,000 characters"),
        ({"topic": " \u0007 "}, "the topic is empty"),
    ],
)
def test_a_wrong_topic_is_named_with_its_place_before_anything_runs(wiseflow, tmp_path, line, said):
    topics = tmp_path / "topics.jsonl"
    topics.write_text(json.dumps({"topic": "Tidal power"}) + "\n" + json.dumps(line))

    ended = wiseflow("research", "--topics", topics, "--docs", "papers")

    assert ended.code == 2
    assert "topics.jsonl, line 2" in ended.err
    assert said in ended.err
    assert "No researches match" in wiseflow("jobs", "list").out


def test_control_characters_in_a_topic_do_no_harm(wiseflow):
    ended = wiseflow("research", "Tidal\x00\x1b[31m power\r\n", "--docs", "papers")

    assert ended.code == 0
    assert "\x1b" not in ended.out + ended.err


def test_no_topic_at_all_is_a_usage_error(wiseflow):
    ended = wiseflow("research")

    assert ended.code == 2
    assert "give a TOPIC" in ended.err


def test_docs_and_collection_exclude_each_other(wiseflow):
    ended = wiseflow("research", "Tides", "--docs", "papers", "--collection", "default")

    assert ended.code == 2
    assert "exclude each other" in ended.err


def test_a_missing_folder_is_named(wiseflow):
    ended = wiseflow("research", "Tides", "--docs", "nowhere")

    assert ended.code == 2
    assert "nowhere" in ended.err


def test_nothing_indexed_is_told_with_the_command_that_mends_it(wiseflow):
    ended = wiseflow("research", "Tides")

    assert ended.code == 4
    assert "there is no collection 'default'" in ended.err
    assert "wiseflow index PATH" in ended.err
    assert "No researches" in wiseflow("jobs", "list").out


def test_a_folder_that_cannot_take_reports_is_told_before_anything_runs(wiseflow, tmp_path):
    (tmp_path / "file").write_text("in the way")

    ended = wiseflow("research", "Tides", "--docs", "papers", "--out", tmp_path / "file" / "out")

    assert ended.code == 2
    assert "nothing can be written to" in ended.err
    assert "No researches" in wiseflow("jobs", "list").out


def test_a_research_whose_report_could_not_be_written_is_not_counted_as_ended(wiseflow, tmp_path):
    (tmp_path / "out" / "tidal-power.md").mkdir(parents=True)

    ended = wiseflow("research", "Tidal power", "--docs", "papers", "--out", "out")

    assert ended.code == 1
    assert "Stopped with 0 of 1 researches ended" in ended.err


def test_the_same_command_after_all_was_handed_over_begins_anew(wiseflow):
    command = ("research", "What causes spring tides?", "--docs", "papers")
    wiseflow(*command)
    wiseflow(*command)

    assert len(wiseflow("jobs", "list").out.splitlines()) == 2


def test_a_time_limit_ends_a_research_with_exit_code_124(wiseflow):
    ended = wiseflow(
        "research", "What causes spring tides?", "--docs", "papers", "--time-limit", "0.000001"
    )

    assert ended.code == 124
    assert "time" in ended.err


def test_a_plain_screen_has_no_colours_and_no_carriage_returns(wiseflow):
    ended = wiseflow("research", "Tidal power", "--docs", "papers")

    assert "\x1b" not in ended.err
    assert "\r" not in ended.err


def test_quiet_says_nothing_beside_the_report(wiseflow):
    ended = wiseflow("research", "Tidal power", "--docs", "papers", "--quiet")

    assert ended.err == ""
    assert ended.out


COMPLETED, FAILED = (JobStatus.COMPLETED, None), JobStatus.FAILED


@pytest.mark.parametrize(
    ("endings", "code"),
    [
        ([COMPLETED], 0),
        ([COMPLETED, (FAILED, StopReason.NO_EVIDENCE)], 1),
        ([(FAILED, StopReason.TIME_LIMIT)], 124),
        ([(FAILED, StopReason.BUDGET)], 5),
        ([(FAILED, StopReason.BUDGET), (FAILED, None)], 1),
        ([(JobStatus.CANCELLED, StopReason.CANCELLED)], 1),
        ([], 0),
    ],
)
def test_the_exit_code_says_what_stopped_the_researches(job, endings, code):
    jobs = [job(status=status, stop_reason=reason) for status, reason in endings]

    assert exit_code(jobs) == code


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Tides: why?", "02-tides-why"),
        ("../../etc/passwd", "02-etc-passwd"),
        ("???", "02-report"),
        ("日本 の 潮", "02-日本-の-潮"),
    ],
)
def test_file_names_are_plain_whatever_the_topic(job, title, name):
    batch = Batch(name="x", job_ids=("a", "b", *"cdefghij"))

    assert file_name(batch, job(job_id="b", title=title)) == name


def test_the_list_of_researches_fits_the_terminal_it_is_printed_on(job):
    ended = job(status=JobStatus.COMPLETED, title="潮汐 tides " * 30)

    assert 78 <= cells(render_result(ended, 80)) <= 80
    assert render_result(ended, 80).startswith("01j  completed  潮汐")


def test_the_log_file_tells_of_each_job_by_its_id(wiseflow, tmp_path):
    wiseflow("--set", "LOG_FORMAT=json", "research", "Tidal power", "--docs", "papers")
    [job] = map(json.loads, wiseflow("jobs", "list", "--json").out.splitlines())

    log = (tmp_path / "data" / "logs" / "wiseflow.log").read_text().splitlines()
    told = [line for line in map(json.loads, log) if line.get("job_id") == job["job_id"]]

    assert [line["message"] for line in told] == ["A job begins", "A job is left"]
    assert told[-1]["ending"] == "completed"


def test_what_ran_when_is_written_as_a_trace(wiseflow, tmp_path):
    ended = wiseflow(
        "research", "What causes spring tides?", "--docs", "papers", "--timeline", "trace.json"
    )

    assert ended.code == 0
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert {"read_files", "gather", "plan", "write", "synthesise"} <= {
        event["name"] for event in events if event["ph"] == "X"
    }


def test_a_trace_that_cannot_be_written_is_refused_before_anything_is_done(wiseflow, tmp_path):
    (tmp_path / "file").write_text("in the way")

    ended = wiseflow("research", "Tides", "--docs", "papers", "--timeline", "file/trace.json")

    assert ended.code == 2
    assert "nothing can be written to" in ended.err
    assert wiseflow("jobs", "list", "--json").out == ""


def test_what_is_expected_of_tasks_is_shown_once_enough_is_known(wiseflow):
    assert "Nothing is known yet" in wiseflow("predictions").out

    topics = [f"What causes spring tides {number}?" for number in range(6)]
    assert wiseflow("research", *topics, "--docs", "papers").code == 0

    assert "gather" in wiseflow("predictions").out
    known = [json.loads(line) for line in wiseflow("predictions", "--json").out.splitlines()]
    gather = next(one for one in known if one["kind"] == "gather")
    assert gather["low_s"] <= gather["p50_s"] <= gather["high_s"]
    assert gather["samples"] >= 6
