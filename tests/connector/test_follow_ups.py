"""Questions and follow-ups of researches on a simulated web, with simulated models."""

from dataclasses import replace
from typing import Any

import pytest

from wiseflow import Configuration, ParallelResearchManager, ReportLength, ResearchConnector
from wiseflow.core.errors import NotFound
from wiseflow.core.jobs import JobStatus

BRIEF = Configuration(length=ReportLength.BRIEF, number_of_queries=1)


@pytest.fixture
def manager(online):
    return ParallelResearchManager(online)


@pytest.fixture
def connector(manager):
    return ResearchConnector(BRIEF, manager=manager)


@pytest.fixture
def topic(sim):
    """One that the simulated web knows."""
    return sim.world.topics[0].name


def entries(sim):
    """All calls that the simulated providers answered."""
    return [entry for entry in sim.log.entries if entry.status == 200]


async def test_a_question_to_a_report_asks_the_model_once_and_nobody_else(
    connector, manager, sim, topic
):
    report: Any = await connector.research(topic)
    question = report["sections"][0]["claims"][0]["text"]
    before = len(entries(sim))

    first: Any = await connector.ask(report["id"], question)
    second: Any = await connector.ask(report["id"], question)

    asked = entries(sim)[before:]
    assert first == second
    assert [entry.provider for entry in asked] == ["openai"]
    assert first["sections"][0]["claims"]
    assert {source["id"] for source in first["sources"]}
    assert first["facts"]["calls"] == 1
    [job] = await manager.get_questions(report["id"])
    assert (job.title, job.status) == (question, JobStatus.COMPLETED)


async def test_a_follow_up_does_not_fetch_what_was_fetched_before(connector, sim, topic):
    report: Any = await connector.research(topic)
    before = len(entries(sim))
    urls = {source["url"] for source in report["sources"]}

    again: Any = await connector.follow_up(report["id"], topic)

    fetched = [entry for entry in entries(sim)[before:] if entry.kind == "page"]
    earlier = [entry for entry in entries(sim)[:before] if entry.kind == "page"]
    assert earlier
    assert not {entry.digest for entry in fetched}.intersection(one.digest for one in earlier)
    assert again["facts"]["builds_on"]["research_id"] == report["id"]
    assert again["facts"]["builds_on"]["sources"] > 0
    assert urls.intersection(source["url"] for source in again["sources"])


async def test_the_plan_of_a_follow_up_may_be_approved_first(connector, manager, topic):
    report: Any = await connector.research(topic)
    follower = ResearchConnector(replace(BRIEF, approve_plan=True), manager=manager)

    research_id = await manager.create_research(
        f"What is new about {topic}?", replace(BRIEF, approve_plan=True), follows=report["id"]
    )
    [job] = await manager.execute_research(research_id)

    assert job.status is JobStatus.AWAITING_APPROVAL
    assert (await manager.get_research_plan(research_id))["sections"]
    assert (await follower.approve(research_id))["sections"]


async def test_a_follow_up_of_a_research_deleted_before_it_began_says_so(connector, manager, topic):
    report: Any = await connector.research(topic)
    research_id = await manager.create_research(topic, BRIEF, follows=report["id"])
    await manager.delete_research(report["id"])

    [job] = await manager.execute_research(research_id)

    assert job.status is JobStatus.FAILED
    assert "the earlier research" in job.error
    assert "is deleted" in job.error
    with pytest.raises(NotFound):
        await manager.create_research(topic, BRIEF, follows=report["id"])


async def test_a_follow_up_goes_on_when_the_earlier_research_is_deleted_in_between(
    connector, manager, topic
):
    report: Any = await connector.research(topic)
    planned = replace(BRIEF, approve_plan=True)
    research_id = await manager.create_research(topic, planned, follows=report["id"])
    await manager.execute_research(research_id)
    await manager.delete_research(report["id"])

    await manager.approve_research(research_id)
    [job] = await manager.execute_research(research_id)

    again: Any = await manager.get_research_result(research_id)
    assert job.status is JobStatus.COMPLETED
    assert again["facts"]["builds_on"]["sources"] > 0
    assert all(source["sha256"] for source in again["sources"])
