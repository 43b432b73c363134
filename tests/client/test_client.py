"""The client: it has every operation, tells errors apart, and waits within bounds."""

import inspect
import json
from dataclasses import replace
from pathlib import Path

import pytest

from wiseflow import Client, Configuration, SearchAPI, Synchronous
from wiseflow.bench.service_process import ServiceProcess
from wiseflow.client.answers import UploadReport
from wiseflow.client.asking import Patience
from wiseflow.client.client import _configuration
from wiseflow.client.streams import Message, messages
from wiseflow.core import errors
from wiseflow.core.access import Scope
from wiseflow.core.jobs import JobStatus
from wiseflow.core.keys import NewKey
from wiseflow.core.schedules import ScheduleSpec
from wiseflow.core.webhooks import WebhookEvent, WebhookSpec

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reference" / "openapi.json"
HASTY = Patience(answer_s=10, attempts=3, wait_s=5)


def operations():
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return {
        operation["operationId"]: operation
        for methods in document["paths"].values()
        for operation in methods.values()
    }


def test_there_is_a_method_for_every_operation():
    methods = {name for name, _ in inspect.getmembers(Client, inspect.isfunction)}

    assert operations().keys() - methods == set()


@pytest.fixture
async def client(server):
    async with Client(server.url, patience=HASTY) as asking:
        yield asking


async def lines(*given):
    for line in given:
        yield line


async def test_messages_of_a_stream_are_read():
    told = lines(
        "retry: 2000", "", ": alive", "", "id: 3", "event: step", 'data: {"a":', "data: 1}", "",
        "event: end", "data:x", "", "id: 4", "data: cut off",
    )  # fmt: skip

    assert [one async for one in messages(told)] == [
        Message(event="step", data='{"a":\n1}', number=3),
        Message(event="end", data="x"),
    ]


def test_only_what_differs_from_the_defaults_is_asked_for():
    asked = Configuration(search_api=SearchAPI.ARXIV, collection="papers")

    assert _configuration(asked) == {"search_api": "arxiv", "collection": "papers"}
    assert _configuration(Configuration()) == {}


async def test_what_is_refused_for_now_is_asked_again_and_done_once(playing):
    playing.answers = [(503, {}), (429, {"Retry-After": "0"}), (202, {})]

    async with Client(playing.url, patience=HASTY) as client:
        job = await client.submit_research("Tides")

    keys = [asked.headers["idempotency-key"] for asked in playing.asked]
    assert job.status is JobStatus.PENDING
    assert len(keys) == 3
    assert len(set(keys)) == 1


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            404,
            {"code": "not_found", "detail": "no research x", "cure": "List them"},
            errors.NotFound,
        ),
        (409, {"code": "illegal_transition", "detail": "no"}, errors.IllegalTransition),
        (413, {"code": "too_large", "detail": "no"}, errors.TooLarge),
        (401, {}, errors.Unauthenticated),
        (403, {}, errors.Forbidden),
        (422, {"code": "invalid_input", "detail": "no"}, errors.InvalidInput),
        (429, {"code": "too_many_requests", "detail": "no"}, errors.RateLimited),
        (500, {"code": "internal_server_error"}, errors.ProviderDown),
        (502, "<html>", errors.ProviderDown),
        (503, {"code": "storage_full", "detail": "no room"}, errors.StorageFull),
    ],
)
async def test_problems_are_the_errors_they_tell_of(playing, status, body, kind):
    playing.answers = [(status, {"Retry-After": "0"}, body)] * 3

    async with Client(playing.url, patience=HASTY) as client:
        with pytest.raises(kind) as raised:
            await client.get_research("x")

    assert type(raised.value) is kind
    if isinstance(body, dict) and "detail" in body:
        assert raised.value.message == body["detail"]
        assert raised.value.cure == body.get("cure", "")


async def test_nobody_is_waited_for_longer_than_there_is_patience(playing):
    playing.answers = [(503, {"Retry-After": "3600"})] * 3

    async with Client(playing.url, patience=HASTY) as client:
        with pytest.raises(errors.ProviderDown):
            await client.get_research("x")

    assert len(playing.asked) == 1


