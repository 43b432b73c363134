"""Webhooks in SQL: what ended is found by its time, and told of once by a row for each message."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, and_, case, delete, insert, select, update

from wiseflow.core.errors import NotFound
from wiseflow.core.ids import new_id
from wiseflow.core.jobs import Job
from wiseflow.core.webhooks import Delivery, NewDelivery, Tried, Webhook, WebhookEvent, WebhookSpec
from wiseflow.storage.sql.connection import Connection
from wiseflow.storage.sql.database import Database
from wiseflow.storage.sql.dialect import now, upsert
from wiseflow.storage.sql.job_rows import as_json, to_job
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.schedule_tables import deliveries, webhooks
from wiseflow.storage.sql.tables import jobs

# A transaction that ends a job may commit so long after it looked at the clock and still be seen.
MARGIN_S = 300.0
KEPT_S = 30 * 86_400.0
MOST_LISTED = 1_000


class SqlWebhookStore:
    """Webhooks; see ``WebhookStore``.

    Args:
        database: where they are kept.
        queue: of the same database: takes the jobs that send messages.
    """

    def __init__(self, database: Database, queue: SqlJobQueue) -> None:
        self._database = database
        self._queue = queue

    async def add(self, spec: WebhookSpec, *, tenant: str, submitter: str, secret: str) -> Webhook:
        """A new webhook; it is told of what ends from now on."""
        webhook_id = new_id()
        statement = insert(webhooks).values(
            webhook_id=webhook_id,
            tenant=tenant,
            submitter=submitter,
            secret=secret,
            error="",
            created_at=now(),
            swept_to=now(),
            **_columns(spec),
        )

        async def unit(connection: Connection) -> Webhook:
            await connection.execute(statement)
            return await _read(connection, webhook_id, tenant)

        return await self._database.write(unit)

    async def get(self, webhook_id: str, *, tenant: str) -> Webhook:
        """One webhook of a tenant. Raises ``NotFound``."""

        async def unit(connection: Connection) -> Webhook:
            return await _read(connection, webhook_id, tenant)

        return await self._database.read(unit)

    async def list(self, *, tenant: str) -> list[Webhook]:
        """A tenant's webhooks, newest first."""
        statement = select(webhooks).where(webhooks.c.tenant == tenant)
        statement = statement.order_by(webhooks.c.webhook_id.desc()).limit(MOST_LISTED)

        async def unit(connection: Connection) -> list[Webhook]:
            return [_webhook(row) for row in await connection.execute(statement)]

        return await self._database.read(unit)

    async def change(self, webhook_id: str, spec: WebhookSpec, *, tenant: str) -> Webhook:
        """Have a webhook be as given. Raises ``NotFound``."""
        row = webhooks.c
        statement = (
            update(webhooks)
            .where(row.webhook_id == webhook_id, row.tenant == tenant)
            .values(
                swept_to=case((row.enabled.is_(True), row.swept_to), else_=now()),
                error="",
                **_columns(spec),
            )
        )

        async def unit(connection: Connection) -> Webhook:
            await connection.execute(statement)
            return await _read(connection, webhook_id, tenant)

        return await self._database.write(unit)

    async def turn_off(self, webhook_id: str, error: str) -> None:
        """Tell a webhook nothing more."""
        statement = (
            update(webhooks)
            .where(webhooks.c.webhook_id == webhook_id)
            .values(enabled=False, error=error)
        )

        async def unit(connection: Connection) -> None:
            await connection.execute(statement)

        await self._database.write(unit)

    async def delete(self, webhook_id: str, *, tenant: str) -> None:
        """Forget a webhook and what it was told. Raises ``NotFound``."""
        statement = delete(webhooks).where(
            webhooks.c.webhook_id == webhook_id, webhooks.c.tenant == tenant
        )

        async def unit(connection: Connection) -> int:
            return (await connection.execute(statement)).rowcount

        if not await self._database.write(unit):
            raise _missing(webhook_id)

    async def secrets(self) -> Mapping[str, str]:
        """The secrets of all webhooks of all tenants as they are stored, by the webhook's id."""
        statement = select(webhooks.c.webhook_id, webhooks.c.secret)

        async def unit(connection: Connection) -> dict[str, str]:
            return {row.webhook_id: row.secret for row in await connection.execute(statement)}

        return await self._database.read(unit)

    async def reseal(self, secrets: Mapping[str, str]) -> None:
        """Store secrets anew by the webhook's id, all or none; one that is gone is left out."""

        async def unit(connection: Connection) -> None:
            for webhook_id, secret in secrets.items():
                its = webhooks.c.webhook_id == webhook_id
                await connection.execute(update(webhooks).where(its).values(secret=secret))

        await self._database.write(unit)

    async def ended(self, *, kind: str, limit: int) -> list[tuple[Webhook, Job]]:
        """Jobs that have ended and of which a webhook that wants that is not told yet."""

        async def unit(connection: Connection) -> tuple[float, list[tuple[Webhook, Job]], bool]:
            at = float(await connection.scalar(select(now())))
            active = select(webhooks).where(webhooks.c.enabled.is_(True))
            rows = (await connection.execute(active)).all()
            found: list[tuple[Webhook, Job]] = []
            for row in rows:
                untold = _untold(row, kind).limit(limit - len(found))
                webhook = _webhook(row)
                found += [(webhook, to_job(job)) for job in await connection.execute(untold)]
            old = any(row.swept_to < at - 2 * MARGIN_S for row in rows)
            return at, found, old

        at, found, old = await self._database.read(unit)
        if old and not found:
            await self._swept(at)
        return found

    async def tell(self, deliveries: Sequence[NewDelivery]) -> int:
        """Keep messages and submit the jobs that send them, as one; how many were new."""
        # In one order, so that two that tell of the same wait for each other and not in a circle.
        ordered = sorted(deliveries, key=lambda one: (one.webhook_id, one.job_id))

        async def unit(connection: Connection) -> int:
            new = [one for one in ordered if await _keep(connection, one)]
            if new:
                await self._queue.submitting([one.request for one in new])(connection)
            return len(new)

        return await self._database.write(unit)

    async def delivery(self, delivery_id: str) -> tuple[Delivery, Webhook]:
        """A message and to whom it goes. Raises ``NotFound``."""
        message = select(deliveries).where(deliveries.c.delivery_id == delivery_id)

        async def unit(connection: Connection) -> tuple[Delivery, Webhook]:
            row = (await connection.execute(message)).first()
            if row is None:
                raise NotFound(f"there is no message {delivery_id!r}")
            receiver = select(webhooks).where(webhooks.c.webhook_id == row.webhook_id)
            return _delivery(row), _webhook((await connection.execute(receiver)).one())

        return await self._database.read(unit)

    async def deliveries(self, webhook_id: str, *, limit: int) -> list[Delivery]:
        """The last messages to a webhook, newest first."""
        statement = (
            select(deliveries)
            .where(deliveries.c.webhook_id == webhook_id)
            .order_by(deliveries.c.delivery_id.desc())
            .limit(max(1, min(limit, MOST_LISTED)))
        )

        async def unit(connection: Connection) -> list[Delivery]:
            return [_delivery(row) for row in await connection.execute(statement)]

        return await self._database.read(unit)

    async def tried(self, delivery_id: str, result: Tried) -> None:
        """Note what came of an attempt."""
        row = deliveries.c
        statement = (
            update(deliveries)
            .where(row.delivery_id == delivery_id)
            .values(
                attempts=row.attempts + 1,
                tried_at=now(),
                delivered_at=row.delivered_at if result.error else now(),
                http_status=result.http_status,
                error=result.error,
            )
        )

        async def unit(connection: Connection) -> None:
            await connection.execute(statement)

        await self._database.write(unit)

    async def _swept(self, at: float) -> None:
        """Look no further back than needed from now on, and forget old messages."""
        swept = (
            update(webhooks)
            .where(webhooks.c.swept_to < at - MARGIN_S)
            .values(swept_to=at - MARGIN_S)
        )
        old = delete(deliveries).where(deliveries.c.created_at < at - KEPT_S)

        async def unit(connection: Connection) -> None:
            await connection.execute(swept)
            await connection.execute(old)

        await self._database.write(unit)


