"""A circuit breaker: whether a provider is asked at all; pure, a state returns its successor.

Closed, calls go. It opens when more than a share of at least so many calls failed of late, so that
neither a few failures in a row nor a slow rise among many successes is missed. Open, none goes.
After a while it is half open: a few probes go, and all of them must succeed to close it; one that
fails opens it again, for longer.

Source: Nygard, Release It!, 2nd edition (2018), chapter 5; the share over a least number of calls
as in Hystrix; the quota of probes as in resilience4j.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from wiseflow.core.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerRules:
    """When a breaker opens, and for how long.

    Args:
        failure_share: of the calls of late, above 0 and at most 1: from there on it opens.
        min_calls: with fewer of late it never does.
        window_s: what is of late: between one and two of these.
        open_s, max_open_s: how long it is open the first time; then twice as long, up to the most.
        probes: how many may be under way while it is half open, and must succeed.

    Raises:
        InvalidInput: one of them cannot be.
    """

    failure_share: float = 0.5
    min_calls: int = 10
    window_s: float = 30.0
    open_s: float = 10.0
    max_open_s: float = 120.0
    probes: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.failure_share <= 1:
            raise InvalidInput(
                f"failure_share is {self.failure_share:g}", cure="Give a share above 0, at most 1"
            )
        for name in ("min_calls", "window_s", "open_s", "max_open_s", "probes"):
            if not getattr(self, name) > 0:
                raise InvalidInput(f"{name} is {getattr(self, name):g}", cure="Give more than 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many calls there were, and how many of them failed."""

    calls: int = 0
    failures: int = 0

    def plus(self, *, failed: bool) -> Tally:
        """With one more."""
        return Tally(calls=self.calls + 1, failures=self.failures + failed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """Calls go.

    Args:
        begun: when the present window began, in monotonic seconds.
        present, before: what became of calls in it, and in the one before.
    """

    rules: BreakerRules
    begun: float
    present: Tally = field(default_factory=Tally)
    before: Tally = field(default_factory=Tally)

    def ask(self, now: float) -> tuple[bool, Breaker]:
        """Whether a call may go, and the next state."""
        return True, self._at(now)

    def succeeded(self, now: float) -> Breaker:
        """A call was answered."""
        state = self._at(now)
        return replace(state, present=state.present.plus(failed=False))

    def failed(self, now: float) -> Breaker:
        """A call failed in a way that says something of the provider."""
        state = self._at(now)
        state = replace(state, present=state.present.plus(failed=True))
        calls = state.present.calls + state.before.calls
        failures = state.present.failures + state.before.failures
        if calls >= self.rules.min_calls and failures >= self.rules.failure_share * calls:
            return Open(rules=self.rules, until=now + self.rules.open_s, open_s=self.rules.open_s)
        return state

    def given_up(self, now: float) -> Breaker:
        """A call ended without an outcome."""
        return self._at(now)

    def _at(self, now: float) -> Closed:
        passed = now - self.begun
        if passed < self.rules.window_s:
            return self
        recent = passed < 2 * self.rules.window_s
        return replace(self, begun=now, present=Tally(), before=self.present if recent else Tally())


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """No call goes.

    Args:
        until: then it is half open, in monotonic seconds.
        open_s: how long it is open this time.
    """

    rules: BreakerRules
    until: float
    open_s: float

    def ask(self, now: float) -> tuple[bool, Breaker]:
        """Whether a call may go, and the next state."""
        if now < self.until:
            return False, self
        return HalfOpen(rules=self.rules, until=now + self.open_s, open_s=self.open_s).ask(now)

    def succeeded(self, now: float) -> Breaker:
        """A call that was sent before was answered: it says nothing of the time since."""
        del now
        return self

    def failed(self, now: float) -> Breaker:
        """A call that was sent before failed."""
        del now
        return self

    def given_up(self, now: float) -> Breaker:
        """A call ended without an outcome."""
        del now
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfOpen:
    """A few calls go, as probes.

    Args:
        until: when probes that were not heard of are taken for lost, in monotonic seconds.
        open_s: how long it was open.
        under_way, good: how many probes were sent and not heard of, and how many succeeded.
    """

    rules: BreakerRules
    until: float
    open_s: float
    under_way: int = 0
    good: int = 0

    def ask(self, now: float) -> tuple[bool, Breaker]:
        """Whether a call may go, and the next state."""
        if now >= self.until:
            fresh = replace(self, until=now + self.open_s, under_way=0, good=0)
            return True, replace(fresh, under_way=1)
        if self.under_way + self.good >= self.rules.probes:
            return False, self
        return True, replace(self, under_way=self.under_way + 1)

    def succeeded(self, now: float) -> Breaker:
        """A probe was answered."""
        if self.good + 1 >= self.rules.probes:
            return Closed(rules=self.rules, begun=now)
        return replace(self, under_way=max(0, self.under_way - 1), good=self.good + 1)

    def failed(self, now: float) -> Breaker:
        """A probe failed."""
        open_s = min(2 * self.open_s, self.rules.max_open_s)
        return Open(rules=self.rules, until=now + open_s, open_s=open_s)

    def given_up(self, now: float) -> Breaker:
        """A probe ended without an outcome."""
        del now
        return replace(self, under_way=max(0, self.under_way - 1))


Breaker = Closed | Open | HalfOpen
