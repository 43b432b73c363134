"""Citations of a whole run: judged and rewritten in one call, before the summary rests on them."""

import json

import pytest

from wiseflow.core.configuration import Unsupported
from wiseflow.core.errors import BudgetSpent, ProviderDown
from wiseflow.core.jobs import JobStatus
from wiseflow.core.report import Verdict
from wiseflow.research.rendering.reading import all_claims, section_claims

DEPTH = "Its greatest depth of 1,642 metres was measured in 2002."


@pytest.fixture
def research(library, make_models):
    """Runs a research with one section by models: the run, its models, its report."""

    async def run(script=None, *, topic="Lake Baikal depth", before=None, **settings):
        models = make_models(script={"plan": [plan()], **(script or {})})
        ran = library.run(topic, steps=before, **settings)
        outcome = await library.with_models(models, ran.journal)(ran)
        assert outcome.status is JobStatus.COMPLETED, outcome.error
        return ran, models, library.reports.kept["job"]

    return run


def plan():
    section = {"title": "Depth", "queries": ["greatest depth of Lake Baikal measured"]}
    return json.dumps({"title": "Baikal", "language": "en", "sections": [section]})


def place_of(request, text=DEPTH):
    """The id by which a prompt gives the passage that holds a text."""
    before = request.messages[1].text.partition(text)[0]
    return before.rpartition('<passage id="')[2].partition('"')[0]


def drafting(*texts):
    """A writer that says so, and cites the passage with the depth."""

    def answer(request):
        cites = [place_of(request)]
        return json.dumps({"claims": [{"text": text, "passages": cites} for text in texts]})

    return answer


def judging(verdict, *, quote=DEPTH, text=""):
    """A judge who says so of the first claim."""

    def answer(request):
        said = {"claim": "c1", "verdict": verdict, "quote": quote, "text": text}
        return json.dumps({"judgements": [{**said, "passages": [place_of(request)]}]})

    return answer


def verdicts(report, start):
    claims = section_claims(report.sections)
    return {
        one.verdict for claim in claims if claim.text.startswith(start) for one in claim.citations
    }


PROFOUND = "The greatest depth that was ever sounded there was 1,642 metres."


async def test_a_paraphrase_that_words_leave_open_is_settled_by_a_judge(research):
    _, models, report = await research(
        {"sections/0/draft": [drafting(PROFOUND)], "sections/0/held": [judging("supported")]}
    )

    assert models.steps == ["plan", "sections/0/draft", "sections/0/held", "summary"]
    assert verdicts(report, PROFOUND) == {Verdict.SUPPORTED}
    assert [one.quote for claim in report.sections[0].claims for one in claim.citations] == [DEPTH]
    assert report.facts.supported == report.facts.citations


async def test_the_judge_may_use_what_is_kept_of_the_budget_for_closing(research):
    _, models, _ = await research({"sections/0/draft": [drafting(PROFOUND)]})

    assert "sections/0/held" in models.closing


async def test_nobody_is_asked_about_what_words_support(research):
    run, models, _ = await research({"sections/0/draft": [drafting(DEPTH)]})

    assert models.steps == ["plan", "sections/0/draft", "summary"]
    assert "held" not in [event for event, _ in run.events]


@pytest.mark.parametrize("quote", ["", "The lake is bottomless, as everybody knows.", "Bread."])
async def test_support_that_a_judge_cannot_point_at_counts_for_nothing(research, quote):
    _, _, report = await research(
        {
            "sections/0/draft": [drafting(PROFOUND)],
            "sections/0/held": [judging("supported", quote=quote)],
        }
    )

    assert verdicts(report, PROFOUND) == {Verdict.UNVERIFIED}


async def test_a_judge_cannot_pass_a_number_that_no_passage_has_but_shows_what_is_said(research):
    said = "Its greatest depth of 9,999 metres was measured in 2002."

    _, _, report = await research(
        {"sections/0/draft": [drafting(said)], "sections/0/held": [judging("supported")]}
    )

    assert [claim.text for claim in report.sections[0].claims] == [DEPTH]
    assert verdicts(report, DEPTH) == {Verdict.SUPPORTED}
    assert report.facts.repaired


WRONG = "Its greatest depth of 9,999 metres was measured in 2002."


async def test_an_unsupported_sentence_is_written_anew_before_the_summary_rests_on_it(research):
    right = "A greatest depth of 1,642 metres was measured in 2002."

    run, models, report = await research(
        {
            "sections/0/draft": [drafting(WRONG)],
            "sections/0/held": [judging("unsupported", text=right)],
        }
    )

    texts = [claim.text for claim in all_claims(report)]
    asked = dict(models.asked)
    assert "it has a number that none of its passages has" in (
        asked["sections/0/held"].messages[1].text
    )
    assert "9,999" not in asked["summary"].messages[1].text
    assert right in texts
    assert not any("9,999" in text for text in texts)
    assert (report.facts.repaired, report.facts.unsupported) == (1, 0)
    (held,) = [data for event, data in run.events if event == "held"]
    assert (held["doubted"], held["repaired"], held["reason"]) == (1, 1, "")


@pytest.mark.parametrize("unsupported", list(Unsupported))
async def test_what_cannot_be_mended_is_marked_or_dropped_as_was_chosen(research, unsupported):
    _, models, report = await research(
        {
            "sections/0/draft": [drafting(DEPTH, WRONG)],
            "sections/0/held": [judging("unsupported", text="There are 8,888 of them.")],
        },
        unsupported=unsupported,
    )

    dropped = unsupported is Unsupported.DROP
    assert verdicts(report, WRONG) == (set() if dropped else {Verdict.UNSUPPORTED})
    assert report.facts.withdrawn == int(dropped)
    # Either way, the summary does not rest on it.
    assert "9,999" not in dict(models.asked)["summary"].messages[1].text


@pytest.mark.parametrize(
    "error", [ProviderDown("no answer"), BudgetSpent("0.02 would be spent", resource="money")]
)
async def test_without_a_judge_the_verdicts_of_words_stay(research, error):
    run, _, report = await research(
        {"sections/0/draft": [drafting(PROFOUND)], "sections/0/held": [error] * 3}
    )

    (held,) = [data for event, data in run.events if event == "held"]
    assert held["reason"] == error.message
    assert verdicts(report, PROFOUND) == {Verdict.UNVERIFIED}
    assert not report.facts.partial


async def test_a_weak_judge_may_answer_in_lines(research):
    _, _, report = await research(
        {
            "sections/0/draft": [drafting(PROFOUND)],
            "sections/0/held": ["I think so."],
            "sections/0/held/repair": ["Yes!"],
            "sections/0/held/simpler": [f"c1: {DEPTH}"],
        }
    )

    assert verdicts(report, PROFOUND) == {Verdict.SUPPORTED}


async def test_a_run_that_goes_on_does_not_ask_the_judge_again(research):
    script = {"sections/0/draft": [drafting(PROFOUND)], "sections/0/held": [judging("supported")]}
    run, _, first = await research(script)

    _, models, again = await research(before=run.journal.journal._store)

    assert models.steps == []
    assert again.sections == first.sections


async def test_the_summary_falls_back_on_the_claim_where_it_says_something_else(research):
    said = {"claims": [{"text": "It is 7,777 metres deep.", "claims": ["c1"]}], "not_found": []}

    _, _, report = await research(
        {"sections/0/draft": [drafting(DEPTH)], "summary": [json.dumps(said)]}
    )

    assert [claim.text for claim in report.summary] == [DEPTH]
    assert report.facts.repaired == 1
    assert report.facts.unsupported == 0