def _untold(webhook: Row[Any], kind: str) -> Any:
    """The jobs of a webhook's tenant that have ended and that it is not told of."""
    wanted = [WebhookEvent(event).status for event in json.loads(webhook.events)]
    told = and_(
        deliveries.c.webhook_id == webhook.webhook_id,
        deliveries.c.job_id == jobs.c.job_id,
        deliveries.c.ended_at == jobs.c.completed_at,
    )
    return (
        select(*jobs.c)
        .select_from(jobs.outerjoin(deliveries, told))
        .where(jobs.c.tenant == webhook.tenant, jobs.c.completed_at >= webhook.swept_to)
        .where(jobs.c.kind == kind, jobs.c.status.in_([one.value for one in wanted if one]))
        .where(deliveries.c.delivery_id.is_(None))
        .order_by(jobs.c.completed_at)
    )


async def _keep(connection: Connection, one: NewDelivery) -> bool:
    """Keep a message; whether nobody else has, and the webhook is still there."""
    receiver = select(webhooks.c.webhook_id).where(webhooks.c.webhook_id == one.webhook_id)
    if (
        await connection.execute(receiver.with_for_update(read=True, key_share=True))
    ).first() is None:
        return False
    statement = upsert(connection, deliveries).values(
        delivery_id=one.delivery_id,
        webhook_id=one.webhook_id,
        job_id=one.job_id,
        ended_at=now() if one.ended_at is None else one.ended_at,
        event=one.event.value,
        body=one.body,
        created_at=now(),
        attempts=0,
        error="",
    )
    statement = statement.on_conflict_do_nothing().returning(deliveries.c.delivery_id)
    return (await connection.execute(statement)).first() is not None


async def _read(connection: Connection, webhook_id: str, tenant: str) -> Webhook:
    statement = select(webhooks).where(
        webhooks.c.webhook_id == webhook_id, webhooks.c.tenant == tenant
    )
    row = (await connection.execute(statement)).first()
    if row is None:
        raise _missing(webhook_id)
    return _webhook(row)


def _columns(spec: WebhookSpec) -> dict[str, Any]:
    return {
        "url": spec.url,
        "events": as_json([event.value for event in spec.events]),
        "with_report": spec.with_report,
        "enabled": spec.enabled,
    }


def _webhook(row: Row[Any]) -> Webhook:
    return Webhook(
        webhook_id=row.webhook_id,
        spec=WebhookSpec(
            url=row.url,
            events=tuple(WebhookEvent(event) for event in json.loads(row.events)),
            with_report=row.with_report,
            enabled=row.enabled,
        ),
        tenant=row.tenant,
        submitter=row.submitter,
        secret=row.secret,
        error=row.error,
        created_at=row.created_at,
    )


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        delivery_id=row.delivery_id,
        webhook_id=row.webhook_id,
        job_id=row.job_id,
        event=WebhookEvent(row.event),
        body=row.body,
        created_at=row.created_at,
        attempts=row.attempts,
        tried_at=row.tried_at,
        delivered_at=row.delivered_at,
        http_status=row.http_status,
        error=row.error,
    )


def _missing(webhook_id: str) -> NotFound:
    return NotFound(f"there is no webhook {webhook_id!r}")
