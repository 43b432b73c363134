"""The graph mode: what the passages of a question reveal decides what is asked next.

From the plan's sections grows a graph of questions, level by level to ``max_search_depth``: the
questions of a level are searched for and read side by side, and the next level asks what they
leave open and nobody asked. It ends early when nothing is open, or nothing new is found. Then each
section is written from the passages of its whole branch.

Its steps are ``plan``, ``sections/{i}/evidence`` and ``…/reading``, ``nodes/{n}/evidence`` and
``…/reading``, ``sections/{i}/draft``, ``summary``, ``verify``. A level waits for the one before it
as a whole, so that which questions are new never depends on which answer came first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from wiseflow.core.authoring import Plan
from wiseflow.core.configuration import ResearchMode
from wiseflow.core.report import Report
from wiseflow.research.asking import Question
from wiseflow.research.exploring import read_on, searched, written
from wiseflow.research.growing import Explored, Node, grown, has_news, led_to, of_section, root
from wiseflow.research.running import Run, Team
from wiseflow.research.steps import PLANNED, Steps

# How far the run is when all is found.
EXPLORED = 0.6


async def research_as_graph(run: Run, research_id: str, question: Question, team: Team) -> Report:
    """The verified report on a question. Raises as ``research_linearly``."""
    steps = Steps(run, question, team)
    planning = await steps.plan()
    plan = planning.plan
    explored = await _explored(steps, plan)
    branches = [of_section(explored, place) for place in range(len(plan.sections))]
    works = await team.branches.all(
        "write section",
        [
            partial(written, steps, plan, branch, f"sections/{place}/draft")
            for place, branch in enumerate(branches)
        ],
    )
    return await steps.report(research_id, ResearchMode.GRAPH, planning, works)


async def _explored(steps: Steps, plan: Plan) -> list[Explored]:
    """All questions, level by level, with what was found."""
    explored: list[Explored] = []
    depth = steps.configuration.max_search_depth
    level = [root(plan, place) for place in range(len(plan.sections))]
    for number in range(1, depth + 1):
        read = number < depth
        found = await steps.team.branches.all(
            "explore", [partial(_explore, steps, plan, node, explored, read=read) for node in level]
        )
        explored = [*explored, *found]
        await steps.explored(PLANNED + (EXPLORED - PLANNED) * number / depth)
        level = grown(explored, found, plan.language)
        if not level:
            break
    return explored


async def _explore(
    steps: Steps, plan: Plan, node: Node, before: Sequence[Explored], *, read: bool
) -> Explored:
    """Search for a question, and read what is found when it may lead further.

    What is new is told by the levels before alone: it must not depend on who comes first.
    """
    one = await searched(steps, node)
    if not read or not one.found or not has_news(one.found, before):
        return one
    asked = [query for other in before for query in other.node.queries] or [
        query for section in plan.sections for query in section.queries
    ]
    path = led_to(before, node)
    return await read_on(steps, one, before=path, asked=asked, language=plan.language)
