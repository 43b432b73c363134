"""Webhooks, for one principal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wiseflow.app.application import Application
from wiseflow.core.access import Principal, Scope
from wiseflow.core.errors import CallError, Conflict, InvalidInput
from wiseflow.core.webhooks import Delivery, Webhook, WebhookEvent, WebhookSpec
from wiseflow.jobs.webhooks import key_of, new_delivery, new_secret, trial_message

MOST_WEBHOOKS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook:
    """A webhook that was just made; its secret is shown this once."""

    webhook: Webhook
    secret: str = field(repr=False)


class WebhooksService:
    """Webhooks of a tenant; they are an administrator's, as they send things away.

    Args:
        application: open.
        principal: who asks.
    """

    def __init__(self, application: Application, principal: Principal) -> None:
        self._upkeep = application.upkeep
        self._store = application.upkeep.webhooks
        self.principal = principal

    async def add(self, spec: WebhookSpec, *, secret: str = "") -> NewWebhook:
        """A new webhook.

        Args:
            spec: who wants to be told of what.
            secret: to sign with; one is made when it is "".

        Raises:
            Forbidden: the principal is no administrator.
            InvalidInput: nothing may be sent to the address, or the secret is none.
            Conflict: there are too many.
        """
        self.principal.require(Scope.ADMIN)
        self._check(spec)
        secret = secret or new_secret()
        key_of(secret)
        if len(await self.webhooks()) >= MOST_WEBHOOKS:
            raise Conflict(f"there are {MOST_WEBHOOKS} webhooks", cure="Delete one first")
        added = await self._store.add(
            spec,
            tenant=self.principal.tenant,
            submitter=self.principal.key_id,
            secret=self._upkeep.box.seal(secret),
        )
        return NewWebhook(webhook=added, secret=secret)

    async def webhook(self, webhook_id: str) -> Webhook:
        """One webhook. Raises ``NotFound``, ``Forbidden``."""
        self.principal.require(Scope.ADMIN)
        return await self._store.get(webhook_id, tenant=self.principal.tenant)

    async def webhooks(self) -> Sequence[Webhook]:
        """The webhooks, newest first. Raises ``Forbidden``."""
        self.principal.require(Scope.ADMIN)
        return await self._store.list(tenant=self.principal.tenant)

    async def change(self, webhook_id: str, spec: WebhookSpec) -> Webhook:
        """Have a webhook be as given, its secret kept; raises as ``add``, ``NotFound``."""
        self.principal.require(Scope.ADMIN)
        self._check(spec)
        return await self._store.change(webhook_id, spec, tenant=self.principal.tenant)

    async def delete(self, webhook_id: str) -> None:
        """Forget a webhook. Raises ``NotFound``, ``Forbidden``."""
        self.principal.require(Scope.ADMIN)
        await self._store.delete(webhook_id, tenant=self.principal.tenant)

    async def test(self, webhook_id: str) -> Delivery:
        """Have a message sent to try a webhook; what comes of it is among the deliveries.

        Raises ``NotFound``, ``Forbidden``, and ``Conflict`` when the webhook is turned off.
        """
        webhook = await self.webhook(webhook_id)
        if not webhook.spec.enabled:
            raise Conflict(f"the webhook {webhook_id} is turned off", cure="Turn it on first")
        body = trial_message(await self._upkeep.schedules.now())
        new = new_delivery(webhook, WebhookEvent.TEST, body)
        await self._store.tell([new])
        return (await self._store.delivery(new.delivery_id))[0]

    async def deliveries(self, webhook_id: str, *, limit: int = 50) -> Sequence[Delivery]:
        """The last messages to a webhook, newest first. Raises ``NotFound``, ``Forbidden``."""
        webhook = await self.webhook(webhook_id)
        return await self._store.deliveries(webhook.webhook_id, limit=limit)

    def _check(self, spec: WebhookSpec) -> None:
        if not spec.events or WebhookEvent.TEST in spec.events:
            raise InvalidInput("events: name at least one end of a research, and no test")
        try:
            self._upkeep.poster.check(spec.url)
        except CallError as error:
            raise InvalidInput(f"url: {error.message}", cure=error.cure) from error
