"""Answers about what stands in a service beside researches, as records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wiseflow.client.answers import record
from wiseflow.core.access import Scope
from wiseflow.core.configuration import TaskPriority
from wiseflow.core.jobs import JobStatus
from wiseflow.core.keys import ApiKey
from wiseflow.core.schedules import Missed, Overlap, Schedule, ScheduleSpec
from wiseflow.core.webhooks import WebhookEvent, WebhookSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePage:
    """Some schedules, the newest first.

    Args:
        schedules: those of this page.
        following: the ``after`` of the page after it; "" on the last.
    """

    schedules: tuple[Schedule, ...]
    following: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingWebhook:
    """A webhook as it stands; ``created_at`` is seconds since the epoch.

    Args:
        webhook_id: of the webhook.
        spec: who is told of what.
        error: why it was turned off, or "".
        created_at: when it was made.
        secret: that its messages are signed with, where it was just made; else "".
    """

    webhook_id: str
    spec: WebhookSpec
    error: str
    created_at: float
    secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """A message to a webhook, and what came of it; times are seconds since the epoch."""

    id: str
    research: str
    event: WebhookEvent
    created_at: float
    attempts: int
    tried_at: float | None
    delivered_at: float | None
    http_status: int | None
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLink:
    """A link to a report, ``path`` below the service's address; times are since the epoch."""

    id: str
    research: str
    path: str
    created_at: float
    expires_at: float
    revoked_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeKey:
    """A key that was just made, with the text that is sent: it is not shown again."""

    key: ApiKey
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSecret:
    """That a secret is kept, since ``set_at``, seconds since the epoch."""

    name: str
    key_id: str
    set_at: float


def schedule_of(told: Mapping[str, Any]) -> Schedule:
    """The schedule that an answer tells of."""
    status = told["last_status"]
    return Schedule(
        schedule_id=told["id"],
        spec=_schedule_spec_of(told),
        created_at=told["created_at"],
        next_at=told["next_run_at"],
        last_at=told["last_run_at"],
        last_job_id=told["last_research"],
        last_status=None if status is None else JobStatus(status),
        failures=told["failures_in_a_row"],
        overlaps=told["overlaps_skipped"],
        missed=told["standstills"],
        error=told["error"],
    )


def schedules_of(told: Mapping[str, Any]) -> SchedulePage:
    """The page that an answer is."""
    schedules = tuple(schedule_of(one) for one in told["schedules"])
    return SchedulePage(schedules=schedules, following=told["next"] or "")


def webhook_of(told: Mapping[str, Any]) -> StandingWebhook:
    """The webhook that an answer tells of."""
    events = tuple(map(WebhookEvent, told["events"]))
    return StandingWebhook(
        webhook_id=told["id"],
        spec=record(WebhookSpec, {**told, "events": events}),
        error=told["error"],
        created_at=told["created_at"],
        secret=told.get("secret", ""),
    )


def message_of(told: Mapping[str, Any]) -> SentMessage:
    """The message that an answer tells of."""
    return record(SentMessage, {**told, "event": WebhookEvent(told["event"])})


def key_of(told: Mapping[str, Any]) -> ApiKey:
    """The key that an answer tells of."""
    return record(ApiKey, {**told, "key_id": told["id"], "scope": Scope(told["scope"])})


def made_key_of(told: Mapping[str, Any]) -> MadeKey:
    """The key that an answer hands over."""
    return MadeKey(key=key_of(told), text=told["key"])


def _schedule_spec_of(told: Mapping[str, Any]) -> ScheduleSpec:
    read = {
        "tags": tuple(told["tags"]),
        "priority": TaskPriority(told["priority"]),
        "missed": Missed(told["missed"]),
        "overlap": Overlap(told["overlap"]),
    }
    return record(ScheduleSpec, {**told, **read})
