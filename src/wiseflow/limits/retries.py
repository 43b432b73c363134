"""When to send a failed call again, and whether there may be one more; pure.

Source: exponential backoff with full jitter: Brooker, Exponential Backoff And Jitter, AWS
Architecture Blog (2015). Retry-After: RFC 9110 §10.2.3. Retry budgets: Beyer and others, Site
Reliability Engineering (2016), chapter 21; as a bucket that calls fill, as in Finagle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from wiseflow.core.errors import CallError, ErrorClass, InvalidInput

SHARE, RESERVE = 0.2, 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How often a class of errors is tried again, and after how long.

    Args:
        retries: how many times at most.
        first_s: the longest wait before the first; doubled before each more.
        cap_s: the longest of all; a Retry-After beyond it is not waited for.
    """

    retries: int
    first_s: float
    cap_s: float


# From what each class is: an overloaded provider needs longer than a broken line; an answer that is
# broken once comes out right at once or, with the same prompt, hardly ever.
BACKOFFS: Mapping[ErrorClass, Backoff] = {
    ErrorClass.TRANSIENT: Backoff(retries=3, first_s=5.0, cap_s=60.0),
    ErrorClass.NETWORK: Backoff(retries=3, first_s=2.0, cap_s=30.0),
    ErrorClass.RATE_LIMIT: Backoff(retries=10, first_s=0.0, cap_s=300.0),
    ErrorClass.MALFORMED_OUTPUT: Backoff(retries=2, first_s=0.0, cap_s=30.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Answers in how many seconds a call is sent again, or that it is not.

    Args:
        backoffs: by class; a class that is not there is not tried again.
    """

    backoffs: Mapping[ErrorClass, Backoff] = field(default_factory=lambda: BACKOFFS)

    @classmethod
    def of(cls, *, attempts: int, delay_s: float) -> RetryPolicy:
        """The usual one with other numbers: ``RETRY_ATTEMPTS`` and ``retry_delay``.

        Raises:
            InvalidInput: a number is below 0.
        """
        if attempts < 0 or not 0 <= delay_s < math.inf:
            raise InvalidInput(
                f"{attempts} attempts after {delay_s:g} s cannot be", cure="Give 0 or more of each"
            )
        changed = {
            kind: replace(BACKOFFS[kind], retries=attempts, first_s=delay_s)
            for kind in (ErrorClass.TRANSIENT, ErrorClass.NETWORK)
        }
        return cls(backoffs={**BACKOFFS, **changed})

    def retry_in(self, error: CallError, attempt: int, chance: float) -> float | None:
        """In how many seconds the call is sent again; ``None`` for not at all.

        Args:
            error: what happened.
            attempt: how many times it was sent, from 1.
            chance: from 0 to 1, drawn evenly.
        """
        backoff = self.backoffs.get(error.error_class)
        if backoff is None or not error.retryable or attempt > backoff.retries:
            return None
        jitter = chance * min(backoff.cap_s, backoff.first_s * 2.0 ** min(attempt - 1, 30))
        if error.retry_after_s is None:
            return jitter
        if error.retry_after_s > backoff.cap_s:
            return None
        return max(0.0, error.retry_after_s) + min(jitter, 1.0)  # so that not all come at once


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryBudget:
    """How many retries there may be, so that they cannot storm.

    Each call that is sent adds a share of a retry, a retry takes one. So however many fail, there
    are at most ``reserve + share * calls`` retries, and one more in a stretch that begins later.

    Args:
        share: of the calls, from 0 to 1.
        reserve: how many are there at first; one more may be saved up.
        left: how many there may be now; infinite for as many as at first.

    Raises:
        InvalidInput: the share or the reserve cannot be.
    """

    share: float = SHARE
    reserve: float = RESERVE
    left: float = math.inf

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1 or not 0 <= self.reserve < math.inf:
            raise InvalidInput(
                f"a retry budget of {self.share:g} of the calls and {self.reserve:g} cannot be",
                cure="Give a share from 0 to 1, and a reserve of 0 or more",
            )
        if self.left == math.inf:
            object.__setattr__(self, "left", float(self.reserve))

    def called(self) -> RetryBudget:
        """After a call was sent, a retry or not."""
        return replace(self, left=min(self.left + self.share, self.reserve + 1))

    def retried(self) -> RetryBudget | None:
        """After a retry was allowed; ``None`` when none may be."""
        # Five times a fifth is a little less than one.
        return replace(self, left=max(0.0, self.left - 1)) if self.left > 1 - 1e-9 else None
