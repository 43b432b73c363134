"""Who may call what: a line a route. A route that has none fails a test.

A new route is one more ``Row`` here. Paths may name ``{research_id}``, ``{key_id}`` and what else
``test_who_may`` makes of each tenant beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    """

    route: str
    needs: Scope | None
    right: int = 200
    body: Mapping[str, object] | None = None
    others: int | None = None
    query: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def for_others(self) -> int:
        """The status for another tenant's key."""
        return self.others or (404 if "{" in self.route else self.right)


READ, RUN, ADMIN = Scope.READ, Scope.RUN, Scope.ADMIN

# In the order in which they are called: what ends something stands below what needs it.
ROWS = (
    Row(route="GET /health/live", needs=None),
    Row(route="GET /login", needs=None),
    Row(route="POST /login", needs=None, right=401),
    Row(route="POST /logout", needs=None, right=303),
    Row(route="POST /api/v1/research", needs=RUN, right=202, body={"topic": "Tides"}),
    Row(route="GET /api/v1/research/{research_id}", needs=READ),
    Row(route="GET /api/v1/audit", needs=ADMIN),
    Row(route="GET /api/v1/keys", needs=ADMIN),
    Row(route="POST /api/v1/keys", needs=ADMIN, right=201, body={"name": "one more"}),
    Row(route="GET /api/v1/keys/{key_id}", needs=ADMIN),
    Row(route="POST /api/v1/keys/{key_id}/rotate", needs=ADMIN, right=201, body={"grace_s": 9}),
    Row(route="POST /api/v1/keys/{key_id}/revoke", needs=ADMIN),
)
