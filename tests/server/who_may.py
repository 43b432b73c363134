"""Who may call what: a line a route. A route that has none fails a test.

A new route is one more ``Row`` here. Paths may name ``{research_id}``, ``{key_id}`` and what else
``test_who_may`` makes of each tenant beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wiseflow.core.access import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A route.

    Args:
        route: its method and path, as the application has it.
        needs: the least scope; ``None`` for none at all.
        right: the status for who may.
        body: what is sent, as JSON; ``None`` for nothing.
        others: the status for another tenant's key with the scope; by default 404 where the path
            names something, else as ``right``, for what is that tenant's own.
        query: of the address.
        form: what is sent, as a browser sends a form; ``None`` for nothing.
        unknown: the status for nobody who is known: a page leads to where one logs in.
        instead: names in the path that another one's value is put in place of.
        chief: whether only the tenant "" may, as it concerns all; others are refused with 403.
    """

    route: str
    needs: Scope | None
    right: int = 200
    body: Mapping[str, object] | None = None
    others: int | None = None
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    form: Mapping[str, str] | None = None
    unknown: int = 401
    instead: Mapping[str, str] = field(default_factory=dict[str, str])
    chief: bool = False

    @property
    def for_others(self) -> int:
        """The status for another tenant's key."""
        if self.chief:
            return 403
        return self.others or (404 if "{" in self.route else self.right)


READ, RUN, ADMIN = Scope.READ, Scope.RUN, Scope.ADMIN

PLAN = {"title": "Tides", "sections": [{"title": "The Moon", "queries": ["gravity"]}]}
SCHEDULE = {"topic": "Tides", "cron": "0 7 * * *"}
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
WEBHOOK = {"url": "http://127.0.0.1:9/hook"}


def page(route: str, needs: Scope = READ, **others: Any) -> Row:
    """A page of the dashboard."""
    return Row(route=route, needs=needs, unknown=303, **others)


