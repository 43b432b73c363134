"""How likely the next call of a provider's model fails, from how the last ones went; pure.

Source: the mean of a Beta distribution after so many failures and successes, each of which counts
half after a while (a discounted Beta-Bernoulli model: West and Harrison, Bayesian Forecasting and
Dynamic Models, 2nd edition, 1997, §6.3).
"""

from __future__ import annotations

from dataclasses import dataclass

HALF_LIFE_S = 120.0
# As if one of ten calls had failed: what is not known is thought of as fairly good.
PRIOR_FAILURES, PRIOR_SUCCESSES = 0.5, 4.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is remembered of the calls of one model.

    Args:
        failures, successes: how many, each weighed by how long ago it was.
        at: when they were weighed, in monotonic seconds.
    """

    failures: float = 0.0
    successes: float = 0.0
    at: float = 0.0

    def told(self, now: float, *, failed: bool) -> Outlook:
        """After one more call."""
        kept = self._kept(now)
        return Outlook(
            failures=kept * self.failures + failed,
            successes=kept * self.successes + (not failed),
            at=max(now, self.at),
        )

    def failure_probability(self, now: float) -> float:
        """How likely the next call fails, from 0 to 1."""
        kept = self._kept(now)
        failures = PRIOR_FAILURES + kept * self.failures
        return failures / (failures + PRIOR_SUCCESSES + kept * self.successes)

    def _kept(self, now: float) -> float:
        return 0.5 ** (max(0.0, now - self.at) / HALF_LIFE_S)
