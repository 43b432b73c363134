"""Researches with a model and a search provider, from Python."""

from dataclasses import replace
from typing import Any

import pytest

from wiseflow import (
    Budget,
    Configuration,
    ParallelResearchManager,
    ReportLength,
    ResearchConnector,
    SearchAPI,
)
from wiseflow.core.errors import ConfigurationError, InvalidInput
from wiseflow.core.jobs import JobStatus
from wiseflow.simulator.calls import CallKind
from wiseflow.simulator.checking import Checker

BRIEF = Configuration(length=ReportLength.BRIEF, number_of_queries=1)


@pytest.fixture
def topic(sim):
    """One that the simulated web knows."""
    return sim.world.topics[0].name


async def test_what_is_set_up_researches_the_web_with_a_model_and_tells_what_it_used(online, topic):
    connector = ResearchConnector(BRIEF, manager=ParallelResearchManager(online))

    report: Any = await connector.research(topic)

    assert report["author"] == {"kind": "model", "models": ["llm:sim-large"]}
    assert report["sections"]
    assert {source["provider"] for source in report["sources"]} == {"tavily"}
    facts = report["facts"]
    assert facts["calls"] >= 5  # a plan, sections, a summary, and their searches
    assert facts["tokens"] > 0
    assert facts["cost"] > 0  # the searches; the model is on this machine


async def test_what_a_careless_model_plants_is_mended_with_one_more_call_a_section(
    careless, with_careless
):
    manager = ParallelResearchManager(with_careless)
    checker = Checker(careless.world)

    report: Any = await ResearchConnector(BRIEF, manager=manager).research(
        careless.world.topics[1].name
    )

    claims = [*report["summary"], *(one for part in report["sections"] for one in part["claims"])]
    assert report["facts"]["repaired"] > 0
    assert report["facts"]["supported"] == report["facts"]["citations"] > 0
    assert not [one["text"] for one in claims if checker.check(one["text"]).wrong]
    asked = [one for one in careless.log.entries if one.kind is CallKind.MODEL]
    assert len(asked) <= 2 + 2 * len(report["sections"])


async def test_models_and_search_are_named_by_the_configuration(online, topic):
    manager = ParallelResearchManager(online)
    configuration = replace(BRIEF, search_api=SearchAPI.TAVILY, writer_model="llm:sim-small")

    research_id = await manager.create_research(topic, configuration)
    [job] = await manager.execute_research(research_id)
    report: Any = await manager.get_research_result(research_id)

    assert job.status is JobStatus.COMPLETED
    assert report["author"]["models"] == ["llm:sim-small"]
    assert job.cost == report["facts"]["cost"]


async def test_documents_that_are_named_are_searched_and_the_author_may_be_the_embedded(online):
    configuration = replace(BRIEF, writer_model="extractive")
    connector = ResearchConnector(configuration, manager=ParallelResearchManager(online))

    report: Any = await connector.research("What are spring tides?", docs=["papers"])

    assert report["author"]["kind"] == "extractive"
    assert report["facts"]["calls"] == 0
    assert report["facts"]["cost"] == 0


@pytest.mark.parametrize(
    ("configuration", "kind", "said"),
    [
        (Configuration(writer_model="opneai:x"), InvalidInput, "Did you mean 'openai'"),
        (Configuration(writer_model="sim-large"), InvalidInput, "names no model"),
        (Configuration(writer_model="openai:gpt-4o"), ConfigurationError, "OPENAI_API_KEY"),
        (Configuration(planner_model="tavily:x"), InvalidInput, "no provider that has models"),
        (Configuration(search_api=SearchAPI.EXA), ConfigurationError, "EXA_API_KEY"),
        (Configuration(budget=Budget(money=-1)), InvalidInput, "budget.money"),
    ],
)
async def test_what_is_not_set_up_is_refused_before_anything_is_submitted(
    online, configuration, kind, said
):
    manager = ParallelResearchManager(online)

    with pytest.raises(kind, match=said):
        await manager.create_research("Tides", configuration)

    assert await manager.get_all_research() == []
