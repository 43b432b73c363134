"""Tells webhooks that a research has ended: a signed message, sent until it is taken.

Source: Standard Webhooks 1.0.0 (https://github.com/standard-webhooks/standard-webhooks/blob/main/
spec/standard-webhooks.md), "Payload structure", "Signature scheme", "Webhook headers".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from wiseflow.core.clock import Clock
from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import (
    CallError,
    ConfigurationError,
    InvalidInput,
    NetworkFailed,
    NotFound,
    ProviderDown,
)
from wiseflow.core.ids import new_id
from wiseflow.core.jobs import Job, JobRequest, JobStatus, Outcome, StopReason
from wiseflow.core.webhooks import (
    Delivery,
    NewDelivery,
    Poster,
    SecretBox,
    Tried,
    Webhook,
    WebhookEvent,
    WebhookStore,
)
from wiseflow.jobs.context import JobContext

KIND = "webhook"
# With a second before the second attempt, doubled each time, the last one is 4.5 hours later.
MOST_ATTEMPTS = 15
MOST_AT_ONCE = 200
# Source: "Signature scheme": at least 24 bytes, at most 64; the prefix is the specification's.
LEAST_KEY_BYTES, MOST_KEY_BYTES = 24, 64
PREFIX = "whsec_"
_GONE = 410
_EVENTS = {event.status: event for event in WebhookEvent}


def new_secret() -> str:
    """A new secret to sign with."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """The bytes that a secret stands for.

    Raises:
        InvalidInput: it is no secret of a webhook.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not LEAST_KEY_BYTES <= len(key) <= MOST_KEY_BYTES:
        raise InvalidInput(
            "secret: it is no webhook secret",
            cure=f"Write {PREFIX} and {LEAST_KEY_BYTES} to {MOST_KEY_BYTES} random bytes in "
            "base64, or leave it out and one is made",
        )
    return key


def signed_headers(key: bytes, message_id: str, at: float, body: bytes) -> dict[str, str]:
    """The headers that name a message and prove who sent it.

    Args:
        key: the bytes of the secret.
        message_id: the same for each attempt.
        at: of this attempt, seconds since the epoch.
        body: exactly as it is sent.
    """
    timestamp = str(int(at))
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    signature = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature}",
        "content-type": "application/json",
    }


def message_of(job: Job, event: WebhookEvent) -> str:
    """What is told of a research's end, as JSON; nothing of its report."""
    data = {
        "id": job.job_id,
        "topic": job.title,
        "status": job.status.value,
        "partial": job.partial,
        "stop_reason": None if job.stop_reason is None else job.stop_reason.value,
        "error": job.error,
        "cost": job.cost,
        "tags": list(job.tags),
        "created_at": job.created_at,
        "started_at": job.started_at,
        "completed_at": job.completed_at,
    }
    return _message(event, job.completed_at or job.created_at, data)


def trial_message(at: float) -> str:
    """What is told to try a webhook."""
    return _message(WebhookEvent.TEST, at, {})


