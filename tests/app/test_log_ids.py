"""The ids on log lines lead from a job to its tasks and calls."""

from __future__ import annotations

import asyncio
import json

import pytest

from wiseflow.app import open_application
from wiseflow.core.asking import ChatRequest, Message, Speaker
from wiseflow.core.calls import RunContext
from wiseflow.core.jobs import JobRequest
from wiseflow.observability.logs import close_logging, configure_logging, get_logger
from wiseflow.settings.loading import load_settings
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess

LOGGER = get_logger("wiseflow.test")
KEY = "sk-canary-0123456789abcdef"
LIMIT_S = 60


@pytest.fixture(scope="module")
def sim():
    with SimulatorProcess(SimulatorOptions(time_scale=0.01)) as running:
        yield running


@pytest.fixture
def settings(tmp_path, sim):
    made = load_settings(
        environ={
            "WISEFLOW_DATA_DIR": str(tmp_path),
            "LOG_LEVEL": "DEBUG",
            "LOG_FORMAT": "json",
            "LOG_MAX_SIZE": "1000000",
            "OLLAMA_API_BASE": sim.url("ollama"),
            "LLM_API_KEY": KEY,
        },
        dotenv=None,
    )
    configure_logging(made.logging(console_level="CRITICAL"))
    yield made
    close_logging()


def lines_of(settings, message):
    lines = map(json.loads, settings.log_path.read_text("utf-8").splitlines())
    return [line for line in lines if line["message"] == message]


async def test_job_task_and_call_are_on_the_lines_of_what_they_did(settings):
    async with open_application(settings) as application, asyncio.timeout(LIMIT_S):

        async def draft(text):
            LOGGER.info("A draft begins", key=KEY)
            await application.outside.models.complete(
                ChatRequest(messages=(Message(speaker=Speaker.USER, text=text),), max_tokens=20),
                model="ollama:sim-large",
                context=RunContext(run_id="r"),
                step="draft",
            )

        async def handle(context):
            tasks = application.tasks
            names = [tasks.register_task("draft", draft, (f"Draft {n}",)) for n in range(2)]
            for name in names:
                await tasks.result(name)
            LOGGER.info("All drafts are there")

        (job_id,) = await application.queue.submit([JobRequest(kind="task", payload={})])
        await application.worker(concurrency=1, handlers={"task": handle}).run(until_idle=True)

    begun = lines_of(settings, "A draft begins")
    back = lines_of(settings, "A call came back")
    (after,) = lines_of(settings, "All drafts are there")
    assert {line["job_id"] for line in (*begun, *back, after)} == {job_id}
    assert sorted(line["task"] for line in begun) == sorted(line["task"] for line in back)
    assert len({line["task"] for line in begun}) == 2
    assert len({line["call_id"] for line in back}) == 2
    assert not any("call_id" in line for line in begun)
    assert "task" not in after
    assert KEY not in settings.log_path.read_text("utf-8")
