"""The contract of ``WebhookStore``, on each database."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from wiseflow.core.errors import NotFound
from wiseflow.core.jobs import JobFilter, JobRequest, JobStatus, Outcome
from wiseflow.core.webhooks import Tried, WebhookEvent, WebhookSpec
from wiseflow.jobs.webhooks import KIND, WebhookTick, new_delivery, trial_message
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.schedule_tables import webhooks as table
from wiseflow.storage.sql.webhooks import MARGIN_S, SqlWebhookStore

SPEC = WebhookSpec(url="https://example.com/hook")
REQUEST = JobRequest(kind="research", payload={}, title="bees", tenant="t")


@pytest.fixture
def store(stores) -> SqlWebhookStore:
    return SqlWebhookStore(stores.database, stores.queue)


async def add(store, tenant="t", **changes):
    spec = replace(SPEC, **changes)
    return await store.add(spec, tenant=tenant, submitter="k", secret="sealed")


async def end(stores, status=JobStatus.COMPLETED, **changes) -> str:
    [job_id] = await stores.queue.submit([replace(REQUEST, **changes)])
    kinds = [changes.get("kind", "research")]
    [(_, lease)] = await stores.queue.claim("a", lease_s=60, limit=1, kinds=kinds)
    await stores.queue.finish(lease, Outcome(status=status))
    return job_id


async def untold(store):
    found = await store.ended(kind="research", limit=100)
    return [(webhook.webhook_id, job.job_id) for webhook, job in found]


async def look(store):
    await WebhookTick(store=store, kind="research")()


async def sending(stores):
    return await stores.queue.list(JobFilter(kind=KIND))


async def test_a_webhook_reads_back_as_it_was_asked_for(store):
    made = await add(store, events=(WebhookEvent.FAILED,), with_report=True)

    assert made.spec == replace(SPEC, events=(WebhookEvent.FAILED,), with_report=True)
    assert (made.tenant, made.submitter, made.secret) == ("t", "k", "sealed")
    assert "sealed" not in repr(made)
    assert await store.list(tenant="t") == [made]


async def test_what_is_another_tenants_is_not_there(store):
    made = await add(store)

    for act in (
        store.get(made.webhook_id, tenant="u"),
        store.change(made.webhook_id, SPEC, tenant="u"),
        store.delete(made.webhook_id, tenant="u"),
    ):
        with pytest.raises(NotFound):
            await act
    assert await store.list(tenant="u") == []


async def test_what_its_tenant_ended_since_and_it_wants_is_to_be_told(store, stores):
    await end(stores)
    every = await add(store)
    failed = await add(store, events=(WebhookEvent.FAILED,))
    await add(store, enabled=False)
    completed = await end(stores)
    broken = await end(stores, JobStatus.FAILED)
    await end(stores, tenant="u")
    await end(stores, kind="question")
    [pending] = await stores.queue.submit([REQUEST])
    await stores.queue.cancel(pending)

    assert set(await untold(store)) == {
        (every.webhook_id, completed),
        (every.webhook_id, broken),
        (every.webhook_id, pending),
        (failed.webhook_id, broken),
    }


async def test_each_end_is_told_once_and_a_second_end_again(store, stores):
    await add(store)
    job_id = await end(stores, JobStatus.FAILED)

    await look(store)
    await look(store)
    assert len(await sending(stores)) == 1
    await stores.queue.resume(job_id)
    await stores.queue.cancel(job_id)
    await look(store)

    assert len(await sending(stores)) == 2
    assert await untold(store) == []


async def test_eight_that_look_at_once_tell_once(url, store, stores):
    made = await add(store)
    jobs = [await end(stores) for _ in range(5)]
    databases = [Database(url) for _ in range(8)]
    for database in databases:
        await database.open()

    async with asyncio.TaskGroup() as group:
        for database in databases:
            group.create_task(look(SqlWebhookStore(database, SqlJobQueue(database))))

    for database in databases:
        await database.close()
    told = await store.deliveries(made.webhook_id, limit=100)
    assert sorted(one.job_id for one in told) == jobs
    assert len(await sending(stores)) == 5


async def test_what_ends_while_a_webhook_is_off_is_not_told(store, stores):
    made = await add(store)
    await store.turn_off(made.webhook_id, "gone")
    assert (await store.get(made.webhook_id, tenant="t")).error == "gone"
    await end(stores)

    await store.change(made.webhook_id, SPEC, tenant="t")

    assert await untold(store) == []
    after = await end(stores)
    assert await untold(store) == [(made.webhook_id, after)]


async def test_a_look_goes_no_further_back_than_it_must_and_misses_nothing(store, stores):
    made = await add(store)
    await swept(stores, made.created_at - 10 * MARGIN_S)

    await look(store)

    moved = await swept(stores)
    assert made.created_at - 2 * MARGIN_S < moved <= made.created_at - MARGIN_S + 60
    job_id = await end(stores)
    assert await untold(store) == [(made.webhook_id, job_id)]


async def test_attempts_are_noted_with_the_message(store, stores):
    made = await add(store)
    new = new_delivery(made, WebhookEvent.TEST, trial_message(0.0))
    assert await store.tell([new, new]) == 1

    await store.tried(new.delivery_id, Tried(error="no connection"))
    await store.tried(new.delivery_id, Tried(http_status=200))

    delivery, webhook = await store.delivery(new.delivery_id)
    assert webhook == made
    assert (delivery.attempts, delivery.http_status, delivery.error) == (2, 200, "")
    assert delivery.delivered_at == pytest.approx(delivery.tried_at, abs=1)


async def test_a_deleted_webhook_is_told_nothing_more(store, stores):
    made = await add(store)
    new = new_delivery(made, WebhookEvent.TEST, trial_message(0.0))
    await store.tell([new])

    await store.delete(made.webhook_id, tenant="t")

    with pytest.raises(NotFound):
        await store.delivery(new.delivery_id)
    late = new_delivery(made, WebhookEvent.TEST, trial_message(0.0))
    assert await store.tell([late]) == 0


async def swept(stores, to: float | None = None) -> float:
    """To when ends were looked at; set, if given."""

    async def unit(connection):
        if to is not None:
            await connection.execute(update(table).values(swept_to=to))
        return await connection.scalar(select(table.c.swept_to))

    return await stores.database.write(unit)


async def test_secrets_of_all_tenants_are_sealed_anew(store):
    one, other = await add(store), await add(store, tenant="u")
    assert await store.secrets() == {one.webhook_id: "sealed", other.webhook_id: "sealed"}

    await store.reseal({one.webhook_id: "anew", "gone": "x"})

    assert await store.secrets() == {one.webhook_id: "anew", other.webhook_id: "sealed"}
    assert (await store.get(one.webhook_id, tenant="t")).secret == "anew"
