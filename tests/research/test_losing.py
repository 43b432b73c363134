"""Linear research by models, and what becomes of it when parts of it are lost."""

import json
import re
from dataclasses import replace

import pytest

from wiseflow.core.authoring import (
    Draft,
    Gathered,
    Missed,
    Plan,
    PlannedSection,
    Sought,
    WrittenSection,
)
from wiseflow.core.errors import (
    BudgetSpent,
    ContentRefused,
    MalformedOutput,
    NoEvidence,
    ProviderDown,
)
from wiseflow.core.jobs import JobStatus, StopReason
from wiseflow.core.report import AuthorKind, Verdict
from wiseflow.research.losing import (
    Losses,
    best_claims,
    stop_reason,
    told,
    unanswered,
    without_lost,
)
from wiseflow.research.rendering.html import to_html
from wiseflow.research.rendering.json import report_from_text, report_to_text
from wiseflow.research.rendering.markdown import to_markdown
from wiseflow.research.rendering.reading import all_claims

SUBJECT = "Lake Baikal"
REFUSED = ContentRefused("the provider's policy forbids it")
SPENT = BudgetSpent("0.02 would be spent, and 0.01 is left", resource="money")


def untimed(report):
    return replace(report, id="", facts=replace(report.facts, seconds=0.0, timeline=()))


class PowerCut(Exception):
    """Raised before or after a step."""


@pytest.fixture
def research(library, make_models):
    """Runs a research by models: the run, its models, its outcome, and its report if any."""

    async def run(*, script=None, topic=SUBJECT, models=None, **settings):
        models = models or make_models(script=script or {})
        ran = library.run(topic, **settings)
        outcome = await library.with_models(models, ran.journal)(ran)
        return ran, models, outcome, library.reports.kept.get("job")

    return run


async def test_the_same_mode_writes_with_models(research, library):
    run, models, outcome, report = await research()

    assert outcome.status is JobStatus.COMPLETED
    assert not outcome.partial
    assert report.author.kind is AuthorKind.MODEL
    assert report.facts.supported == report.facts.citations > 0
    assert models.steps[0] == "plan"
    assert models.steps[-1] == "summary"
    assert len(models.steps) == 5
    for claim in all_claims(report):
        for one in claim.citations:
            assert library.sources.known[one.source_id].text[one.start : one.end] == one.quote
    assert "lost" not in [kind for kind, _ in run.events]


async def test_three_calls_are_waited_for(research):
    waves = []

    _, models, _, _ = await research()

    for step in models.steps:
        wave = re.sub(r"/\d+/", "/*/", step)
        if wave not in waves:
            waves.append(wave)
    assert waves == ["plan", "sections/*/draft", "summary"]


async def test_a_lost_section_is_labelled_and_the_others_are_kept(research):
    run, _, outcome, report = await research(script={"sections/1/draft": [REFUSED]})

    title = run.events[0][1]["sections"][1]["title"]
    assert (outcome.status, outcome.partial) == (JobStatus.COMPLETED, True)
    assert outcome.stop_reason is None
    assert report.facts.partial
    (lost,) = report.facts.lost
    assert (lost.step, lost.title, lost.budget) == ("sections/1/draft", title, False)
    expected = f"The section “{title}” could not be written: the provider's policy forbids it."
    assert report.not_found[0] == expected
    assert title not in [section.title for section in report.sections]
    assert sum(title in line for line in report.not_found) == 1
    assert [data["step"] for kind, data in run.events if kind == "lost"] == ["sections/1/draft"]
    assert "parts of it failed" in to_markdown(report)
    assert "parts of it failed" in to_html(report)
    assert report_from_text(report_to_text(report)) == report


async def test_a_lost_search_is_labelled(library, make_models):
    models = make_models()
    run = library.run(SUBJECT)
    handler = library.with_models(models, run.journal)
    run.journal.fail_before["sections/0/evidence"] = ProviderDown("it is down")

    await handler(run)

    report = library.reports.kept["job"]
    assert report.facts.lost[0].step == "sections/0/evidence"
    assert "could not be searched for: it is down." in report.not_found[0]
    assert "sections/0/draft" not in models.steps


async def test_a_research_that_lost_every_section_fails_with_the_reason(research, library):
    with pytest.raises(ContentRefused, match="policy"):
        await research(script={"sections/*/draft": [REFUSED] * 9})

    assert not library.reports.kept


async def test_a_plan_that_nobody_makes_fails_the_research(research):
    with pytest.raises(MalformedOutput):
        await research(script={step: ["no."] for step in ("plan", "plan/repair", "plan/simpler")})


async def test_a_spent_budget_keeps_what_is_written(research):
    _, models, outcome, report = await research(script={"sections/2/draft": [SPENT]})

    assert (outcome.partial, outcome.stop_reason) == (True, StopReason.BUDGET)
    assert report.facts.stop_reason is StopReason.BUDGET
    assert models.closing == ["summary"]
    assert report.summary
    assert "budget is spent" in to_markdown(report)


async def test_a_budget_that_allows_no_summary_takes_the_best_claims(research):
    _, _, outcome, report = await research(script={"sections/1/draft": [SPENT], "summary": [SPENT]})

    said = [claim.text for section in report.sections for claim in section.claims]
    assert outcome.stop_reason is StopReason.BUDGET
    assert [lost.step for lost in report.facts.lost] == ["sections/1/draft", "summary"]
    assert 1 <= len(report.summary) <= 3
    assert all(claim.text in said for claim in report.summary)
    assert "so claims stand in its place" in report.not_found[1]


