"""A plan that somebody looks at before it is worked on.

A research whose user asked for that makes its plan and then leaves its worker: the job awaits
approval, holding neither a worker nor a lease. What is approved, changed or not, stands in the
job's journal, put there with the job's new status in one transaction; so whoever takes the job up
next finds the decision, and the plan is neither made nor asked about twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from wiseflow.core.authoring import Plan
from wiseflow.core.errors import NotFound
from wiseflow.core.jobs import Approval
from wiseflow.jobs.codec import codec
from wiseflow.research.asking import Question
from wiseflow.research.plans import plan_to_json
from wiseflow.research.running import Run

PLAN_STEP = "plan"
ASKED_STEP = "plan/asked"
APPROVED_STEP = "plan/approved"
AWAITING = "awaiting_approval"


class ApprovalNeeded(Exception):
    """The plan is made and nobody has approved it yet. The run ends here until somebody has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan as a step of the journal has it, whatever a mode keeps beside it."""

    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The journalled result of the step ``plan/asked``: how many sections were shown."""

    sections: int


async def approved_plan(run: Run, plan: Plan, question: Question) -> Plan:
    """The plan to work on: the one that was made, or the one that was approved in its place.

    Args:
        run: the job.
        plan: as it was made, journalled.
        question: says whether it is to be approved first.

    Raises:
        ApprovalNeeded: nobody has approved it yet.
        LeaseLost: another worker holds the run now.
    """
    if not question.configuration.approve_plan:
        return plan
    for decided in run.journal.kept(APPROVED_STEP, Planned):
        return decided.plan
    await run.journal.once(ASKED_STEP, partial(_ask, run, plan), Asked)
    raise ApprovalNeeded


def plan_in(job_id: str, steps: Mapping[str, str]) -> Plan:
    """The plan that a research works on, or is to work on.

    Args:
        job_id: of the research.
        steps: its journal: results by step key, as JSON text.

    Raises:
        NotFound: it is not made yet.
    """
    for key in (APPROVED_STEP, PLAN_STEP):
        if key in steps:
            planned: Planned = codec(Planned).decode(steps[key])
            return planned.plan
    raise NotFound(
        f"the research {job_id} has no plan yet", cure="Wait until it is made, or run the research"
    )


def approval_of(plan: Plan, *, edited: bool) -> Approval:
    """What approving a plan leaves in the journal and in the events.

    Args:
        plan: what was approved.
        edited: whether it is another one than was shown.
    """
    return Approval(
        step_key=APPROVED_STEP,
        result=codec(Planned).encode(Planned(plan=plan)),
        data={"edited": edited, **plan_to_json(plan)},
    )


async def _ask(run: Run, plan: Plan) -> Asked:
    await run.emit(AWAITING, {"title": plan.title, "sections": len(plan.sections)})
    return Asked(sections=len(plan.sections))
