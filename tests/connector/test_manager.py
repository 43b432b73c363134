import asyncio
import subprocess
import sys
from typing import Any

import pytest

import wiseflow
from wiseflow import (
    Configuration,
    ParallelResearchManager,
    ResearchConnector,
    ResearchFailed,
    ResearchMode,
    SearchAPI,
    Synchronous,
    TaskPriority,
)
from wiseflow.core.errors import IllegalTransition, InvalidInput, NotFound
from wiseflow.core.jobs import JobStatus


async def test_a_connector_turns_a_topic_into_the_report_of_the_contract(manager):
    connector = ResearchConnector(manager=manager)

    report: Any = await connector.research("What are spring tides?", docs=["papers"])

    assert report["status"] == "completed"
    assert report["author"]["kind"] == "extractive"
    assert report["sections"]
    assert report["sections"][0]["claims"]


async def test_a_connector_uses_the_collection_of_its_configuration(manager, collection):
    configuration = Configuration(
        research_mode=ResearchMode.LINEAR, search_api=SearchAPI.DOCUMENTS, collection=collection
    )

    report = await ResearchConnector(configuration, manager=manager).research("Spring tides")

    assert report["topic"] == "Spring tides"


async def test_a_research_without_a_report_raises_with_its_reason(manager):
    with pytest.raises(ResearchFailed, match="hold nothing") as caught:
        await ResearchConnector(manager=manager).research("The saxophone", docs=["papers"])

    assert caught.value.job.stop_reason == "no_evidence"


async def test_researches_are_created_executed_and_read(manager, collection):
    configuration = Configuration(collection=collection)
    first = await manager.create_research("Spring tides", configuration)
    second = await manager.create_research(
        "The Moon", configuration, priority=TaskPriority.HIGH, tags=["sky"], metadata={"a": 1}
    )
    waiting = await manager.get_active_research()

    jobs = await manager.execute_research(first, second)

    assert {job.job_id for job in waiting} == {first, second}
    assert [job.job_id for job in jobs] == [first, second]
    assert {job.status for job in jobs} == {JobStatus.COMPLETED}
    assert (await manager.get_research_result(first))["topic"] == "Spring tides"
    assert (await manager.get_research_status(second)).tags == ("sky",)
    assert await manager.get_active_research() == []
    assert len(await manager.get_completed_research()) == 2
    assert len(await manager.get_all_research()) == 2


async def test_only_the_researches_named_are_executed(manager, collection):
    configuration = Configuration(collection=collection)
    run = await manager.create_research("Spring tides", configuration)
    left = await manager.create_research("The Moon", configuration)

    await manager.execute_research(run)

    assert (await manager.get_research_status(left)).status is JobStatus.PENDING


async def test_a_waiting_research_is_cancelled_and_deleted(manager):
    research_id = await manager.create_research("Spring tides")

    assert (await manager.cancel_research(research_id)).status is JobStatus.CANCELLED
    with pytest.raises(IllegalTransition):
        await manager.cancel_research(research_id)
    await manager.delete_research(research_id)
    with pytest.raises(NotFound):
        await manager.get_research_status(research_id)


async def test_metrics_count_by_status_and_tell_the_mean_time(manager, collection):
    assert (await manager.get_metrics()).mean_seconds == 0.0
    await manager.execute_research(
        await manager.create_research("Tides", Configuration(collection=collection))
    )

    metrics = await manager.get_metrics()

    assert metrics.total == 1
    assert metrics.by_status["completed"] == 1
    assert metrics.mean_seconds > 0


async def test_the_concurrency_is_a_setting_that_changes_at_run_time(settings):
    manager = ParallelResearchManager(settings)
    assert manager.max_concurrent_research == 3

    manager.max_concurrent_research = 7

    assert manager.max_concurrent_research == 7
    with pytest.raises(InvalidInput, match="at least 1"):
        manager.max_concurrent_research = 0


async def test_how_much_uses_the_machine_changes_at_run_time(settings, collection):
    manager = ParallelResearchManager(settings, max_concurrent_tasks=3)
    assert manager.max_concurrent_tasks == 3
    configuration = Configuration(collection=collection)
    ids = [await manager.create_research(f"Spring tides {n}", configuration) for n in range(4)]

    running = asyncio.create_task(manager.execute_research(*ids))
    await asyncio.sleep(0)
    manager.max_concurrent_tasks = 1

    assert {job.status for job in await running} == {JobStatus.COMPLETED}
    assert manager.max_concurrent_tasks == 1
    with pytest.raises(InvalidInput, match="max_concurrent_tasks is 0"):
        manager.max_concurrent_tasks = 0


async def test_a_wrong_topic_is_refused_before_it_is_submitted(manager):
    with pytest.raises(InvalidInput, match="empty"):
        await manager.create_research(" ")

    assert await manager.get_all_research() == []


def test_a_script_without_a_loop_has_a_synchronous_front(settings):
    connector = Synchronous(ResearchConnector(manager=ParallelResearchManager(settings)))

    assert connector.research("Spring tides", docs=["papers"])["sections"]


def test_what_is_not_asynchronous_passes_through_the_front(settings):
    manager = ParallelResearchManager(settings, max_concurrent_research=5)

    assert Synchronous(manager).max_concurrent_research == 5


async def test_the_public_fronts_speak_of_the_environment(monkeypatch):
    monkeypatch.setenv("MAX_CONCURRENT_RESEARCH", "9")

    answer = await wiseflow.database.test_connection()

    assert answer.status == "ok"
    assert answer.version.startswith("SQLite")
    assert (await wiseflow.cache.test_connection()).version == "memory"
    assert wiseflow.config.max_concurrent_research == 9
    assert "Settings" in repr(wiseflow.config)
    assert await wiseflow.parallel_research_manager.get_all_research() == []


# Each name in a process of its own, which begins where the imports are done already.
EACH_ALONE = """
import os, sys
import wiseflow.app, wiseflow.cli.main, wiseflow.connector.fronts
missing = []
for name in sys.argv[1:]:
    child = os.fork()
    if not child:
        try:
            exec(f"from wiseflow import {name}\\nassert not hasattr({name}, '__path__')")
        except BaseException:
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        missing.append(name)
sys.exit(" ".join(missing) or 0)
"""


def test_every_public_name_is_there_whatever_was_imported_before():
    done = subprocess.run(
        [sys.executable, "-c", EACH_ALONE, *wiseflow.__all__],
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = wiseflow.nothing_like_it
    assert "ResearchConnector" in dir(wiseflow)


def test_a_script_without_a_main_guard_works(tmp_path):
    script = tmp_path / "five_lines.py"
    script.write_text(
        "from wiseflow import ResearchConnector, Synchronous\n"
        "report = Synchronous(ResearchConnector()).research('Spring tides', docs=['papers'])\n"
        "print(len(report['sections']))\n"
    )

    done = subprocess.run(
        [sys.executable, str(script)], check=True, capture_output=True, text=True, timeout=120
    )

    assert done.stdout == "1\n"
