"""Webhooks under ``/api/v1/webhooks``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from wiseflow.app import Application
from wiseflow.app.services.webhooks import WebhooksService
from wiseflow.core.access import Principal
from wiseflow.server.path_names import AnId
from wiseflow.server.principals import application_of, principal_of
from wiseflow.server.problems import problems
from wiseflow.server.scopes import ADMIN
from wiseflow.server.strict import StrictRoute
from wiseflow.server.webhook_bodies import (
    DeliveryAnswer,
    NewWebhookAnswer,
    NewWebhookBody,
    WebhookAnswer,
    WebhookBody,
)

router = APIRouter(
    prefix="/webhooks", tags=["webhooks"], dependencies=[ADMIN], route_class=StrictRoute
)


def webhooks_of(
    application: Annotated[Application, Depends(application_of)],
    principal: Annotated[Principal, Depends(principal_of)],
) -> WebhooksService:
    """Webhooks, for who asks."""
    return WebhooksService(application, principal)


Webhooks = Annotated[WebhooksService, Depends(webhooks_of)]


@router.post("", status_code=HTTPStatus.CREATED, responses=problems(409))
async def add_webhook(
    body: NewWebhookBody, webhooks: Webhooks, request: Request, response: Response
) -> NewWebhookAnswer:
    """Have an address told when researches end. The secret is shown in this answer alone."""
    made = await webhooks.add(body.spec(), secret=body.secret)
    place = request.url_for("get_webhook", webhook_id=made.webhook.webhook_id).path
    response.headers["Location"] = str(place)
    return NewWebhookAnswer.made(made.webhook, made.secret)


@router.get("")
async def list_webhooks(webhooks: Webhooks) -> list[WebhookAnswer]:
    """The webhooks, newest first."""
    return [WebhookAnswer.of(one) for one in await webhooks.webhooks()]


@router.get("/{webhook_id}", responses=problems(404))
async def get_webhook(webhook_id: AnId, webhooks: Webhooks) -> WebhookAnswer:
    """One webhook as it is now."""
    return WebhookAnswer.of(await webhooks.webhook(webhook_id))


@router.put("/{webhook_id}", responses=problems(404, 409))
async def change_webhook(webhook_id: AnId, body: WebhookBody, webhooks: Webhooks) -> WebhookAnswer:
    """Have a webhook be as given; its secret stays."""
    return WebhookAnswer.of(await webhooks.change(webhook_id, body.spec()))


@router.delete("/{webhook_id}", status_code=HTTPStatus.NO_CONTENT, responses=problems(404))
async def delete_webhook(webhook_id: AnId, webhooks: Webhooks) -> None:
    """Forget a webhook, and what it was told."""
    await webhooks.delete(webhook_id)


@router.post("/{webhook_id}/test", status_code=HTTPStatus.ACCEPTED, responses=problems(404, 409))
async def test_webhook(webhook_id: AnId, webhooks: Webhooks) -> DeliveryAnswer:
    """Have a message sent to try it; what comes of it is among the deliveries."""
    return DeliveryAnswer.of(await webhooks.test(webhook_id))


@router.get("/{webhook_id}/deliveries", responses=problems(404))
async def list_deliveries(
    webhook_id: AnId, webhooks: Webhooks, limit: Annotated[int, Query(ge=1, le=1_000)] = 50
) -> list[DeliveryAnswer]:
    """The last messages, newest first."""
    return [DeliveryAnswer.of(one) for one in await webhooks.deliveries(webhook_id, limit=limit)]
