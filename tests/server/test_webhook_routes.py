"""Webhooks over REST, and what a receiver gets over real HTTP."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json

import pytest
from aiohttp import web
from tests.providers.servers import answering, serving

from wiseflow.app import open_application
from wiseflow.core.errors import AddressForbidden, InvalidInput
from wiseflow.core.jobs import Job, JobFilter, JobStatus, Outcome
from wiseflow.jobs import webhooks
from wiseflow.jobs.owners import instance_name
from wiseflow.jobs.webhooks import MOST_ATTEMPTS, key_of, signed_headers
from wiseflow.jobs.worker import Worker, WorkerTimes
from wiseflow.providers.network import Network
from wiseflow.providers.posting import WebhookPoster
from wiseflow.settings.loading import load_settings
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.steps import SqlStepStore

PLACE = "/api/v1/webhooks"


@pytest.fixture
def settings(tmp_path):
    """Those of a program that may reach this machine, where receivers of tests are."""
    return load_settings(
        environ={
            "WISEFLOW_DATA_DIR": str(tmp_path),
            "LOCAL_ONLY": "true",
            "MAX_CONCURRENT_TASKS": "1",
            "FETCH_ALLOWED_NETWORKS": "127.0.0.0/8",
            "WISEFLOW_SECRET_KEY": "a key of the tests and of nothing else",
        },
        dotenv=None,
    )


@pytest.fixture
async def closed(tmp_path):
    """A program with no network opened on purpose."""
    environ = {"WISEFLOW_DATA_DIR": str(tmp_path / "closed")}
    async with open_application(load_settings(environ=environ, dotenv=None)) as opened:
        yield opened


async def test_a_webhook_is_made_read_changed_and_deleted(client):
    body = {"url": "http://127.0.0.1:9/hook", "events": ["research.failed"]}
    made = await client.post(PLACE, json=body)

    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    place = made.headers["Location"]
    read = (await client.get(place)).json()
    assert "secret" not in read
    assert read["events"] == ["research.failed"]
    assert (await client.get(PLACE)).json() == [read]
    changed = await client.put(place, json={**body, "enabled": False})
    assert changed.json() == {**read, "enabled": False}
    assert (await client.post(f"{place}/test")).status_code == 409
    assert (await client.delete(place)).status_code == 204
    assert (await client.get(place)).status_code == 404


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "http://u:p@127.0.0.1/"}, "url"),
        ({"url": "http://example.com/"}, "stay on this machine"),
        ({"url": "http://10.0.0.1/"}, "stay on this machine"),
        ({"secret": "whsec_short"}, "secret"),
        ({"events": ["webhook.test"]}, "events"),
        ({"events": []}, "events"),
    ],
)
async def test_what_cannot_be_used_is_named(client, change, told):
    answer = await client.post(PLACE, json={"url": "http://127.0.0.1:9/", **change})

    assert answer.status_code == 422
    assert told in f"{answer.json()['detail']} {answer.json().get('cure')}"


async def test_a_receiver_gets_a_signed_message_of_each_end_without_the_report(client, application):
    async with serving(answering(b"", status=204)) as receiver:
        made = (await client.post(PLACE, json={"url": f"{receiver.base}/hook"})).json()
        ended = [await end(client, application, one) for one in (JobStatus.COMPLETED, "cancel")]
        await send_all(application)

    for request, body in zip(receiver.asked, receiver.bodies, strict=True):
        assert request.method == "POST"
        assert verified(request.headers, body, made["secret"])
    told = [json.loads(body) for body in receiver.bodies]
    assert sorted((one["type"], one["data"]["id"]) for one in told) == sorted(
        zip(("research.completed", "research.cancelled"), ended, strict=True)
    )
    assert all("report" not in one["data"] for one in told)
    [first, _] = (await client.get(f"{PLACE}/{made['id']}/deliveries")).json()
    assert (first["http_status"], first["attempts"], first["error"]) == (204, 1, "")
    assert first["delivered_at"] is not None


async def test_a_message_is_sent_again_with_the_same_id_until_it_is_taken(client, application):
    answers = iter([500, 302, 200])

    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=next(answers), headers={"Location": "/elsewhere"})

    async with serving(handler) as receiver:
        made = (await client.post(PLACE, json={"url": receiver.base})).json()
        assert (await client.post(f"{PLACE}/{made['id']}/test")).status_code == 202
        await send_all(application)

    assert len(receiver.asked) == 3
    assert len({request.headers["webhook-id"] for request in receiver.asked}) == 1
    assert {request.path for request in receiver.asked} == {"/"}
    assert len(set(receiver.bodies)) == 1
    [told] = (await client.get(f"{PLACE}/{made['id']}/deliveries")).json()
    assert (told["event"], told["attempts"], told["http_status"]) == ("webhook.test", 3, 200)


async def test_a_receiver_that_never_answers_well_is_given_up(client, application):
    # Nobody listens on the discard port of this machine.
    made = (await client.post(PLACE, json={"url": "http://127.0.0.1:9/"})).json()
    await client.post(f"{PLACE}/{made['id']}/test")

    job = await send_all(application)

    assert job.status is JobStatus.FAILED
    [told] = (await client.get(f"{PLACE}/{made['id']}/deliveries")).json()
    assert (told["attempts"], told["delivered_at"]) == (MOST_ATTEMPTS, None)
    assert "127.0.0.1" in told["error"]


async def test_a_message_whose_secret_cannot_be_read_says_why(client, application):
    made = (await client.post(PLACE, json={"url": "http://127.0.0.1:9/"})).json()
    await application.upkeep.webhooks.reseal({made["id"]: "sealed:of-another-key:AAAA"})
    await client.post(f"{PLACE}/{made['id']}/test")

    job = await send_all(application)

    assert job.status is JobStatus.FAILED
    [told] = (await client.get(f"{PLACE}/{made['id']}/deliveries")).json()
    assert (told["attempts"], told["delivered_at"]) == (1, None)
    assert "another WISEFLOW_SECRET_KEY" in told["error"]


async def test_a_receiver_that_is_gone_turns_its_webhook_off(client, application):
    async with serving(answering(b"", status=410)) as receiver:
        made = (await client.post(PLACE, json={"url": receiver.base})).json()
        await client.post(f"{PLACE}/{made['id']}/test")
        job = await send_all(application)

    assert job.status is JobStatus.CANCELLED
    webhook = (await client.get(f"{PLACE}/{made['id']}")).json()
    assert not webhook["enabled"]
    assert "410" in webhook["error"]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://[::1]/", "http://0x7f.1/", "http://localhost/",
            "http://10.1.2.3/", "http://169.254.169.254/latest/"]
)  # fmt: skip
async def test_an_address_behind_our_walls_is_refused_before_it_is_kept(closed, url):
    with pytest.raises(AddressForbidden, match="not on the public internet"):
        closed.upkeep.poster.check(url)


async def test_a_name_that_leads_behind_our_walls_is_refused_when_it_is_sent(closed):
    async def look_up(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    poster = WebhookPoster(Network(), look_up=look_up)
    async with serving(answering(b"")) as receiver:
        poster.check(f"http://inside.example:{receiver.port}/")
        with pytest.raises(AddressForbidden, match="not on the public internet"):
            await poster.post(f"http://inside.example:{receiver.port}/", {}, b"{}")
    await poster.aclose()

    assert receiver.asked == []


def test_a_signature_is_that_of_the_specification():
    # Source: the test vector of the Standard Webhooks libraries.
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    headers = signed_headers(
        key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330.9, b'{"test": 2432232314}'
    )

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_what_is_no_secret_is_refused(secret):
    with pytest.raises(InvalidInput, match="secret"):
        key_of(secret)


def verified(headers, body: bytes, secret: str) -> bool:
    """As a receiver checks it."""
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    return headers["webhook-signature"] == f"v1,{wanted}"


async def end(client, application, how) -> str:
    """A research that has ended."""
    job_id = (await client.post("/api/v1/research", json={"topic": "Tides"})).json()["id"]
    if how == "cancel":
        await application.queue.cancel(job_id)
        return job_id
    [(_, lease)] = await application.queue.claim("a", lease_s=60, limit=1, kinds=["research"])
    await application.queue.finish(lease, Outcome(status=how))
    return job_id


async def send_all(application) -> Job:
    """Send what is to be sent, without the waits between attempts; the last message's job."""
    for tick in application.upkeep.ticks():
        await tick()
    async with Database(application.settings.database_url) as database:
        worker = Worker(
            queue=application.queue,
            steps=SqlStepStore(database),
            events=application.events,
            handlers={webhooks.KIND: application.upkeep.deliver},
            owner=instance_name(),
            concurrency=2,
            times=WorkerTimes(poll_s=0.01, heartbeat_s=0.05, retry_delay_s=0.0),
        )
        async with asyncio.timeout(30):
            await worker.run(until_idle=True)
    [job, *_] = await application.queue.list(JobFilter(kind=webhooks.KIND))
    return job
