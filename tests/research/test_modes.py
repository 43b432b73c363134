"""The graph mode and the multi-agent mode, by models that follow a script."""

import json
import re

import pytest

from wiseflow.core.authoring import Evidence, Gathered
from wiseflow.core.configuration import ResearchMode
from wiseflow.core.documents import Hit, Passage
from wiseflow.core.errors import ContentRefused, ProviderDown
from wiseflow.core.jobs import JobStatus
from wiseflow.research.rendering.reading import all_claims

SUBJECT = "Lake Baikal"
QUESTION = "In which city was the engineer who planned the Circum-Baikal Railway born?"
REFUSED = ContentRefused("the provider's policy forbids it")
BOTH = [ResearchMode.GRAPH, ResearchMode.MULTI_AGENT]


def plan(*titles):
    sections = [{"title": title, "queries": [title]} for title in titles]
    return json.dumps({"title": "A report", "language": "en", "sections": sections})


def findings(*questions, answered=False, passages=()):
    return json.dumps(
        {
            "answered": answered,
            "passages": list(passages),
            "entities": ["Boris Savrimovich"],
            "questions": list(questions),
        }
    )


def remarks(*sections):
    return json.dumps(
        {
            "needs_more": [
                {"section": f"s{number}", "problem": "It lacks the seals.", "queries": ["seals"]}
                for number in sections
            ]
        }
    )


@pytest.fixture
def research(library, make_models):
    """Runs a research by models in a mode: the run, its models and its report."""

    async def run(mode, *, script=None, topic=SUBJECT, fail_before=None, **settings):
        models = make_models(script=script or {})
        ran = library.run(topic, research_mode=mode, **settings)
        ran.journal.fail_before |= fail_before or {}
        outcome = await library.with_models(models, ran.journal)(ran)
        return ran, models, outcome, library.reports.kept.get("job")

    return run


def waves(models):
    """The purposes of the calls, in the order in which each was first asked."""
    return list(dict.fromkeys(re.sub(r"\d+", "*", step) for step in models.steps))


def told(run, kind):
    return [data for event, data in run.events if event == kind]


# The graph


async def test_what_passages_reveal_is_asked_next_and_the_section_is_written_from_it(research):
    script = {
        "plan": [plan("The planner of the railway")],
        "sections/0/reading": [findings("Boris Savrimovich born in")],
    }

    run, models, _, report = await research(ResearchMode.GRAPH, script=script, topic=QUESTION)

    (reading,) = told(run, "reading")
    assert reading["questions"] == ["Boris Savrimovich born in"]
    searched = [(data["node"], data["parent"]) for data in told(run, "query")]
    assert searched == [(0, None), (1, 0)]
    assert "savrimovich" in {source.id for source in report.sources}
    assert report.mode == "graph"
    assert waves(models) == ["plan", "sections/*/reading", "sections/*/draft", "summary"]


class Endless:
    """Finds a passage of its own for every query."""

    async def gather(self, request):
        passages = [
            Passage(
                passage_id=f"baikal:0-1:{query}", source_id="baikal", start=0, end=1, text=query,
                title=query,
            )
            for query in request.queries
        ]  # fmt: skip
        found = [Hit(passage=passage, score=1.0, language="en") for passage in passages]
        evidence = tuple(Evidence(hit=hit, score=1.0) for hit in found)
        return Gathered(evidence=evidence, queries=request.queries)

    async def choose(self, request, found):
        return tuple(found[: request.limit])


@pytest.mark.parametrize(("depth", "questions"), [(1, 1), (2, 2), (3, 3)])
async def test_a_graph_goes_no_deeper_than_it_may(library, make_models, depth, questions):
    asking = {f"nodes/{number}/reading": [findings(f"question {number}")] for number in range(9)}
    script = {"plan": [plan("Railway")], "sections/0/reading": [findings("first")], **asking}
    models = make_models(script=script)
    run = library.run(SUBJECT, research_mode=ResearchMode.GRAPH, max_search_depth=depth)

    await library.with_models(models, run.journal, Endless())(run)

    assert len(told(run, "query")) == questions
    assert len(told(run, "reading")) == depth - 1


async def test_a_question_that_is_answered_leads_nowhere(research):
    run, _, _, _ = await research(ResearchMode.GRAPH, max_search_depth=4)

    assert all(data["parent"] is None for data in told(run, "query"))


async def test_nobody_reads_what_brings_nothing_new(research):
    script = {
        "plan": [plan("Railway")],
        "sections/0/reading": [findings("the railway along the lake")],
    }

    run, models, _, _ = await research(ResearchMode.GRAPH, script=script, max_search_depth=4)

    assert [data["node"] for data in told(run, "query")] == [0, 1]
    assert "nodes/1/reading" not in models.steps


