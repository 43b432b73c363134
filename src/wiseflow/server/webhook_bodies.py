"""What requests and answers about webhooks hold, as the OpenAPI document tells it."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from wiseflow.core.webhooks import ENDS, Delivery, Webhook, WebhookEvent, WebhookSpec


class WebhookBody(BaseModel):
    """Who wants to be told of what."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"url": "https://example.com/wiseflow"}]}
    )

    url: Annotated[str, Field(min_length=1, max_length=2_000)]
    events: Annotated[list[WebhookEvent], Field(min_length=1, max_length=len(ENDS))] = list(ENDS)
    with_report: bool = False
    enabled: bool = True

    def spec(self) -> WebhookSpec:
        """What is asked for."""
        return WebhookSpec(
            url=self.url,
            events=tuple(dict.fromkeys(self.events)),
            with_report=self.with_report,
            enabled=self.enabled,
        )


class NewWebhookBody(WebhookBody):
    """A new webhook; without a secret, one is made."""

    secret: Annotated[str, Field(max_length=200)] = ""


class WebhookAnswer(BaseModel):
    """A webhook as it is now; times are seconds since the epoch."""

    id: str
    url: str
    events: list[WebhookEvent]
    with_report: bool
    enabled: bool
    error: str
    created_at: float

    @classmethod
    def of(cls, webhook: Webhook) -> WebhookAnswer:
        """The answer that tells of a webhook, without its secret."""
        return cls.model_validate(_fields(webhook))


class NewWebhookAnswer(WebhookAnswer):
    """A new webhook, with the secret that its messages are signed with: it is shown this once."""

    secret: str

    @classmethod
    def made(cls, webhook: Webhook, secret: str) -> NewWebhookAnswer:
        """The answer that tells of a webhook and its secret."""
        return cls.model_validate({**_fields(webhook), "secret": secret})


class DeliveryAnswer(BaseModel):
    """A message, and what came of it; times are seconds since the epoch."""

    id: str
    research: str
    event: WebhookEvent
    created_at: float
    attempts: int
    tried_at: float | None
    delivered_at: float | None
    http_status: int | None
    error: str

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryAnswer:
        """The answer that tells of a message."""
        return cls(
            id=delivery.delivery_id,
            research=delivery.job_id,
            event=delivery.event,
            created_at=delivery.created_at,
            attempts=delivery.attempts,
            tried_at=delivery.tried_at,
            delivered_at=delivery.delivered_at,
            http_status=delivery.http_status,
            error=delivery.error,
        )


def _fields(webhook: Webhook) -> dict[str, object]:
    spec = webhook.spec
    return {
        "id": webhook.webhook_id,
        "url": spec.url,
        "events": list(spec.events),
        "with_report": spec.with_report,
        "enabled": spec.enabled,
        "error": webhook.error,
        "created_at": webhook.created_at,
    }
