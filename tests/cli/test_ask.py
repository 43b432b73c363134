"""Questions to a finished report, and researches that build on it, over documents of one's own."""

import json

import pytest

RESEARCH = ("research", "Spring tides", "--docs", "papers", "--json")


@pytest.fixture
def done(after):
    """The id of a completed research on tides."""
    ended = after(*RESEARCH)
    assert ended.code == 0, ended.err
    return json.loads(ended.out)["id"]


def test_a_question_is_answered_from_the_sources_with_its_citation(wiseflow, clean_folder):
    done = json.loads(wiseflow(*RESEARCH).out)["id"]

    ended = wiseflow("ask", done, "When do spring tides come?")

    assert ended.code == 0, ended.err
    assert "twice in a lunar month. [1]" in ended.out
    assert f"[1] Tides, {clean_folder}/papers/tides.md" in ended.out
    assert "No language model was used" in ended.out


def test_each_citation_of_an_answer_is_checked_and_holds(wiseflow, done):
    answer = json.loads(wiseflow("ask", done, "When do spring tides come?", "--json").out)

    [section] = answer["sections"]
    assert (answer["mode"], section["title"]) == ("question", "Answer")
    for citation in [one for claim in section["claims"] for one in claim["citations"]]:
        stored = wiseflow("source", citation["source_id"]).out
        assert citation["verdict"] == "supported"
        assert stored[citation["start"] : citation["end"]] == citation["quote"]


def test_what_the_sources_do_not_hold_is_said_plainly(wiseflow, done):
    ended = wiseflow("ask", done, "Who composed the opera Tosca in Italy?")
    answer = json.loads(
        wiseflow("ask", done, "Who composed the opera Tosca in Italy?", "--json").out
    )

    assert ended.code == 0
    assert "do not answer it" in ended.out
    assert answer["sections"] == answer["sources"] == []


def test_the_same_question_gives_the_same_answer_and_is_kept_once(wiseflow, done):
    first = wiseflow("ask", done, "When do spring tides come?", "--json")
    second = wiseflow("ask", done, "When do  spring tides come?", "--json")

    assert first.out == second.out
    assert len(wiseflow("ask", done).out.splitlines()) == 1


def test_the_questions_to_a_report_are_listed_with_it_and_not_among_researches(wiseflow, done):
    assert wiseflow("ask", done).out == "Nothing was asked yet.\n"
    wiseflow("ask", done, "When do spring tides come?")
    wiseflow("ask", done, "Who composed the opera Tosca in Italy?")

    newest, oldest = wiseflow("ask", done).out.splitlines()

    assert newest.endswith("not held   Who composed the opera Tosca in Italy?")
    assert oldest.endswith("answered   When do spring tides come?")
    assert len(wiseflow("ask", done, "--json").out.splitlines()) == 2
    assert len(wiseflow("jobs", "list").out.splitlines()) == 1
    assert wiseflow("report", oldest.split()[0]).out.startswith("# When do spring tides come?")


def test_deleting_a_research_deletes_the_questions_to_it(wiseflow, done):
    wiseflow("ask", done, "When do spring tides come?")
    [question] = [line.split()[0] for line in wiseflow("ask", done).out.splitlines()]

    assert wiseflow("jobs", "delete", done).code == 0

    assert wiseflow("report", question).code == 4
    assert wiseflow("ask", done, "When do spring tides come?").code == 4


def test_a_research_without_a_report_cannot_be_asked_or_followed(wiseflow, after):
    after("research", "Spring tides", "--docs", "papers", "--plan-first")
    job = json.loads(wiseflow("jobs", "list", "--json").out)["job_id"]

    for command in (["ask", job, "Why?"], ["research", "Tides", "--follow-up", job]):
        ended = wiseflow(*command)
        assert ended.code == 1
        assert "is awaiting_approval and has no report" in ended.err


def test_a_question_is_no_research_to_build_on(wiseflow, done):
    wiseflow("ask", done, "When do spring tides come?")
    question = wiseflow("ask", done).out.split()[0]

    ended = wiseflow("research", "Neap tides", "--follow-up", question)

    assert ended.code == 2
    assert "is a question, and no research" in ended.err


def test_a_follow_up_says_what_it_builds_on(wiseflow, done):
    ended = wiseflow("research", "Tidal power", "--docs", "papers", "--follow-up", done, "--json")
    report = json.loads(ended.out)

    assert ended.code == 0, ended.err
    assert report["facts"]["builds_on"]["research_id"] == done
    shown = wiseflow("report", report["id"])
    assert f"- Builds on: “Spring tides” ({done}), " in shown.out


def test_a_follow_up_finds_what_only_the_earlier_sources_hold(wiseflow, done, clean_folder):
    (clean_folder / "other").mkdir()
    (clean_folder / "other" / "bees.md").write_text("# Bees\n\nBees dance in their hives.\n")

    ended = wiseflow("research", "Spring tides", "--docs", "other", "--follow-up", done, "--json")

    assert ended.code == 0, ended.err
    report = json.loads(ended.out)
    assert {source["title"] for source in report["sources"]} == {"Tides"}
    assert report["facts"]["builds_on"]["sources"] == 1


def test_a_follow_up_keeps_what_it_cites_when_the_earlier_research_is_deleted(wiseflow, done):
    again = wiseflow("research", "Spring tides", "--docs", "papers", "--follow-up", done, "--json")
    report = json.loads(again.out)

    assert wiseflow("jobs", "delete", done).code == 0

    citations = [
        citation
        for section in report["sections"]
        for claim in section["claims"]
        for citation in claim["citations"]
    ]
    assert citations
    for citation in citations:
        stored = wiseflow("source", citation["source_id"]).out
        assert stored[citation["start"] : citation["end"]] == citation["quote"]


def test_an_earlier_research_that_is_not_there_is_told_before_anything_is_done(wiseflow):
    ended = wiseflow("research", "Tides", "--docs", "papers", "--follow-up", "zzzzzz")

    assert ended.code == 4
    assert "No researches match" in wiseflow("jobs", "list").out
