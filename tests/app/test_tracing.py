"""Traces as a real collector gets them, over OTLP and HTTP."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from wiseflow.app import open_application
from wiseflow.app.tracing import read_headers
from wiseflow.core.asking import ChatRequest, Message, Speaker
from wiseflow.core.calls import RunContext
from wiseflow.core.errors import ConfigurationError, ProviderDown
from wiseflow.core.ids import decode, encode, new_id
from wiseflow.core.jobs import JobRequest
from wiseflow.observability.otel import trace_id
from wiseflow.settings.loading import load_settings
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.process import SimulatorProcess

LIMIT_S = 60
CANARY = "canary-secret-topic"


class Collector:
    """Receives traces as a collector does."""

    def __init__(self):
        self.spans = []
        self.resources = []
        self.headers = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.take(self.path, dict(self.headers), body)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format, *args):  # noqa: A002 - the base's name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self, path, headers, body):
        assert path == "/v1/traces"
        self.headers.append(headers)
        self.body = body
        for one in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append(values(one.resource))
            self.spans += [span for scope in one.scope_spans for span in scope.spans]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def named(self, name):
        return [span for span in self.spans if span.name == name]


def values(holder):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in holder.attributes}


@pytest.fixture
def collector():
    with Collector() as running:
        yield running


@pytest.fixture(scope="module")
def sim():
    with SimulatorProcess(SimulatorOptions(time_scale=0.01)) as running:
        yield running


@pytest.fixture
def settings(tmp_path, collector, sim):
    def made(**more):
        environ = {
            "WISEFLOW_DATA_DIR": str(tmp_path),
            "OLLAMA_API_BASE": sim.url("ollama"),
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20otel-canary",
            **more,
        }
        return load_settings(environ=environ, dotenv=None)

    return made


def drafting(application, *, fails):
    """A step with a call in a task of the engine; the run fails after it if so asked."""

    async def handle(context):
        async def draft() -> str:
            answer = await application.outside.models.complete(
                ChatRequest(messages=(Message(speaker=Speaker.USER, text=CANARY),), max_tokens=20),
                model="ollama:sim-large",
                context=RunContext(run_id=context.job.job_id, journal=context.journal),
                step="sections/2/draft",
            )
            return answer.text

        async def in_a_task() -> str:
            return await application.tasks.result(application.tasks.register_task("draft", draft))

        if fails:
            await context.journal.once("sections/2", in_a_task, str)
            raise ProviderDown(CANARY, provider="ollama")
        await draft()

    return handle


async def run(settings, *, fails):
    async with open_application(settings) as application, asyncio.timeout(LIMIT_S):
        await application.queue.submit(
            [JobRequest(kind="task", payload={}, title=CANARY, max_attempts=1, idempotency_key="k")]
        )
        (job_id,) = await application.queue.submit(
            [JobRequest(kind="task", payload={}, idempotency_key="k")]
        )
        if not fails:
            await application.queue.resume(job_id)
        worker = application.worker(
            concurrency=1, handlers={"task": drafting(application, fails=fails)}
        )
        await worker.run(until_idle=True)
    return job_id


async def test_a_research_is_one_trace_of_its_steps_and_calls_in_two_processes_too(
    settings, collector
):
    job_id = await run(settings(), fails=True)
    first = list(collector.spans)
    await run(settings(), fails=False)

    assert {span.trace_id for span in collector.spans} == {trace_id(job_id).to_bytes(16)}
    (step,) = collector.named("step sections/*")
    roots = collector.named("job task")
    called, replayed = collector.named("call model")
    assert [span.name for span in first] == ["call model", "step sections/*", "job task"]
    assert [root.parent_span_id for root in roots] == [b"", b""]
    assert step.parent_span_id == roots[0].span_id
    assert called.parent_span_id == step.span_id
    assert replayed.parent_span_id == roots[1].span_id
    assert [values(root)["wiseflow.job.ending"] for root in roots] == ["failed", "completed"]
    about = values(called)
    assert (about["gen_ai.provider.name"], about["gen_ai.request.model"]) == ("ollama", "sim-large")
    assert about["gen_ai.usage.output_tokens"] > 0
    assert about["wiseflow.step"] == "sections/2/draft"
    assert [values(one)["wiseflow.journal_hit"] for one in (called, replayed)] == [False, True]


async def test_nothing_of_what_is_researched_is_in_a_trace_but_who_sends_is(settings, collector):
    await run(settings(), fails=True)

    assert CANARY.encode() not in collector.body
    assert collector.headers[0]["authorization"] == "Bearer otel-canary"
    assert collector.resources[0]["service.name"] == "wiseflow"
    assert "otel-canary" in settings().logging().secrets[0]


async def test_a_collector_that_is_not_there_costs_no_research(settings):
    job_id = await run(settings(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9"), fails=True)

    assert job_id


async def test_traces_do_not_leave_a_machine_that_nothing_is_to_leave(settings):
    refused = settings(LOCAL_ONLY="true", OTEL_EXPORTER_OTLP_ENDPOINT="http://192.0.2.1:4318")

    with pytest.raises(ConfigurationError, match="OTEL_EXPORTER_OTLP_ENDPOINT"):
        async with open_application(refused):
            pass


def test_headers_that_cannot_be_read_are_told_without_their_values():
    with pytest.raises(ConfigurationError) as raised:
        read_headers("a=b,secret-canary")

    assert "header 2" in str(raised.value)
    assert "canary" not in str(raised.value)


def test_a_trace_has_the_bits_of_its_job():
    job_id = new_id()

    assert encode(trace_id(job_id)) == job_id
    assert encode(decode(job_id)) == job_id
    assert trace_id("j") == trace_id("j") != 0


def test_without_traces_nothing_of_them_is_loaded():
    code = (
        "import sys, wiseflow.app.application, wiseflow.app.outside\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
        "assert 'prometheus_client' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
