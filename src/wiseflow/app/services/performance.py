"""How the service does, for one principal: the samples of the process that is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wiseflow.app.application import Application
from wiseflow.core.access import Principal, Scope

if TYPE_CHECKING:  # they come with Prometheus' library, which is slow to import
    from wiseflow.app.metering.series import PerformanceSample
    from wiseflow.app.metering.suggesting import Suggestion


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """How the process does.

    Args:
        samples: of at most an hour, oldest first.
        suggestions: what they suggest, the most pressing first.
        measured: whether this process takes samples at all.
    """

    samples: Sequence[PerformanceSample]
    suggestions: Sequence[Suggestion]
    measured: bool


class PerformanceService:
    """What the performance page shows, for one principal.

    Args:
        application: open.
        principal: who asks.
    """

    def __init__(self, application: Application, principal: Principal) -> None:
        self._app = application
        self.principal = principal

    def performance(self, *, since: float = 0.0) -> Performance:
        """How the process that answers does: of all tenants together, so for administrators.

        Args:
            since: only samples after it, in seconds since the epoch; suggestions are of all.

        Raises:
            Forbidden: the principal is no administrator.
        """
        self.principal.require(Scope.ADMIN)
        meter = self._app.meter
        if meter is None:
            return Performance(samples=(), suggestions=(), measured=False)
        return Performance(
            samples=meter.samples(since), suggestions=meter.suggestions(), measured=True
        )