# In the order in which they are called: what ends something stands below what needs it.
ROWS = (
    Row(route="GET /health", needs=None),
    Row(route="GET /health/live", needs=None),
    Row(route="GET /health/ready", needs=None),
    Row(route="GET /health/startup", needs=None),
    Row(route="GET /login", needs=None),
    Row(route="POST /login", needs=None, right=401),
    Row(route="POST /logout", needs=None, right=303),
    Row(route="POST /api/v1/research", needs=RUN, right=202, body={"topic": "Tides"}),
    Row(route="GET /api/v1/research", needs=READ),
    Row(route="POST /api/v1/research/estimate", needs=READ, body={"topic": "Tides"}),
    Row(route="POST /api/v1/research/parallel", needs=RUN, right=202, body={"topics": ["Tides"]}),
    Row(route="GET /api/v1/research/{research_id}", needs=READ),
    Row(route="GET /api/v1/research/{research_id}/plan", needs=READ, right=404),
    Row(route="PUT /api/v1/research/{research_id}/plan", needs=RUN, right=409, body=PLAN),
    Row(route="POST /api/v1/research/{research_id}/approve", needs=RUN, right=409),
    Row(
        route="POST /api/v1/research/{research_id}/follow-up",
        needs=RUN,
        right=409,
        body={"topic": "Spring tides"},
    ),
    Row(route="GET /api/v1/research/{research_id}/result", needs=READ, right=409),
    Row(route="GET /api/v1/research/{research_id}/sources", needs=READ, right=409),
    Row(route="GET /api/v1/research/{research_id}/sources/{source_id}", needs=READ, right=409),
    Row(
        route="POST /api/v1/research/{research_id}/ask",
        needs=RUN,
        right=409,
        body={"question": "How high?"},
    ),
    Row(route="GET /api/v1/research/{research_id}/questions", needs=READ),
    Row(route="GET /api/v1/research/{research_id}/questions/{question_id}", needs=READ, right=404),
    Row(route="POST /api/v1/research/{research_id}/cancel", needs=RUN),
    Row(route="GET /api/v1/research/{research_id}/events", needs=READ),
    Row(route="POST /api/v1/research/{research_id}/resume", needs=RUN),
    Row(
        route="DELETE /api/v1/research/{research_id}",
        needs=RUN,
        right=204,
        instead={"research_id": "spare_id"},
    ),
    Row(route="GET /api/v1/collections", needs=READ),
    Row(
        route="POST /api/v1/collections/{collection}/files", needs=RUN, right=422, others=422
    ),  # without a file
    Row(route="GET /api/v1/collections/{collection}/files", needs=READ, right=404),
    Row(route="DELETE /api/v1/collections/{collection}/files/{name}", needs=RUN, right=404),
    Row(route="DELETE /api/v1/collections/{collection}", needs=RUN, right=404),
    Row(route="GET /api/v1/search", needs=READ, right=404, query={"query": "tides"}),
    Row(route="GET /api/v1/research/{research_id}/changes", needs=READ, right=422),
    Row(route="POST /api/v1/research/{research_id}/shares", needs=RUN, right=409, body={}),
    Row(route="GET /api/v1/research/{research_id}/shares", needs=READ),
    Row(route="DELETE /api/v1/shares/{share_id}", needs=RUN, right=404),
    Row(route="GET /shared/{token}", needs=None, right=404),
    Row(route="POST /api/v1/schedules", needs=RUN, right=409, others=201, body=SCHEDULE),
    Row(route="GET /api/v1/schedules", needs=READ),
    Row(route="GET /api/v1/schedules/{schedule_id}", needs=READ),
    Row(route="GET /api/v1/schedules/{schedule_id}/runs", needs=READ),
    Row(route="PUT /api/v1/schedules/{schedule_id}", needs=RUN, body=SCHEDULE),
    Row(route="PATCH /api/v1/schedules/{schedule_id}", needs=RUN, body={"enabled": False}),
    Row(route="POST /api/v1/schedules/{schedule_id}/run", needs=RUN, right=202),
    page("POST /dashboard/settings/schedules/{schedule_id}/pause", needs=RUN, right=303),
    page("POST /dashboard/settings/schedules/{schedule_id}/resume", needs=RUN, right=303),
    page("POST /dashboard/settings/schedules/{schedule_id}/run", needs=RUN, right=303),
    Row(route="DELETE /api/v1/schedules/{schedule_id}", needs=RUN, right=204),
    Row(route="POST /api/v1/webhooks", needs=ADMIN, right=201, body=WEBHOOK),
    Row(route="GET /api/v1/webhooks", needs=ADMIN),
    Row(route="GET /api/v1/webhooks/{webhook_id}", needs=ADMIN),
    Row(route="PUT /api/v1/webhooks/{webhook_id}", needs=ADMIN, body=WEBHOOK),
    Row(route="POST /api/v1/webhooks/{webhook_id}/test", needs=ADMIN, right=202),
    Row(route="GET /api/v1/webhooks/{webhook_id}/deliveries", needs=ADMIN),
    Row(route="DELETE /api/v1/webhooks/{webhook_id}", needs=ADMIN, right=204),
    Row(route="GET /metrics", needs=ADMIN),
    # What each of its tools needs is in `tests/server/mcp`.
    Row(route="POST /mcp", needs=READ, body=PING),
    Row(route="GET /static/{name}", needs=None, right=404),
    page("GET /", right=303),
    Row(route="POST /dashboard/theme", needs=None, right=303, form={"theme": "dark"}),
    page("GET /dashboard"),
    page("GET /dashboard/new"),
    page("POST /dashboard/new/estimate", form={"topics": "Tides"}),
    page("POST /dashboard/new", needs=RUN, right=303, form={"topics": "Tides"}),
    page("GET /dashboard/research/{research_id}"),
    page("GET /dashboard/research/{research_id}/{view}"),
    page("GET /dashboard/research/{research_id}/download/{form}", right=404),
    page("POST /dashboard/research/{research_id}/approve", needs=RUN, right=409),
    page(
        "POST /dashboard/research/{research_id}/ask", needs=RUN, right=409, form={"question": "?"}
    ),
    page("POST /dashboard/research/{research_id}/cancel", needs=RUN, right=303),
    page("GET /dashboard/research/{research_id}/stream"),
    page("POST /dashboard/research/{research_id}/resume", needs=RUN, right=303),
    page("POST /dashboard/research/{research_id}/delete", needs=RUN, right=303),
    page("GET /dashboard/queue"),
    page("GET /dashboard/library"),
    page("GET /dashboard/library/collection/{name}", right=404),
    page("GET /dashboard/library/source/{source_id}", right=404),
    page("GET /dashboard/compare"),
    page("GET /performance"),
    page("GET /dashboard/settings"),
    page("GET /dashboard/{rest:path}", right=404),
    Row(route="GET /api/v1/audit", needs=ADMIN),
    Row(route="GET /api/v1/keys", needs=ADMIN),
    Row(route="POST /api/v1/keys", needs=ADMIN, right=201, body={"name": "one more"}),
    Row(route="GET /api/v1/keys/{key_id}", needs=ADMIN),
    Row(route="POST /api/v1/keys/{key_id}/rotate", needs=ADMIN, right=201, body={"grace_s": 9}),
    page("POST /dashboard/settings/keys/{key_id}/revoke", needs=ADMIN, right=303),
    Row(route="POST /api/v1/keys/{key_id}/revoke", needs=ADMIN),
    Row(route="GET /api/v1/secrets", needs=ADMIN, chief=True),
    Row(
        route="PUT /api/v1/secrets/{name}",
        needs=ADMIN,
        right=204,
        body={"value": "a secret"},
        chief=True,
    ),
    Row(route="DELETE /api/v1/secrets/{name}", needs=ADMIN, right=204, chief=True),
)
