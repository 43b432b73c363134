"""The multi-agent mode: a supervisor, researchers side by side, a critic.

The supervisor's plan splits the topic; a researcher for each section searches, reads what was
found, searches for what that leaves open, and writes. A critic reads all drafts and sends sections
back, with what to search for; those are mended side by side, in a bounded number of rounds. Then
everything is summed up and verified.

Its steps are ``plan``, ``sections/{i}/evidence``, ``…/reading``, ``…/more/evidence``, ``…/draft``,
``critique/{r}``, ``rounds/{r}/{i}/evidence``, ``rounds/{r}/{i}/draft``, ``summary``, ``verify``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from wiseflow.core.authoring import Plan, Remark
from wiseflow.core.configuration import Configuration, ResearchMode
from wiseflow.core.report import Report
from wiseflow.research.asking import Question
from wiseflow.research.closing import Work
from wiseflow.research.exploring import read_on, searched, written
from wiseflow.research.growing import Explored, Node, root
from wiseflow.research.running import Run, Team
from wiseflow.research.steps import Steps

# A round costs two model calls in a row; the first finds most of what is wanting.
MOST_ROUNDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a researcher has: the questions of a section with what was found, and its draft."""

    branch: tuple[Explored, ...]
    work: Work


async def research_by_agents(run: Run, research_id: str, question: Question, team: Team) -> Report:
    """The verified report on a question. Raises as ``research_linearly``."""
    steps = Steps(run, question, team)
    planning = await steps.plan()
    plan = planning.plan
    desks = await team.branches.all(
        "researcher",
        [partial(_research, steps, plan, place) for place in range(len(plan.sections))],
    )
    for number in range(1, rounds_of(question.configuration) + 1):
        works = [desk.work for desk in desks]
        critique = await steps.critique(f"critique/{number}", plan, works)
        remarks = _by_section(critique.remarks, len(plan.sections))
        if not remarks:
            break
        desks = await team.branches.all(
            "mend section",
            [
                partial(
                    _mended, steps, plan, desk, remarks.get(place, ()), f"rounds/{number}/{place}"
                )
                for place, desk in enumerate(desks)
            ],
        )
    works = [desk.work for desk in desks]
    return await steps.report(research_id, ResearchMode.MULTI_AGENT, planning, works)


def rounds_of(configuration: Configuration) -> int:
    """How often a critic may send sections back."""
    return min(configuration.max_search_depth - 1, MOST_ROUNDS)


async def _research(steps: Steps, plan: Plan, place: int) -> Desk:
    """What one researcher does: search, read, search for what is open, write."""
    own = await searched(steps, root(plan, place))
    if steps.configuration.max_search_depth > 1:
        asked = [query for section in plan.sections for query in section.queries]
        own = await read_on(steps, own, asked=asked, language=plan.language)
    branch = (own,)
    if own.findings and own.findings.questions and not own.findings.answered:
        more = _further(own.node, own.findings.questions, f"{own.node.step}/more")
        branch = (own, await searched(steps, more))
    work = await written(steps, plan, branch, f"sections/{place}/draft")
    return Desk(branch=branch, work=work)


async def _mended(
    steps: Steps, plan: Plan, desk: Desk, remarks: Sequence[Remark], step: str
) -> Desk:
    """A section written again after a critic's remarks; as it was without any, or when that fails.

    What the critic misses is searched for first.
    """
    if not remarks or desk.work.found is None:
        return desk
    queries = tuple(dict.fromkeys(query for remark in remarks for query in remark.queries))
    branch = desk.branch
    if queries:
        branch = (*branch, await searched(steps, _further(branch[0].node, queries, step)))
    problems = tuple(remark.problem for remark in remarks)
    work = await written(steps, plan, branch, f"{step}/draft", problems)
    return Desk(branch=branch, work=work) if work.draft and work.draft.claims else desk


def _further(node: Node, queries: tuple[str, ...], step: str) -> Node:
    """What is searched for after a section's own question."""
    return replace(node, queries=queries, step=step, parent=node.number)


def _by_section(remarks: Sequence[Remark], sections: int) -> Mapping[int, list[Remark]]:
    """The remarks by section, those on sections that there are."""
    found: dict[int, list[Remark]] = {}
    for remark in remarks:
        if 0 <= remark.section < sections:
            found.setdefault(remark.section, []).append(remark)
    return found
