"""Who is told when a research ends, and what came of telling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from wiseflow.core.jobs import Job, JobRequest, JobStatus


class WebhookEvent(StrEnum):
    """What is told."""

    COMPLETED = "research.completed"
    FAILED = "research.failed"
    CANCELLED = "research.cancelled"
    TEST = "webhook.test"

    @property
    def status(self) -> JobStatus | None:
        """How a research ended that this tells of; ``None`` for a test."""
        return None if self is WebhookEvent.TEST else JobStatus(self.value.rpartition(".")[2])


# What may be asked for; a test is sent on demand.
ENDS = tuple(event for event in WebhookEvent if event.status is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSpec:
    """Who wants to be told of what.

    Args:
        url: where messages are sent.
        events: what is told.
        with_report: whether the report goes along; else only its research is named.
        enabled: whether anything is told at all.
    """

    url: str
    events: tuple[WebhookEvent, ...] = ENDS
    with_report: bool = False
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook as it is stored.

    Args:
        spec: what is wanted.
        secret: that messages are signed with, sealed as it is stored.
        error: why it was turned off, or "".
        created_at: seconds since the epoch.
    """

    webhook_id: str
    spec: WebhookSpec
    tenant: str
    submitter: str
    secret: str = field(repr=False)
    error: str
    created_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """A message to be sent.

    Args:
        delivery_id: of the message too: it stays the same however often it is sent.
        webhook_id: to whom.
        job_id: of the research that it tells of, or "".
        ended_at: when that ended; ``None`` for now.
        event: what it tells.
        body: as JSON.
        request: the job that sends it.
    """

    delivery_id: str
    webhook_id: str
    job_id: str
    ended_at: float | None
    event: WebhookEvent
    body: str
    request: JobRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message, and what came of sending it; times are seconds since the epoch.

    Args:
        attempts: how often it was sent.
        tried_at: when last.
        delivered_at: when the receiver took it.
        http_status: of the last answer; ``None`` when there was none.
        error: of the last attempt, or "".
    """

    delivery_id: str
    webhook_id: str
    job_id: str
    event: WebhookEvent
    body: str
    created_at: float
    attempts: int
    tried_at: float | None
    delivered_at: float | None
    http_status: int | None
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of one attempt.

    Args:
        http_status: of the answer; ``None`` when there was none.
        error: why it is not delivered; "" when it is.
    """

    http_status: int | None = None
    error: str = ""


class SecretBox(Protocol):
    """Seals secrets before they are stored."""

    def seal(self, secret: str) -> str:
        """The secret as it may be stored."""
        ...

    def unseal(self, sealed: str) -> str:
        """The secret that was sealed. Raises ``ConfigurationError`` with another key."""
        ...


class Poster(Protocol):
    """Sends messages to addresses that anybody may have given."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """The HTTP status that is answered.

        Raises:
            AddressForbidden: nothing may be sent there.
            BadRequest: it is no web address.
            CallError: no answer came.
        """
        ...


class WebhookStore(Protocol):
    """Keeps webhooks and what they are told."""

    async def add(self, spec: WebhookSpec, *, tenant: str, submitter: str, secret: str) -> Webhook:
        """A new webhook; it is told of what ends from now on."""
        ...

    async def get(self, webhook_id: str, *, tenant: str) -> Webhook:
        """One webhook of a tenant. Raises ``NotFound``."""
        ...

    async def list(self, *, tenant: str) -> list[Webhook]:
        """A tenant's webhooks, newest first."""
        ...

    async def change(self, webhook_id: str, spec: WebhookSpec, *, tenant: str) -> Webhook:
        """Have a webhook be as given. What ended while it was off is not told.

        Raises ``NotFound``.
        """
        ...

    async def turn_off(self, webhook_id: str, error: str) -> None:
        """Tell a webhook nothing more."""
        ...

    async def delete(self, webhook_id: str, *, tenant: str) -> None:
        """Forget a webhook and what it was told. Raises ``NotFound``."""
        ...

    async def secrets(self) -> Mapping[str, str]:
        """The secrets of all webhooks of all tenants as they are stored, by the webhook's id."""
        ...

    async def reseal(self, secrets: Mapping[str, str]) -> None:
        """Store secrets anew by the webhook's id, all or none; one that is gone is left out."""
        ...

    async def ended(self, *, kind: str, limit: int) -> list[tuple[Webhook, Job]]:
        """Jobs that have ended and of which a webhook that wants that is not told yet."""
        ...

    async def tell(self, deliveries: Sequence[NewDelivery]) -> int:
        """Keep messages and submit the jobs that send them, as one; how many were new."""
        ...

    async def delivery(self, delivery_id: str) -> tuple[Delivery, Webhook]:
        """A message and to whom it goes. Raises ``NotFound``."""
        ...

    async def deliveries(self, webhook_id: str, *, limit: int) -> list[Delivery]:
        """The last messages to a webhook, newest first."""
        ...

    async def tried(self, delivery_id: str, result: Tried) -> None:
        """Note what came of an attempt."""
        ...
