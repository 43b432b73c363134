"""The tools: a line for each, and what one does, which is one call and one rendering."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from wiseflow.server.bodies import PlanBody
from wiseflow.server.mcp import arguments as takes
from wiseflow.server.mcp.answers import (
    Answer,
    Changed,
    CollectionsShown,
    PassagesShown,
    PlanShown,
    ReportPart,
    ResearchesShown,
    StatusShown,
    Submitted,
)
from wiseflow.server.mcp.backends import Backend

INSTRUCTIONS = """\
WiseFlow turns each topic into a cited report, and checks every citation against its source.
Submit topics with submit_research (several at once run side by side), follow one with get_status
and wait_s, and read it with get_report, part by part. A research takes from seconds to many
minutes and goes on without you. It looks in the collections of documents that list_collections
names, on the web, or in both, as its configuration says. Keep the citations of a report when you
tell of it, and say which of them are not supported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool.

    Args:
        name, title: for programs, and for people.
        about: what it does and when to use it, for the assistant.
        takes, gives: its arguments and its answer.
        run: does it.
        changes: whether something is different after it; such calls are in the audit log.
        ends: whether it ends or loses something, so that people want to be asked first.
        repeatable: whether a second call with the same arguments does no more.
        outside: whether it leads to requests to the open world.
    """

    name: str
    title: str
    about: str
    takes: type[takes.Arguments]
    gives: type[Answer]
    run: Callable[[Backend, Any], Awaitable[Answer]]
    changes: bool = False
    ends: bool = False
    repeatable: bool = True
    outside: bool = False


async def submit_research(backend: Backend, given: takes.SubmitResearch) -> Answer:
    """Submit researches."""
    return Submitted.of(await backend.submit(given))


async def get_status(backend: Backend, given: takes.GetStatus) -> Answer:
    """Tell how far a research is."""
    return StatusShown.of_watched(await backend.watch(given.research_id, given.wait_s))


async def get_report(backend: Backend, given: takes.GetReport) -> Answer:
    """Tell a part of a report."""
    report = await backend.report(given.research_id, given.format)
    return ReportPart.of(
        given.research_id, given.format, report, offset=given.offset, limit=given.limit
    )


async def list_researches(backend: Backend, given: takes.ListResearches) -> Answer:
    """Tell a page of researches."""
    return ResearchesShown.of(await backend.page(given))


async def search_library(backend: Backend, given: takes.SearchLibrary) -> Answer:
    """Search a collection."""
    found = await backend.search(given.query, collection=given.collection, k=given.k)
    return PassagesShown.of(found)


async def list_collections(backend: Backend, _: takes.Nothing) -> Answer:
    """Tell the collections."""
    return CollectionsShown.of(await backend.collections())


async def get_plan(backend: Backend, given: takes.OfResearch) -> Answer:
    """Tell the plan of a research."""
    plan = await backend.plan(given.research_id)
    return PlanShown(id=given.research_id, plan=PlanBody.model_validate(plan))


async def approve_plan(backend: Backend, given: takes.ApprovePlan) -> Answer:
    """Let a research that awaits approval go on."""
    plan = None if given.plan is None else given.plan.model_dump()
    return Changed.of(await backend.approve(given.research_id, plan))


async def cancel_research(backend: Backend, given: takes.OfResearch) -> Answer:
    """Cancel a research."""
    return Changed.of(await backend.cancel(given.research_id))


async def resume_research(backend: Backend, given: takes.OfResearch) -> Answer:
    """Let a research go on."""
    return Changed.of(await backend.resume(given.research_id))


TOOLS = (
    Tool(
        name="submit_research",
        title="Start researches",
        about="Start one research for each topic, all or none. Returns their ids at once; the "
        "researches run on by themselves. Use several topics for questions that can be answered "
        "side by side. It may call models and search providers, which may cost money: "
        "`configuration.budget` bounds that.",
        takes=takes.SubmitResearch,
        gives=Submitted,
        run=submit_research,
        changes=True,
        repeatable=False,
        outside=True,
    ),
    Tool(
        name="get_status",
        title="Status of a research",
        about="How far a research is: its state, progress, cost so far, and how long it will about "
        "take still. With `wait_s` it answers when the research has ended, or after that time.",
        takes=takes.GetStatus,
        gives=StatusShown,
        run=get_status,
    ),
    Tool(
        name="get_report",
        title="Read a report",
        about="The cited report of a completed research, a part at a time: while `next_offset` is "
        "not null, call again with it as `offset`.",
        takes=takes.GetReport,
        gives=ReportPart,
        run=get_report,
    ),
    Tool(
        name="list_researches",
        title="List researches",
        about="Researches that were submitted before, the newest first, by status, tag or mode. "
        "Look here for one that has answered a question already.",
        takes=takes.ListResearches,
        gives=ResearchesShown,
        run=list_researches,
    ),
    Tool(
        name="search_library",
        title="Search the documents",
        about="The passages of a collection of documents that fit a query best, at once and "
        "without a research. For a quick look; for an answer with citations start a research.",
        takes=takes.SearchLibrary,
        gives=PassagesShown,
        run=search_library,
    ),
    Tool(
        name="list_collections",
        title="List the collections of documents",
        about="Which collections of documents there are, to search or to research in.",
        takes=takes.Nothing,
        gives=CollectionsShown,
        run=list_collections,
    ),
    Tool(
        name="get_plan",
        title="Read the plan of a research",
        about="The sections and queries that a research works on, or is to work on once approved.",
        takes=takes.OfResearch,
        gives=PlanShown,
        run=get_plan,
    ),
    Tool(
        name="approve_plan",
        title="Approve the plan of a research",
        about="Let a research that awaits approval go on, with its plan or with another one. Only "
        "after the user has agreed.",
        takes=takes.ApprovePlan,
        gives=Changed,
        run=approve_plan,
        changes=True,
        repeatable=False,
        outside=True,
    ),
    Tool(
        name="cancel_research",
        title="Cancel a research",
        about="Cancel a research that waits, or ask one that runs to stop. What it has done is "
        "kept, and resume_research goes on from there.",
        takes=takes.OfResearch,
        gives=Changed,
        run=cancel_research,
        changes=True,
        ends=True,
    ),
    Tool(
        name="resume_research",
        title="Resume a research",
        about="Let a research that failed or was cancelled go on; its finished steps are kept.",
        takes=takes.OfResearch,
        gives=Changed,
        run=resume_research,
        changes=True,
        repeatable=False,
        outside=True,
    ),
)
BY_NAME = {tool.name: tool for tool in TOOLS}
