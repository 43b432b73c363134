"""What to do when a call fails, and whether to send it at all; pure: it answers, others act."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wiseflow.core.errors import CallError, CircuitOpen, ConnectionRefused, ErrorClass, ModelMissing
from wiseflow.limits.breaker import Breaker, BreakerRules, Closed, HalfOpen, Open
from wiseflow.limits.causes import Cause, Causes
from wiseflow.limits.outlook import Outlook
from wiseflow.limits.retries import RetryBudget, RetryPolicy
from wiseflow.observability.logs import get_logger

# A provider that fails more often than not is asked after those that do not.
LIKELY_TO_FAIL = 0.5
MAX_SHORTENED = 3  # times a request is made shorter
# These say that the provider is not well; the others are about the key or about what was sent.
UNWELL = frozenset({ErrorClass.TRANSIENT, ErrorClass.NETWORK})
# These make it likely that the next call to the same model fails, too.
BODES_ILL = UNWELL | {ErrorClass.AUTH, ErrorClass.QUOTA, ErrorClass.MALFORMED_OUTPUT}

_log = get_logger(__name__)


class Action(StrEnum):
    """What to do with a call that failed."""

    RETRY = "retry"
    WAIT = "wait"
    NEXT_PROVIDER = "next_provider"
    SHORTEN = "shorten"
    REPAIR = "repair"
    GIVE_UP = "give_up"


# What each class of errors calls for; a retry that is not allowed becomes the next provider.
STRATEGIES: Mapping[ErrorClass, Action] = {
    ErrorClass.TRANSIENT: Action.RETRY,
    ErrorClass.NETWORK: Action.RETRY,
    ErrorClass.RATE_LIMIT: Action.WAIT,
    ErrorClass.AUTH: Action.NEXT_PROVIDER,
    ErrorClass.QUOTA: Action.NEXT_PROVIDER,
    ErrorClass.CONTEXT_LENGTH: Action.SHORTEN,
    ErrorClass.BAD_REQUEST: Action.GIVE_UP,
    ErrorClass.CONTENT_POLICY: Action.NEXT_PROVIDER,
    ErrorClass.MALFORMED_OUTPUT: Action.REPAIR,
    ErrorClass.FATAL: Action.GIVE_UP,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """What to do about an error.

    Args:
        action: what; where there is no other provider, ``NEXT_PROVIDER`` is to give up.
        after_s: in how many seconds; 0 for at once. For ``WAIT`` the limiter holds the call anyway.
        reason: why, in words.
        cause: of the error, with how many calls it struck.
    """

    action: Action
    reason: str
    cause: Cause
    after_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryShown:
    """What screens and metrics show of recovery.

    Args:
        errors: how many, by provider and class.
        actions: how many of each were advised.
        retries, retries_denied: how many were allowed, and were not for want of budget.
        breakers: by provider, ``closed``, ``open`` or ``half_open``.
        causes: those that strike many calls now.
    """

    errors: Mapping[tuple[str, ErrorClass], int]
    actions: Mapping[Action, int]
    retries: int
    retries_denied: int
    breakers: Mapping[str, str]
    causes: tuple[Cause, ...]


class SmartErrorRecovery:
    """Strategy by class of error, a breaker for each provider, one retry budget for all.

    ::

        recovery.before("openai", "m", now)  # raises CircuitOpen
        try:
            ...
            recovery.succeeded("openai", "m", now)
        except CallError as error:
            advice = recovery.advise(error, attempt, now, model="m")

    Args:
        policy: when a call is sent again.
        budget: how many retries there may be.
        rules: of the breakers.
        chance: gives numbers from 0 to 1 for the jitter.
    """

    def __init__(
        self,
        *,
        policy: RetryPolicy | None = None,
        budget: RetryBudget | None = None,
        rules: BreakerRules | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._policy = policy or RetryPolicy()
        self._budget = budget or RetryBudget()
        self._rules = rules or BreakerRules()
        self._chance = chance or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._breakers: dict[str, Breaker] = {}
        self._outlooks: dict[tuple[str, str], Outlook] = {}
        self._causes = Causes()
        self._errors: Counter[tuple[str, ErrorClass]] = Counter()
        self._actions: Counter[Action] = Counter()
        self._retries = self._denied = 0

    # Before and after a call.

    def before(self, provider: str, model: str, now: float) -> None:
        """Note that a call is about to be sent.

        Raises:
            CircuitOpen: the provider failed too often of late; it says when to ask again.
        """
        allowed, self._breakers[provider] = self._breaker(provider, now).ask(now)
        if not allowed:
            state = self._breakers[provider]
            wait_s = max(0.0, state.until - now) if isinstance(state, Open | HalfOpen) else 0.0
            share = self.failure_probability(provider, model, now)
            raise CircuitOpen(
                f"{provider} failed too often of late, so nothing is sent to it "
                f"(the next call would fail with a probability of {share:.0%})",
                provider=provider,
                cure=f"It is tried again in {wait_s:.0f} s; set a fallback to go on meanwhile",
                retry_after_s=wait_s,
            )
        self._budget = self._budget.called()

    def succeeded(self, provider: str, model: str, now: float) -> None:
        """A call was answered."""
        self._breakers[provider] = self._breaker(provider, now).succeeded(now)
        self._tell(provider, model, now, failed=False)
        self._causes.over(provider)

    def given_up(self, provider: str, now: float) -> None:
        """A call was cancelled: it says nothing of the provider."""
        self._breakers[provider] = self._breaker(provider, now).given_up(now)

    def advise(self, error: CallError, attempt: int, now: float, *, model: str = "") -> Advice:
        """What to do about an error.

        Args:
            error: what happened; its provider is named.
            attempt: how many times the call was sent to this provider, from 1.
            now: the time, in monotonic seconds.
            model: of the provider.
        """
        if isinstance(error, CircuitOpen):
            return self._advice(Action.NEXT_PROVIDER, "it was not sent", self._alone(error, now))
        self._errors[error.provider, error.error_class] += 1
        self._hear(error, model, now)
        cause = self._causes.strike(error.provider, error.error_class, now)
        if cause.count == 1:
            _log.info("a call failed", provider=error.provider, error_class=error.error_class.value)
        return self._by_class(error, attempt, cause, now)

    # What is known.

    def failure_probability(self, provider: str, model: str, now: float) -> float:
        """How likely a call of this model fails now, from 0 to 1."""
        return self._outlooks.get((provider, model), Outlook()).failure_probability(now)

    def in_order(self, chain: Sequence[tuple[str, str]], now: float) -> list[tuple[str, str]]:
        """Providers and models in the order to ask them.

        The given order stays, but those whose breaker is open or that are likely to fail come after
        the others. As failures are forgotten, the first is asked first again.
        """
        return sorted(chain, key=lambda one: self._rank(*one, now))

    def shown(self) -> RecoveryShown:
        """Counts and states."""
        names = {Closed: "closed", Open: "open", HalfOpen: "half_open"}
        return RecoveryShown(
            errors=dict(self._errors),
            actions=dict(self._actions),
            retries=self._retries,
            retries_denied=self._denied,
            breakers={one: names[type(state)] for one, state in self._breakers.items()},
            causes=tuple(self._causes.shared()),
        )

    def _rank(self, provider: str, model: str, now: float) -> int:
        state = self._breakers.get(provider)
        if isinstance(state, Open) and now < state.until:
            return 2
        return int(self.failure_probability(provider, model, now) > LIKELY_TO_FAIL)

    # How it is decided.

    def _by_class(self, error: CallError, attempt: int, cause: Cause, now: float) -> Advice:
        action = STRATEGIES[error.error_class]
        if isinstance(error, ModelMissing | ConnectionRefused):
            return self._advice(Action.NEXT_PROVIDER, "it will not work as it is set", cause)
        if action is Action.SHORTEN:
            shorter = attempt <= MAX_SHORTENED
            return self._advice(
                action if shorter else Action.GIVE_UP, "the request is too long", cause
            )
        if action in {Action.RETRY, Action.WAIT, Action.REPAIR}:
            return self._again(action, error, attempt, cause, now)
        return self._advice(action, f"it is an error of class {error.error_class.value}", cause)

    def _again(
        self, action: Action, error: CallError, attempt: int, cause: Cause, now: float
    ) -> Advice:
        after_s = self._policy.retry_in(error, attempt, self._chance.random())
        if after_s is None:
            return self._advice(Action.NEXT_PROVIDER, "it was tried often enough", cause)
        if action is Action.WAIT:  # bounded by the limiter, so it cannot storm
            return self._advice(action, "the key has sent too much", cause, after_s)
        allowed = self._budget.retried()
        if allowed is None:
            self._denied += 1
            return self._advice(Action.NEXT_PROVIDER, "the retry budget is used up", cause)
        self._budget = allowed
        self._retries += 1
        if action is Action.REPAIR and attempt > 1:
            action = Action.RETRY  # repairing did not help: ask anew
        return self._advice(action, "it may pass", cause, self._causes.wait(cause, after_s, now))

    def _advice(self, action: Action, reason: str, cause: Cause, after_s: float = 0.0) -> Advice:
        self._actions[action] += 1
        return Advice(action=action, reason=reason, cause=cause, after_s=after_s)

    def _hear(self, error: CallError, model: str, now: float) -> None:
        provider = error.provider
        state = self._breaker(provider, now)
        # Where it is well, it answered; whether the answer was of use is another question.
        told = state.failed if error.error_class in UNWELL else state.succeeded
        self._breakers[provider] = told(now)
        self._tell(provider, model, now, failed=error.error_class in BODES_ILL)

    def _tell(self, provider: str, model: str, now: float, *, failed: bool) -> None:
        outlook = self._outlooks.get((provider, model), Outlook(at=now))
        self._outlooks[provider, model] = outlook.told(now, failed=failed)

    def _breaker(self, provider: str, now: float) -> Breaker:
        return self._breakers.get(provider) or Closed(rules=self._rules, begun=now)

    @staticmethod
    def _alone(error: CallError, now: float) -> Cause:
        return Cause(provider=error.provider, error_class=error.error_class, begun=now, last=now)