async def test_a_service_that_is_not_there_is_named():
    hasty = Patience(answer_s=1, attempts=2, wait_s=2)
    async with Client("http://127.0.0.1:9", patience=hasty) as client:
        with pytest.raises(errors.NetworkFailed, match="cannot be reached"):
            await client.get_live()


async def test_a_stream_that_breaks_is_taken_up_where_it_broke(playing):
    def event(number):
        told = json.dumps({"type": "step", "at": 1.0, "data": {"n": number}})
        return f"id: {number}\nevent: step\ndata: {told}\n\n"

    end = 'event: end\ndata: {"status": "completed"}\n\n'
    playing.answers = [
        (200, {}, event(1) + event(2) + "id: 3\nevent: st"),
        (503, {}),
        (200, {}, event(3) + end),
    ]

    async with Client(playing.url, patience=HASTY) as client:
        numbers = [event.number async for event in client.follow_events("x")]

    assert numbers == [1, 2, 3]
    assert [asked.query for asked in playing.asked] == ["", "after=2", "after=2"]


def test_everything_is_there_without_an_event_loop(server):
    with Synchronous(Client(server.url, patience=HASTY)) as client:
        client.upload_files(
            "papers", {"tides.md": b"# Tides\n\nTides rise and fall twice a day.\n"}
        )
        made = client.submit_research("How do tides rise?", {"collection": "papers"})
        ended = client.wait(made.job_id, timeout_s=60)
        report = client.get_result(made.job_id)

    assert ended.status is JobStatus.COMPLETED
    assert report["id"] == made.job_id


async def test_every_operation_on_schedules_and_webhooks_is_understood(client):
    spec = ScheduleSpec(name="tides", cron="0 7 * * *", topic="Tides", tags=("sea",))
    hook = WebhookSpec(url="http://127.0.0.1:9/hook", events=(WebhookEvent.FAILED,))

    added = await client.add_schedule(spec)
    run = await client.run_schedule("tides")
    await client.wait(run.job_id)
    made = await client.add_webhook(hook)
    sent = await client.test_webhook(made.webhook_id)

    assert added.spec == spec
    assert (await client.list_schedules()).schedules[0].schedule_id == added.schedule_id
    assert (await client.get_schedule("tides")).next_at == added.next_at
    assert [one.job_id for one in await client.list_runs("tides")] == [run.job_id]
    assert (await client.enable_schedule("tides", enabled=False)).next_at is None
    assert (await client.change_schedule("tides", spec)).spec == spec
    await client.delete_schedule("tides")
    assert (made.spec, bool(made.secret)) == (hook, True)
    assert await client.list_webhooks() == [await client.get_webhook(made.webhook_id)]
    assert sent in [replace(one, attempts=0, tried_at=None, error="") for one in
                    await client.list_deliveries(made.webhook_id)]  # fmt: skip
    changed = replace(hook, enabled=False)
    assert (await client.change_webhook(made.webhook_id, changed)).spec == changed
    await client.delete_webhook(made.webhook_id)


async def test_every_operation_on_links_is_understood(client):
    await client.upload_files("shared", {"tides.md": b"# Tides\n\nTides rise twice a day.\n"})
    run = await client.submit_research("How do tides rise?", {"collection": "shared"})
    await client.wait(run.job_id)

    link = await client.share_report(run.job_id, expires_in_s=3600)

    assert await client.list_shares(run.job_id) == [link]
    assert (await client.get_shared(link))["id"] == run.job_id
    await client.revoke_share(link.id)
    with pytest.raises(errors.NotFound):
        await client.get_shared(link)
    again = await client.submit_research("How do tides rise?", {"collection": "shared"})
    await client.wait(again.job_id)
    assert isinstance(await client.get_changes(again.job_id, since=run.job_id), dict)


