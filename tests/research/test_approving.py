"""A research whose plan is approved first, over a real index."""

from dataclasses import replace

import pytest

from wiseflow.core.authoring import PlannedSection
from wiseflow.core.errors import NotFound
from wiseflow.core.jobs import JobStatus
from wiseflow.research.approving import approval_of, plan_in

SUBJECT = "Lake Baikal"


class PowerCut(Exception):
    """Raised before or after a step."""


@pytest.fixture
def models(make_models):
    return make_models()


async def stopped(library, models, steps):
    """One attempt of the research: the outcome of its handler, and the run."""
    run = library.run(SUBJECT, steps=steps, approve_plan=True)
    return await library.with_models(models, run.journal)(run), run


def approve(steps, plan, *, edited=False):
    decided = approval_of(plan, edited=edited)
    steps.results[decided.step_key] = decided.result


async def test_the_research_stops_with_its_plan_made_and_says_so_once(library, models, make_steps):
    steps = make_steps()

    first, run = await stopped(library, models, steps)
    second, again = await stopped(library, models, steps)

    assert first.status is second.status is JobStatus.AWAITING_APPROVAL
    assert [kind for kind, _ in run.events] == ["plan", "awaiting_approval"]
    assert again.events == []
    assert models.steps == ["plan"]
    assert not library.reports.kept
    assert plan_in("job", steps.results).sections


async def test_an_approved_plan_is_worked_on_and_not_paid_for_again(library, models, make_steps):
    steps = make_steps()
    await stopped(library, models, steps)
    plan = plan_in("job", steps.results)

    approve(steps, plan)
    outcome, run = await stopped(library, models, steps)

    assert outcome.status is JobStatus.COMPLETED
    assert models.steps.count("plan") == 1
    assert "plan" not in [kind for kind, _ in run.events]
    assert "awaiting_approval" not in [kind for kind, _ in run.events]


async def test_an_edited_plan_takes_the_place_of_the_one_that_was_made(library, models, make_steps):
    steps = make_steps()
    await stopped(library, models, steps)
    plan = plan_in("job", steps.results)
    edited = replace(
        plan,
        title="The seals of the lake",
        sections=(PlannedSection(title="How the seals live", queries=("Baikal seal",)),),
    )

    approve(steps, edited, edited=True)
    outcome, run = await stopped(library, models, steps)

    report = library.reports.kept["job"]
    [queries] = [data["queries"] for kind, data in run.events if kind == "query"]
    assert outcome.status is JobStatus.COMPLETED
    assert report.title == "The seals of the lake"
    assert [one.title for one in report.sections] == ["How the seals live"]
    assert "Baikal seal" in queries
    assert plan_in("job", steps.results) == edited


@pytest.mark.parametrize("step", ["plan", "plan/asked"])
@pytest.mark.parametrize("moment", ["fail_before", "fail_after"])
async def test_a_stop_at_any_step_before_the_approval_asks_and_pays_once(
    library, models, make_steps, moment, step
):
    steps = make_steps()
    run = library.run(SUBJECT, steps=steps, approve_plan=True)
    getattr(run.journal, moment)[step] = PowerCut()
    with pytest.raises(PowerCut):
        await library.with_models(models, run.journal)(run)

    outcome, _ = await stopped(library, models, steps)

    assert outcome.status is JobStatus.AWAITING_APPROVAL
    assert models.steps == ["plan"]
    assert [key for key in steps.written if "#" not in key] == ["plan", "plan/asked"]


async def test_a_research_that_was_not_asked_to_wait_does_not(library):
    report = await library.research(SUBJECT)

    assert report.sections


def test_without_a_plan_there_is_nothing_to_show():
    with pytest.raises(NotFound, match="has no plan yet"):
        plan_in("job", {})