def new_delivery(
    webhook: Webhook, event: WebhookEvent, body: str, job: Job | None = None
) -> NewDelivery:
    """A message to a webhook, with the job that sends it.

    Args:
        webhook: to whom.
        event: what it tells.
        body: as JSON.
        job: that ended; ``None`` for a test.
    """
    delivery_id = new_id()
    request = JobRequest(
        kind=KIND,
        payload={"delivery_id": delivery_id},
        title=f"{event} to {urlsplit(webhook.spec.url).hostname}",
        priority=TaskPriority.HIGH,  # it takes a moment, and somebody waits for it
        idempotency_key=f"{KIND}/{delivery_id}",
        max_attempts=MOST_ATTEMPTS,
        tenant=webhook.tenant,
        submitter=webhook.submitter,
    )
    return NewDelivery(
        delivery_id=delivery_id,
        webhook_id=webhook.webhook_id,
        job_id="" if job is None else job.job_id,
        ended_at=None if job is None else job.completed_at,
        event=event,
        body=body,
        request=request,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookTick:
    """One look for what has ended and was not told yet, however it ended.

    Args:
        store: where webhooks are.
        kind: of the jobs that are told of.
    """

    store: WebhookStore
    kind: str
    name: str = "webhooks"
    every_s: float = 2.0

    async def __call__(self) -> None:
        """Have it told. Raises ``StorageError``."""
        ended = await self.store.ended(kind=self.kind, limit=MOST_AT_ONCE)
        if ended:
            await self.store.tell([self._told(webhook, job) for webhook, job in ended])

    def _told(self, webhook: Webhook, job: Job) -> NewDelivery:
        event = _EVENTS[job.status]
        return new_delivery(webhook, event, message_of(job, event), job)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookHandler:
    """Runs the jobs of the kind ``webhook``: each sends one message.

    Args:
        store: where messages are.
        poster: sends them.
        box: unseals secrets.
        report: the report of a research as JSON values; ``None`` when there is none.
        clock: the time of an attempt.
    """

    store: WebhookStore
    poster: Poster
    box: SecretBox
    report: Callable[[str], Awaitable[Mapping[str, object] | None]]
    clock: Clock

    async def __call__(self, run: JobContext) -> Outcome | None:
        """Send the job's message once.

        Raises:
            CallError: it was not taken, and may be next time.
            AddressForbidden: nothing may be sent there.
            ConfigurationError: its secret cannot be unsealed.
        """
        try:
            delivery, webhook = await self.store.delivery(str(run.job.payload["delivery_id"]))
        except NotFound:
            return _given_up("the webhook was deleted")
        if not webhook.spec.enabled:
            return _given_up("the webhook is turned off")
        if delivery.delivered_at is not None:  # the attempt that did so died before it could tell
            return None
        status = await self._sent(delivery, webhook)
        return await self._judged(delivery, webhook, status)

    async def _sent(self, delivery: Delivery, webhook: Webhook) -> int:
        body = await self._body(delivery, webhook)
        key = await self._key(delivery, webhook)
        headers = signed_headers(key, delivery.delivery_id, self.clock.now(), body)
        try:
            return await self.poster.post(webhook.spec.url, headers, body)
        except CallError as error:
            await self.store.tried(delivery.delivery_id, Tried(error=error.message))
            if isinstance(error, NetworkFailed):  # a receiver that refuses now may be back later
                raise NetworkFailed(error.message, provider=KIND, cure=error.cure) from error
            raise

    async def _key(self, delivery: Delivery, webhook: Webhook) -> bytes:
        try:
            return key_of(self.box.unseal(webhook.secret))
        except ConfigurationError as error:  # who asks after the message is to see why it stays
            await self.store.tried(delivery.delivery_id, Tried(error=error.message))
            raise

    async def _judged(self, delivery: Delivery, webhook: Webhook, status: int) -> Outcome | None:
        """How the job ends for an answer. Only 2xx says that a message was taken."""
        taken = 200 <= status < 300  # noqa: PLR2004 - of HTTP
        error = "" if taken else f"the receiver answers with HTTP {status}"
        await self.store.tried(delivery.delivery_id, Tried(http_status=status, error=error))
        if taken:
            return None
        if status == _GONE:
            # Source: "Webhook delivery status codes": 410 asks to be told nothing more.
            await self.store.turn_off(webhook.webhook_id, error)
            return _given_up(f"{error}, so the webhook is turned off")
        raise ProviderDown(error, provider=KIND)

    async def _body(self, delivery: Delivery, webhook: Webhook) -> bytes:
        wanted = webhook.spec.with_report and delivery.event is WebhookEvent.COMPLETED
        report = await self.report(delivery.job_id) if wanted else None
        if report is None:
            return delivery.body.encode()
        told = json.loads(delivery.body)
        told["data"]["report"] = report
        return _compact(told).encode()


def _message(event: WebhookEvent, at: float, data: Mapping[str, object]) -> str:
    moment = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    return _compact({"type": event.value, "timestamp": moment, "data": data})


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _given_up(error: str) -> Outcome:
    return Outcome(status=JobStatus.CANCELLED, stop_reason=StopReason.CANCELLED, error=error)