async def test_a_budget_that_is_spent_at_once_fails_for_that_reason(research):
    for script in ({"plan": [SPENT]}, {"sections/*/draft": [SPENT] * 9}):
        _, _, outcome, report = await research(script=script)

        assert (outcome.status, outcome.stop_reason) == (JobStatus.FAILED, StopReason.BUDGET)
        assert "0.01 is left" in outcome.error
        assert report is None


async def test_a_resumed_run_keeps_what_its_summary_was_made_without(library, make_models):
    first = library.run(SUBJECT)
    first.journal.fail_after["summary"] = PowerCut()
    failing = make_models(script={"sections/1/draft": [REFUSED]})
    with pytest.raises(PowerCut):
        await library.with_models(failing, first.journal)(first)

    again = library.run(SUBJECT, steps=first.journal.journal._store)
    models = make_models()
    await library.with_models(models, again.journal)(again)

    report = library.reports.kept["job"]
    assert models.steps == ["sections/1/draft"]
    assert [lost.step for lost in report.facts.lost] == ["sections/1/draft"]
    assert report.facts.lost[0].title not in [section.title for section in report.sections]
    assert report.facts.citations == sum(len(claim.citations) for claim in all_claims(report))


async def test_a_run_broken_off_anywhere_pays_no_call_twice(library, make_models):
    whole = library.run(SUBJECT, job_id="whole")
    await library.with_models(make_models(), whole.journal)(whole)
    expected = library.reports.kept["whole"]

    for step in [one for one in whole.journal.journal._store.written if "#" not in one]:
        models = make_models()
        broken = library.run(SUBJECT)
        broken.journal.fail_after[step] = PowerCut()
        with pytest.raises(PowerCut):
            await library.with_models(models, broken.journal)(broken)
        resumed = library.run(SUBJECT, steps=broken.journal.journal._store)
        await library.with_models(models, resumed.journal)(resumed)

        report = library.reports.kept["job"]
        assert len(models.steps) == len(set(models.steps)) == 5
        assert untimed(report) == untimed(expected)


async def test_sentences_that_cite_nothing_given_are_counted(research):
    said = {"claims": [{"text": "It is deep.", "passages": [one]} for one in ("p1", "p99", "x")]}

    _, _, _, report = await research(script={"sections/0/draft": [json.dumps(said)]})

    assert report.facts.dropped == 2
    assert "2 sentences without one dropped" in to_markdown(report)


async def test_a_changed_number_is_marked(research):
    said = {"claims": [{"text": "Lake Baikal is 9,999 metres deep.", "passages": ["p1"]}]}

    _, _, _, report = await research(script={"sections/0/draft": [json.dumps(said)]})

    verdicts = [
        one.verdict
        for claim in all_claims(report)
        for one in claim.citations
        if "9,999" in claim.text
    ]
    assert set(verdicts) == {Verdict.UNSUPPORTED}
    assert report.facts.unsupported == len(verdicts)


async def test_a_report_in_another_language_is_not_called_unsupported(research):
    said = {"claims": [{"text": "Er ist 1642 Meter tief.", "passages": ["p1", "p2", "p3", "p4"]}]}

    _, _, _, report = await research(
        script={"sections/*/draft": [json.dumps(said)] * 9}, language=None
    )

    assert report.facts.citations == report.facts.unverified + report.facts.unsupported


# The pure parts

PLAN = Plan(
    title="T",
    language="en",
    sections=tuple(PlannedSection(title=title, queries=()) for title in "ABC"),
)


def test_losses_are_told_in_the_order_of_the_sections():
    losses = Losses()
    losses.note("sections/10/draft", "C", REFUSED)
    losses.note("sections/9/evidence", "A", SPENT)

    assert [lost.title for lost in losses.in_order()] == ["A", "C"]
    assert losses.first is REFUSED
    assert stop_reason(losses.in_order()) is StopReason.BUDGET
    assert stop_reason(()) is None
    assert len(told(losses.in_order())) == 2


def test_a_lost_draft_is_empty(make_claim):
    losses = Losses()
    losses.note("sections/1/draft", "B", NoEvidence("none"))
    draft = Draft(claims=(make_claim(),))

    assert without_lost([draft, draft, None], losses.in_order()) == [
        draft,
        Draft(claims=()),
        Draft(claims=()),
    ]


def test_the_best_claims_have_the_topics_words_and_keep_their_order(make_claim):
    texts = ["Bread is baked.", "Seals swim.", "The lake is deep.", "Seals of the lake eat fish."]
    part = WrittenSection(
        section=PLAN.sections[0],
        evidence=(),
        draft=Draft(claims=tuple(make_claim(text) for text in texts)),
    )

    best = best_claims("Seals of the lake", "en", [part])

    assert [claim.text for claim in best] == texts[1:]


def test_a_search_that_nobody_answered_is_a_loss_but_its_section_is_kept():
    plan = Plan(
        title="T",
        language="en",
        sections=(
            PlannedSection(title="One", queries=("a",)),
            PlannedSection(title="Two", queries=("b",)),
        ),
    )
    missed = (
        Missed(sought=Sought.SEARCH, name="b two", reason="exa is down"),
        Missed(sought=Sought.PAGE, name="http://x", reason="gone"),
    )
    gathered = [None, Gathered(evidence=(), missed=missed)]

    (loss,) = losses = unanswered(plan, gathered)

    assert (loss.step, loss.title) == ("sections/1/search", "Two")
    assert told(losses) == (
        "A search for the section “Two” was not answered: “b two”: exa is down.",
    )
    drafts = [Draft(claims=()), Draft(claims=(), dropped=1)]
    assert without_lost(drafts, losses)[1] is drafts[1]