async def test_a_further_question_that_fails_is_told_and_the_section_is_written(research):
    script = {"plan": [plan("Railway")], "sections/0/reading": [findings("Boris Savrimovich")]}
    down = {"nodes/1/evidence": ProviderDown("it is down")}

    _, _, outcome, report = await research(ResearchMode.GRAPH, script=script, fail_before=down)

    assert (outcome.status, outcome.partial) == (JobStatus.COMPLETED, True)
    assert [section.title for section in report.sections] == ["Railway"]
    expected = "A further question, “Boris Savrimovich”, could not be searched for: it is down."
    assert report.not_found[0] == expected


async def test_a_section_that_nobody_could_read_on_is_still_written(research):
    script = {"plan": [plan("Railway")], "sections/0/reading": [REFUSED]}

    _, _, outcome, report = await research(ResearchMode.GRAPH, script=script)

    assert outcome.partial
    assert report.sections
    assert "could not be read for further questions" in report.not_found[0]


# The agents


async def test_a_section_is_sent_back_and_mended(research):
    script = {"plan": [plan("Railway", "Depth")], "critique": [remarks(2)]}

    run, models, _, report = await research(ResearchMode.MULTI_AGENT, script=script)

    (critique,) = told(run, "critique")
    assert [remark["section"] for remark in critique["remarks"]] == [1]
    drafts = [request.messages[1].text for step, request in models.asked if "draft" in step]
    again = [text for text in drafts if "It lacks the seals." in text]
    assert len(drafts) == 3
    assert len(again) == 1
    assert "seals" in {query for data in told(run, "query") for query in data["queries"]}
    assert report.mode == "multi_agent"
    assert any("seal" in claim.text.lower() for claim in all_claims(report))


async def test_agents_wait_for_eight_model_calls_at_most(research):
    script = {
        "plan": [plan("Railway", "Depth")],
        "sections/*/reading": [findings("seals"), findings("ice")],
        "critique": [remarks(1, 2)],
    }

    _, models, _, _ = await research(ResearchMode.MULTI_AGENT, script=script)

    in_a_row = ["plan", "sections/*/reading", "sections/*/draft", "critique", "summary"]
    assert waves(models) == in_a_row  # and the drafts once more after the critique
    assert models.steps.index("critique") < len(models.steps) - 2


async def test_the_rounds_of_a_critic_end(research):
    never_content = [remarks(1) for _ in range(9)]
    script = {"plan": [plan("Railway")], "critique": never_content}

    run, _, _, _ = await research(ResearchMode.MULTI_AGENT, script=script, max_search_depth=10)

    assert len(told(run, "critique")) == 2


async def test_the_first_draft_stands_when_it_cannot_be_mended(research):
    script = {"plan": [plan("Railway")], "critique": [remarks(1)]}
    refused = {"rounds/1/0/draft": REFUSED}

    _, _, outcome, report = await research(
        ResearchMode.MULTI_AGENT, script=script, fail_before=refused
    )

    assert outcome.partial
    assert report.sections
    assert "its first draft stands" in report.not_found[0]


async def test_without_a_critic_the_sections_stand_as_they_were_written(research):
    script = {"plan": [plan("Railway")], "critique": [REFUSED]}

    _, _, outcome, report = await research(ResearchMode.MULTI_AGENT, script=script)

    assert outcome.partial
    assert report.sections
    assert "Nobody could criticise" in report.not_found[0]


async def test_remarks_on_sections_that_there_are_not_are_left_out(research):
    script = {"plan": [plan("Railway")], "critique": [remarks(7)]}

    _, models, outcome, _ = await research(ResearchMode.MULTI_AGENT, script=script)

    assert not outcome.partial
    assert models.steps.count("critique") == 1


# Both


@pytest.mark.parametrize("mode", BOTH)
async def test_without_a_model_each_mode_quotes_its_sources_word_for_word(library, mode):
    for topic in (SUBJECT, QUESTION):
        run = library.run(topic, research_mode=mode, max_search_depth=3)

        outcome = await library.handler(run)

        report = library.reports.kept["job"]
        assert (outcome.status, outcome.partial) == (JobStatus.COMPLETED, False)
        for claim in all_claims(report):
            for citation in claim.citations:
                stored = library.sources.known[citation.source_id].text
                assert stored[citation.start : citation.end] == citation.quote == claim.text


@pytest.mark.parametrize("mode", BOTH)
async def test_progress_only_grows(research, mode):
    script = {"critique": [remarks(1)], "sections/*/reading": [findings("seals")]}

    run, _, _, _ = await research(mode, script=script)

    assert run.fractions == sorted(run.fractions)
    assert run.fractions[-1] == 1.0


@pytest.mark.parametrize("mode", BOTH)
@pytest.mark.parametrize("said", ["nothing", "a search query\nanother one"])
async def test_a_model_that_knows_no_json_is_asked_for_lines(research, mode, said):
    script = {
        "plan": [plan("Railway")],
        "sections/0/reading": ["I think so."],
        "sections/0/reading/repair": ["No idea."],
        "sections/0/reading/simpler": [said],
    }

    run, _, outcome, _ = await research(mode, script=script)

    assert not outcome.partial
    (reading,) = told(run, "reading")
    assert reading["questions"] == ([] if said == "nothing" else said.splitlines())
