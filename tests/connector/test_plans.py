"""Plan first from Python, over a simulated model and search."""

from typing import Any

import pytest

from wiseflow import Configuration, ParallelResearchManager, ReportLength, ResearchConnector
from wiseflow.core.errors import IllegalTransition, InvalidInput
from wiseflow.core.jobs import JobStatus

BRIEF = Configuration(length=ReportLength.BRIEF, number_of_queries=1)


@pytest.fixture
def connector(online):
    return ResearchConnector(BRIEF, manager=ParallelResearchManager(online))


@pytest.fixture
def topic(sim):
    """One that the simulated web knows."""
    return sim.world.topics[0].name


async def test_a_plan_is_proposed_and_its_report_follows_its_approval(connector, sim, topic):
    proposed = await connector.plan(topic)
    report: Any = await connector.approve(proposed.research_id)

    sections: Any = proposed.plan["sections"]
    planned = [section["title"] for section in sections]
    assert planned
    assert {section["title"] for section in report["sections"]} <= set(planned)
    assert report["sections"]
    assert sum(stat.answered for stat in sim.log.stats() if stat.tokens_in) > 0
    assert sum(stat.duplicates for stat in sim.log.stats() if stat.tokens_in) == 0


async def test_an_edited_plan_is_worked_on(connector, topic):
    proposed = await connector.plan(topic)
    edited = {
        **proposed.plan,
        "title": "In other words",
        "sections": [{"title": "All of it", "queries": [topic]}],
    }

    report: Any = await connector.approve(proposed.research_id, edited)

    assert report["title"] == "In other words"
    assert [section["title"] for section in report["sections"]] == ["All of it"]


async def test_what_was_approved_cannot_be_approved_again(online, connector, topic):
    manager = ParallelResearchManager(online)
    proposed = await connector.plan(topic)
    with pytest.raises(InvalidInput, match="0 sections"):
        await manager.approve_research(proposed.research_id, {**proposed.plan, "sections": []})

    job = await manager.approve_research(proposed.research_id)

    assert job.status is JobStatus.PENDING
    assert await manager.get_research_plan(proposed.research_id) == proposed.plan
    with pytest.raises(IllegalTransition):
        await manager.approve_research(proposed.research_id)
