"""What the manager promises, in this process and against a service."""

from dataclasses import replace
from typing import Any

import pytest

from wiseflow import (
    Configuration,
    ParallelResearchManager,
    ResearchConnector,
    ResearchFailed,
    TaskPriority,
)
from wiseflow.bench.service_process import ServiceProcess
from wiseflow.core.errors import Conflict, IllegalTransition, InvalidInput, NotFound
from wiseflow.core.jobs import JobStatus

NOWHERE = "0" * 26


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Of a service."""
    folder = tmp_path_factory.mktemp("contract")
    settings = {"WISEFLOW_DATA_DIR": str(folder), "LOCAL_ONLY": "true", "MAX_CONCURRENT_TASKS": "1"}
    with ServiceProcess(settings, parallel=2) as running:
        yield running.url


@pytest.fixture(params=["embedded", "service"])
def manager(request, settings):
    """A manager of each kind."""
    if request.param == "embedded":
        return ParallelResearchManager(settings)
    return ParallelResearchManager(settings, service=request.getfixturevalue("address"))


@pytest.fixture
async def asked(collection):
    """How to research that document."""
    return Configuration(collection=collection)


async def test_researches_are_created_executed_and_read(manager, asked):
    ids = [
        await manager.create_research(
            topic, asked, priority=TaskPriority.HIGH, tags=["sea"], metadata={"n": 1}
        )
        for topic in ("Tides of the sea", "What are spring tides?")
    ]

    jobs = await manager.execute_research(*ids)

    assert [job.job_id for job in jobs] == ids
    assert {job.status for job in jobs} == {JobStatus.COMPLETED}
    assert jobs[0] == await manager.get_research_status(ids[0])
    assert (jobs[0].title, jobs[0].priority, jobs[0].tags, jobs[0].metadata) == (
        "Tides of the sea", TaskPriority.HIGH, ("sea",), {"n": 1},
    )  # fmt: skip
    report: Any = await manager.get_research_result(ids[1])
    assert report["topic"] == "What are spring tides?"
    assert report["sources"]
    assert set(ids) <= {job.job_id for job in await manager.get_completed_research()}
    assert set(ids) <= {job.job_id for job in await manager.get_all_research()}
    assert not set(ids) & {job.job_id for job in await manager.get_active_research()}
    metrics = await manager.get_metrics()
    assert metrics.by_status["completed"] >= 2
    assert metrics.mean_seconds > 0


async def test_a_service_that_the_settings_name_is_asked(settings, address):
    by_setting = ParallelResearchManager(
        settings.model_copy(update={"wiseflow_service_url": address})
    )

    made = await by_setting.create_research("Tides of the sea")

    there = ParallelResearchManager(settings, service=address)
    assert (await there.get_research_status(made)).title == "Tides of the sea"


async def test_a_question_is_answered_and_a_follow_up_made(manager, asked):
    connector = ResearchConnector(asked, manager=manager)
    report: Any = await connector.research("Tides of the sea")

    answer: Any = await connector.ask(report["id"], "What are spring tides?")
    follow_up: Any = await connector.follow_up(report["id"], "Spring tides")

    assert answer["topic"] == "What are spring tides?"
    [question] = await manager.get_questions(report["id"])
    assert (question.title, question.status) == ("What are spring tides?", JobStatus.COMPLETED)
    assert follow_up["facts"]["builds_on"]["research_id"] == report["id"]


async def test_a_plan_is_proposed_changed_and_approved(manager, asked):
    connector = ResearchConnector(asked, manager=manager)
    proposed = await connector.plan("Tides of the sea")

    with pytest.raises(InvalidInput, match="sections"):
        await manager.approve_research(proposed.research_id, {**proposed.plan, "sections": []})
    report = await connector.approve(proposed.research_id, {**proposed.plan, "title": "Sea"})

    assert report["title"] == "Sea"
    with pytest.raises(IllegalTransition):
        await manager.approve_research(proposed.research_id)


async def test_a_research_is_cancelled_and_deleted(manager, asked):
    waiting = replace(asked, approve_plan=True)
    research_id = await manager.create_research("Tides of the sea", waiting)

    [awaiting] = await manager.execute_research(research_id)
    cancelled = await manager.cancel_research(research_id)
    await manager.delete_research(research_id)

    assert awaiting.status is JobStatus.AWAITING_APPROVAL
    assert cancelled.status is JobStatus.CANCELLED
    with pytest.raises(NotFound):
        await manager.get_research_status(research_id)


async def test_errors_are_of_the_same_kind(manager, asked):
    with pytest.raises(InvalidInput, match="topic"):
        await manager.create_research("?", asked)
    with pytest.raises(InvalidInput):
        await manager.create_research("Tides", replace(asked, number_of_queries=99))
    for method in (manager.get_research_status, manager.get_research_result,
                   manager.cancel_research, manager.delete_research,
                   manager.execute_research):  # fmt: skip
        with pytest.raises(NotFound):
            await method(NOWHERE)
    with pytest.raises(InvalidInput):
        await manager.index("nowhere")


async def test_without_a_report_there_is_nothing_to_read_or_ask(manager, asked):
    connector = ResearchConnector(asked, manager=manager)
    with pytest.raises(ResearchFailed) as raised:
        await connector.research("Quarterly bond yields of Peru")

    with pytest.raises(NotFound):
        await manager.get_research_result(raised.value.job.job_id)
    with pytest.raises(Conflict):
        await manager.ask_report(raised.value.job.job_id, "Why?")


async def test_what_was_deleted_from_the_disk_is_not_found_any_more(manager, folder):
    (folder / "papers" / "deep").mkdir()
    (folder / "papers" / "deep" / "neap tides.md").write_text("# Neap tides\n\nThey are weak.\n")
    first = await manager.index("papers")
    (folder / "papers" / "deep" / "neap tides.md").unlink()

    assert await manager.index("papers") == first
    with pytest.raises(ResearchFailed):
        await ResearchConnector(Configuration(collection=first), manager=manager).research(
            "Weak neap"
        )