async def test_every_operation_on_keys_secrets_and_the_log_is_understood(tmp_path):
    settings = {
        "WISEFLOW_DATA_DIR": str(tmp_path),
        "LOCAL_ONLY": "true",
        "MAX_CONCURRENT_TASKS": "1",
        "WISEFLOW_SECRET_KEY": "a key of the tests and of nothing else",
    }
    with ServiceProcess(settings, parallel=0) as server:
        async with Client(server.url, patience=HASTY) as first:
            chief = await first.create_key(NewKey(name="chief", scope=Scope.ADMIN))
        async with Client(server.url, api_key=chief.text, patience=HASTY) as client:
            made = await client.create_key(NewKey(name="ci", scope=Scope.READ))
            await client.set_secret("EXA_API_KEY", "a secret")

            assert [one.name for one in await client.list_keys()] == ["ci", "chief"]
            assert (await client.get_key(made.key.key_id)).scope is Scope.READ
            rotated = await client.rotate_key(made.key.key_id)
            assert rotated.text != made.text
            assert not (await client.revoke_key(rotated.key.key_id)).live
            assert [one.name for one in await client.list_secrets()] == ["EXA_API_KEY"]
            await client.delete_secret("EXA_API_KEY")
            assert await client.list_secrets() == []
            log = await client.list_audit(limit=2)
            assert [one.action.partition(" ")[0] for one in log] == ["DELETE", "POST"]
            assert "wiseflow_" in await client.get_metrics()


async def test_every_operation_is_understood_by_the_service(client):  # noqa: PLR0915 - they are many
    uploaded = await client.upload_files(
        "of mine", {"tides.md": b"# Tides\n\nTides rise and fall twice a day.\n"}
    )
    asked = {"collection": "of mine"}
    [one, other] = await client.submit_parallel(
        ["How do tides rise?"], asked, researches=[{"topic": "Tides", "configuration": asked}]
    )
    await client.wait(one.job_id)
    await client.wait(other.job_id)
    events = [event.number async for event in client.follow_events(one.job_id)]
    [reference] = await client.list_sources(one.job_id)
    question = await client.ask_report(one.job_id, "How often do tides rise?")
    follow_up = await client.follow_up_research(one.job_id, "Falling tides", asked)
    planned = await client.submit_research("Tides", {**asked, "approve_plan": True})
    await client.wait(planned.job_id)
    plan = await client.get_plan(planned.job_id)

    assert isinstance(uploaded, UploadReport)
    assert uploaded.added == 1
    assert events == list(range(1, len(events) + 1))
    source = await client.get_source(one.job_id, reference.id)
    assert source.text.startswith("Tides")
    assert (await client.get_rendered(one.job_id, "markdown")).startswith("# ")
    assert "<html" in await client.get_rendered(one.job_id, "html", drawings=True)
    found = await client.get_question(one.job_id, question.job.job_id)
    assert found.job.title == "How often do tides rise?"
    assert [job.job_id for job in await client.list_questions(one.job_id)] == [found.job.job_id]
    assert (await client.put_plan(planned.job_id, plan)).status in set(JobStatus)
    with pytest.raises(errors.IllegalTransition):
        await client.approve_plan(planned.job_id)
    with pytest.raises(errors.IllegalTransition):
        await client.cancel_research(one.job_id)
    with pytest.raises(errors.IllegalTransition):
        await client.resume_research(one.job_id)
    page = await client.list_research(limit=1, mode="linear", since=1.0)
    assert len(page.researches) == 1
    assert page.next_cursor
    assert (await client.estimate_research("Tides", asked)).calls == 0
    [hit, *_] = await client.search_documents("tides", collection="of mine", k=1)
    assert "Tides" in hit.passage.text
    await client.wait(follow_up.job_id)
    await client.delete_research(follow_up.job_id)
    assert [file.name for file in await client.list_files("of mine")] == ["tides.md"]
    await client.delete_file("of mine", "tides.md")
    await client.delete_collection("of mine")
    assert "of mine" not in [one.name for one in await client.list_collections()]
    assert set(await client.get_health()) >= {"status", "components"}
    assert await client.get_live()
    assert await client.get_ready()
    assert await client.get_startup()
