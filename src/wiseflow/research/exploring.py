"""How a question is searched for and read on, and what a section is then written from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wiseflow.core.authoring import Gathered, Inquiry, Plan
from wiseflow.research.closing import Work
from wiseflow.research.growing import Explored, Node, helping, joined
from wiseflow.research.steps import EVIDENCE_PASSAGES, Steps

# For each further question a section is written from so many passages more, up to twice as many.
PASSAGES_A_NODE, MOST_TIMES = 2, 2


async def searched(steps: Steps, node: Node) -> Explored:
    """What is found for a question."""
    request = replace(steps.request(node.queries), exploring=True)
    found = await steps.gather(f"{node.step}/evidence", node.title, request, **_told(node))
    return Explored(node=node, found=found)


async def read_on(
    steps: Steps,
    one: Explored,
    *,
    before: Sequence[Explored] = (),
    asked: Sequence[str],
    language: str,
) -> Explored:
    """What the passages of a question show; the same, when there are none.

    Args:
        steps: of the run.
        one: the question and what was found for it.
        before: the questions that led to it: what helped there is read with it, as the question
            makes sense only together with that.
        asked: what was searched for already.
        language: ISO 639-1 code of the report, or "".
    """
    if not one.found or not one.found.evidence:
        return one
    evidence = {item.hit.passage.passage_id: item for item in helping(before)}
    evidence |= {item.hit.passage.passage_id: item for item in one.found.evidence}
    inquiry = Inquiry(
        topic=steps.topic,
        question=one.node.title,
        queries=one.node.queries,
        evidence=tuple(evidence.values()),
        asked=tuple(asked),
        language=language,
        most=steps.configuration.number_of_queries,
        step=f"{one.node.step}/reading",
    )
    return replace(one, findings=await steps.read(inquiry, **_told(one.node)))


async def gathered(steps: Steps, branch: Sequence[Explored]) -> Gathered | None:
    """What a section is written from: what readers found to help, then the best of all.

    ``None`` when the section's own search, the first of its branch, is lost.
    """
    found = joined(branch)
    if found is None:
        return None
    usual = EVIDENCE_PASSAGES[steps.configuration.length]
    most = min(usual + PASSAGES_A_NODE * (len(branch) - 1), MOST_TIMES * usual)
    queries = tuple(query for one in branch for query in one.node.queries)
    request = replace(steps.request((), limit=most), queries=queries)
    best = await steps.team.retriever.choose(request, found.evidence)
    chosen = {item.hit.passage.passage_id: item for item in (*helping(branch), *best)}
    return replace(found, evidence=tuple(chosen.values())[:most])


async def written(
    steps: Steps,
    plan: Plan,
    branch: Sequence[Explored],
    step_key: str,
    remarks: tuple[str, ...] = (),
) -> Work:
    """A section, written from the passages of its branch.

    Args:
        steps: of the run.
        plan: of the report.
        branch: the section's question and those that it led to.
        step_key: of the draft, in the journal.
        remarks: what was wanting in an earlier draft.
    """
    found, place = await gathered(steps, branch), branch[0].node.section
    assignment = steps.assignment(plan, place, found.evidence if found else (), remarks)
    draft = await steps.write(step_key, assignment, found, of=len(plan.sections))
    return Work(found=found, draft=draft)


def _told(node: Node) -> dict[str, object]:
    """What events tell of a question."""
    return {"section": node.section, "node": node.number, "parent": node.parent}
