"""The linear mode: plan sections, search and write them all side by side, sum up, verify.

Its steps are ``plan``, ``sections/{i}/evidence``, ``sections/{i}/draft``,
``sections/{i}/held`` where a claim is in doubt, ``summary``, ``verify``.
"""

from __future__ import annotations

from functools import partial

from wiseflow.core.authoring import Plan
from wiseflow.core.configuration import ResearchMode
from wiseflow.core.report import Report
from wiseflow.research.asking import Question
from wiseflow.research.closing import Work
from wiseflow.research.running import Run, Team
from wiseflow.research.steps import Steps


async def research_linearly(run: Run, research_id: str, question: Question, team: Team) -> Report:
    """The verified report on a question.

    Raises:
        NoEvidence: the documents hold nothing on the topic.
        CallError: no plan could be made, or every section is lost; the first reason.
        BudgetSpent: likewise, as the run may spend no more.
        ApprovalNeeded: its plan is made, and nobody has approved it yet.
        Cancelled: somebody asked for the run to stop.
        LeaseLost: another worker holds the run now.
    """
    steps = Steps(run, question, team)
    planning = await steps.plan()
    plan = planning.plan
    # Each section is written as soon as its own evidence is there.
    works = await team.branches.all(
        "make section",
        [partial(_section, steps, plan, place) for place in range(len(plan.sections))],
    )
    return await steps.report(research_id, ResearchMode.LINEAR, planning, works)


async def _section(steps: Steps, plan: Plan, place: int) -> Work:
    section = plan.sections[place]
    request = steps.request(section.queries, follow_ups=steps.configuration.max_search_depth - 1)
    key = f"sections/{place}"
    found = await steps.gather(f"{key}/evidence", section.title, request, section=place)
    assignment = steps.assignment(plan, place, found.evidence if found else ())
    draft = await steps.write(f"{key}/draft", assignment, found, of=len(plan.sections))
    return Work(found=found, draft=draft)
