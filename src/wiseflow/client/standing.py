"""What stands in a service beside researches: schedules, webhooks, links, keys, secrets, audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from wiseflow.client.answers import record, records
from wiseflow.client.asking import API, Asked, Asking
from wiseflow.client.paths import segment
from wiseflow.client.standing_answers import (
    KeptSecret,
    MadeKey,
    ReportLink,
    SchedulePage,
    SentMessage,
    StandingWebhook,
    key_of,
    made_key_of,
    message_of,
    schedule_of,
    schedules_of,
    webhook_of,
)
from wiseflow.core.audit import AuditEntry
from wiseflow.core.keys import ApiKey, NewKey
from wiseflow.core.schedules import Schedule, ScheduleSpec
from wiseflow.core.webhooks import WebhookSpec

NOTHING: Mapping[str, object] = {}
WEEK_S = 7 * 86_400.0


class Standing:
    """The operations of a client on all that; a part of ``Client``."""

    _asking: Asking

    async def add_schedule(self, spec: ScheduleSpec) -> Schedule:
        """Have a research done again and again."""
        return schedule_of(await self._post("/schedules", asdict(spec)))

    async def list_schedules(self, *, after: str = "", limit: int = 100) -> SchedulePage:
        """The schedules, newest first; ``after`` as the page before says (``limit`` 1–1,000)."""
        return schedules_of(await self._get("/schedules", {"after": after, "limit": limit}))

    async def get_schedule(self, schedule: str) -> Schedule:
        """One schedule, by its id or its name."""
        return schedule_of(await self._get(_at("schedules", schedule)))

    async def change_schedule(self, schedule: str, spec: ScheduleSpec) -> Schedule:
        """Have a schedule be as given."""
        answer = await self._send("PUT", _at("schedules", schedule), body=asdict(spec))
        return schedule_of(answer.json())

    async def enable_schedule(self, schedule: str, *, enabled: bool = True) -> Schedule:
        """Resume a schedule, or pause it; what was due meanwhile is not made up for."""
        body = {"enabled": enabled}
        return schedule_of(
            (await self._send("PATCH", _at("schedules", schedule), body=body)).json()
        )

    async def delete_schedule(self, schedule: str) -> None:
        """Forget a schedule; its researches stay."""
        await self._send("DELETE", _at("schedules", schedule))

    async def add_webhook(self, spec: WebhookSpec, *, secret: str = "") -> StandingWebhook:
        """Have an address told when researches end; without a secret, one is made."""
        return webhook_of(await self._post("/webhooks", {**asdict(spec), "secret": secret}))

    async def list_webhooks(self) -> list[StandingWebhook]:
        """The webhooks, newest first."""
        return [webhook_of(one) for one in await self._get("/webhooks")]

    async def get_webhook(self, webhook_id: str) -> StandingWebhook:
        """One webhook."""
        return webhook_of(await self._get(_at("webhooks", webhook_id)))

    async def change_webhook(self, webhook_id: str, spec: WebhookSpec) -> StandingWebhook:
        """Have a webhook be as given; its secret stays."""
        answer = await self._send("PUT", _at("webhooks", webhook_id), body=asdict(spec))
        return webhook_of(answer.json())

    async def delete_webhook(self, webhook_id: str) -> None:
        """Forget a webhook, and what it was told."""
        await self._send("DELETE", _at("webhooks", webhook_id))

    async def test_webhook(self, webhook_id: str) -> SentMessage:
        """Have a message sent to try it."""
        return message_of(await self._post(_at("webhooks", webhook_id, "test")))

    async def list_deliveries(self, webhook_id: str, *, limit: int = 50) -> list[SentMessage]:
        """The last messages to a webhook, newest first (``limit`` 1–1,000)."""
        told = await self._get(_at("webhooks", webhook_id, "deliveries"), {"limit": limit})
        return [message_of(one) for one in told]

    async def get_changes(self, research_id: str, *, since: str = "") -> dict[str, object]:
        """What changed since another research, or the last run of the schedule, as JSON."""
        return await self._get(_at("research", research_id, "changes"), {"since": since})

    async def share_report(self, research_id: str, *, expires_in_s: float = WEEK_S) -> ReportLink:
        """Make a link that shows the report to whoever has it."""
        body = {"expires_in_s": expires_in_s}
        return record(ReportLink, await self._post(_at("research", research_id, "shares"), body))

    async def list_shares(self, research_id: str) -> list[ReportLink]:
        """The links to a report, newest first."""
        return records(ReportLink, await self._get(_at("research", research_id, "shares")))

    async def revoke_share(self, share_id: str) -> None:
        """Take a link back."""
        await self._send("DELETE", _at("shares", share_id))

    async def get_shared(self, link: ReportLink) -> dict[str, object]:
        """The report that a link shows, as the JSON contract's dict."""
        token = link.path.rpartition("/")[2]
        asked = Asked(method="GET", path=f"/shared/{segment(token)}", query={"format": "json"})
        return (await self._asking.send(asked)).json()

    async def list_keys(self) -> list[ApiKey]:
        """The API keys that one has charge of, the newest first."""
        return [key_of(one) for one in await self._get("/keys")]

    async def create_key(self, new: NewKey) -> MadeKey:
        """Make a key."""
        return made_key_of(await self._post("/keys", asdict(new)))

    async def get_key(self, key_id: str) -> ApiKey:
        """One key."""
        return key_of(await self._get(_at("keys", key_id)))

    async def revoke_key(self, key_id: str) -> ApiKey:
        """End a key."""
        return key_of(await self._post(_at("keys", key_id, "revoke")))

    async def rotate_key(self, key_id: str, *, grace_s: float = 0.0) -> MadeKey:
        """Make a key that may do the same; the old one ends, at once or after a grace."""
        return made_key_of(await self._post(_at("keys", key_id, "rotate"), {"grace_s": grace_s}))

    async def list_audit(self, *, before: int = 0, limit: int = 100) -> list[AuditEntry]:
        """What was done, newest first, before the entry of a number (``limit`` 1–1,000)."""
        told = await self._get("/audit", {"before": before, "limit": limit})
        return records(AuditEntry, told)

    async def list_secrets(self) -> list[KeptSecret]:
        """Which secrets are kept, without their values."""
        return records(KeptSecret, await self._get("/secrets"))

    async def set_secret(self, name: str, value: str) -> None:
        """Keep a secret; processes that start from then on have it."""
        await self._send("PUT", _at("secrets", name), body={"value": value})

    async def delete_secret(self, name: str) -> None:
        """Erase a secret."""
        await self._send("DELETE", _at("secrets", name))

    async def get_metrics(self) -> str:
        """The metrics, as Prometheus reads them, where METRICS_PATH is the usual one."""
        return (await self._asking.send(Asked(method="GET", path="/metrics"))).text

    async def _get(self, path: str, query: Mapping[str, object] = NOTHING) -> Any:
        return (await self._send("GET", path, query=query)).json()

    async def _post(self, path: str, body: object = None) -> Any:
        return (await self._send("POST", path, body=body)).json()

    async def _send(
        self, method: str, path: str, *, query: Mapping[str, object] = NOTHING, body: object = None
    ) -> Any:
        asked = Asked(method=method, path=API + path, query=query, body=body)
        return await self._asking.send(asked)


def _at(*parts: str) -> str:
    return "/" + "/".join(map(segment, parts))
