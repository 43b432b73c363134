"""What a running simulator holds, and how it decides on a request."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from wiseflow.simulator.calls import Call, CallKind, Ending, Incoming, Reply, units
from wiseflow.simulator.clock import ScaledClock
from wiseflow.simulator.faults import FaultKind, FaultPlan, Faults, Struck
from wiseflow.simulator.limits import Admission, Charge, Dimension, Limits
from wiseflow.simulator.log import RequestLog
from wiseflow.simulator.options import SimulatorOptions
from wiseflow.simulator.problems import Problem, ProblemKind, Unanswerable, bad_request
from wiseflow.simulator.provider import Desk, Endpoint, Provider, Shop
from wiseflow.simulator.rate_headers import Standing, retry_after

# Faults that are an error's answer, and what it says.
ERRORS = {
    FaultKind.RATE_LIMITED: (ProblemKind.RATE_LIMITED, "Too many requests"),
    FaultKind.RATE_LIMITED_SILENTLY: (ProblemKind.RATE_LIMITED, "Too many requests"),
    FaultKind.SERVER_ERROR: (ProblemKind.SERVER_ERROR, "The server had an error"),
    FaultKind.UNAVAILABLE: (ProblemKind.UNAVAILABLE, "The service is overloaded"),
    FaultKind.CONTEXT_LENGTH: (
        ProblemKind.CONTEXT_LENGTH,
        "This model's maximum context length was exceeded",
    ),
    FaultKind.KEY_EXPIRED: (ProblemKind.KEY_INVALID, "The API key has expired"),
    FaultKind.QUOTA_SPENT: (ProblemKind.QUOTA_SPENT, "You exceeded your current quota"),
}
AT_ONCE = frozenset(ERRORS) - {FaultKind.SERVER_ERROR}  # others take as long as an answer
# What a schema raises that is no schema.
UNUSABLE = (AttributeError, KeyError, TypeError, ValueError, RecursionError, re.error)
CUT = frozenset({FaultKind.RESET, FaultKind.HANG})  # no answer is begun
WHOLE = frozenset({None, FaultKind.SLOW, FaultKind.THINK, FaultKind.OBEY})  # the answer can be used


@dataclass(slots=True, kw_only=True)
class Decision:
    """What becomes of a request.

    Args:
        ending: for the log.
        reply: what is sent; ``None`` cuts the connection.
        wait_s: simulated seconds from its arrival until the answer is whole.
        fault: what goes wrong.
        headers: that tell of limits.
        admission: to be released when it has ended.
        cost: of it.
    """

    ending: Ending
    reply: Reply | None
    wait_s: float = 0.0
    fault: FaultKind | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    admission: Admission | None = None
    cost: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, read.

    Args:
        provider: whom.
        endpoint: which path.
        call: what.
        incoming: as it came.
        key: of the caller.
    """

    provider: Provider
    endpoint: Endpoint
    call: Call
    incoming: Incoming
    key: str


class Simulation:
    """The state of a simulator.

    Args:
        options: what it was started with.
    """

    def __init__(self, options: SimulatorOptions) -> None:
        self.options = options
        self.clock = ScaledClock(options.time_scale)
        self.shop = Shop.of(options)
        self.log = RequestLog()
        self.limits = Limits(options.limits)
        self.faults = Faults(options.faults)
        self.address = ""
        self._seen: Counter[str] = Counter()
        self._number = 0

    def reset(self) -> None:
        """Forget the log and what was counted; limits and faults begin anew."""
        self.log.clear()
        self._seen.clear()
        self.limits = Limits(self.limits.limits)
        self.set_faults(self.faults.plan)

    def set_faults(self, plan: FaultPlan) -> None:
        """Let other things go wrong; the plan's times count from now."""
        self.faults = Faults(plan, self.clock.elapsed())

    def decide(self, asked: Asked, now: float) -> Decision:
        """What becomes of a request that arrived at ``now``; it is counted."""
        self._number += 1
        if self._is_foreign(asked):
            return self._fail(asked, ERROR_OF_KEY)
        attempt = self._seen[asked.incoming.digest] = self._seen[asked.incoming.digest] + 1
        luck = units(self.options.seed, asked.provider.name, asked.incoming.digest, attempt)
        struck = Struck(provider=asked.provider.name, key=asked.key, kind=asked.call.kind)
        fault = self.faults.strike(struck, luck[0], now)
        if fault in AT_ONCE or fault in CUT:
            return self._strike(asked, fault)
        try:
            decision = self._admit(asked, fault, now)
        except Unanswerable as error:
            return self._fail(asked, error.problem)
        if decision.ending is not Ending.LIMITED:
            decision.wait_s = self.options.latency(asked.call.kind).draw(luck[1])
        return decision

    def refuse(self, provider: Provider, problem: Problem) -> Decision:
        """The decision on a request that cannot be read."""
        return Decision(ending=Ending.REFUSED, reply=provider.problem(problem))

    def _is_foreign(self, asked: Asked) -> bool:
        keys = self.options.keys
        return bool(keys) and asked.provider.keyed and asked.key not in keys

    def _fail(self, asked: Asked, problem: Problem) -> Decision:
        return self.refuse(asked.provider, problem)

    def _strike(self, asked: Asked, fault: FaultKind | None) -> Decision:
        """A fault that comes in place of an answer."""
        assert fault is not None, "only called with one"
        if fault in CUT:
            wait_s = self.faults.plan.hang_s if fault is FaultKind.HANG else 0.0
            return Decision(ending=Ending.FAULTED, reply=None, fault=fault, wait_s=wait_s)
        kind, message = ERRORS[fault]
        headers: Mapping[str, str] = {}
        if fault in {FaultKind.RATE_LIMITED, FaultKind.UNAVAILABLE}:
            headers = retry_after(self.faults.plan.retry_after_s, self.clock.scale)
        reply = asked.provider.problem(Problem(kind=kind, message=message))
        return Decision(ending=Ending.FAULTED, reply=reply, fault=fault, headers=headers)

    def _admit(self, asked: Asked, fault: FaultKind | None, now: float) -> Decision:
        """Ask the limits, which have to know the answer where they count tokens or bytes."""
        self._check_model(asked.call)
        name = asked.provider.name
        reply: Reply | None = None
        charge = Charge()
        if self.limits.counts(name, Dimension.TOKENS) or self.limits.counts(name, Dimension.BYTES):
            reply = self._answer(asked, fault)
            charge = Charge(tokens=reply.tokens_in + reply.tokens_out, bytes_out=reply.size)
        admission = self.limits.admit(name, asked.key, asked.call.model, charge, now)
        if admission.refused_by is not None:
            return self._limit(asked, admission)
        try:
            reply = reply or self._answer(asked, fault)
        except Unanswerable:
            admission.release()
            raise
        usable = fault in WHOLE and reply.status < 400  # noqa: PLR2004 - of HTTP
        return Decision(
            ending=Ending.ANSWERED if usable else Ending.FAULTED if fault else Ending.REFUSED,
            reply=reply,
            fault=fault,
            headers=self._rate_headers(asked.provider, admission),
            admission=admission,
            cost=self._cost(asked, reply),
        )

    def _answer(self, asked: Asked, fault: FaultKind | None) -> Reply:
        if fault is FaultKind.SERVER_ERROR:
            kind, message = ERRORS[fault]
            return asked.provider.problem(Problem(kind=kind, message=message))
        desk = Desk(
            shop=self.shop,
            incoming=asked.incoming,
            address=self.address,
            wall=time.time(),
            number=self._number,
            fault=fault,
        )
        try:
            return asked.endpoint.answer(asked.call, desk)
        except UNUSABLE as error:
            raise bad_request(f"Invalid schema ({error})") from error

    def _limit(self, asked: Asked, admission: Admission) -> Decision:
        limit = admission.refused_by
        assert limit is not None, "only called for a refusal"
        problem = Problem(
            kind=ProblemKind.RATE_LIMITED,
            message=f"Rate limit reached: {limit.amount:g} {limit.dimension}"
            + ("" if limit.dimension is Dimension.CONCURRENCY else f" in {limit.window_s:g} s"),
            dimension=limit.dimension,
        )
        headers = dict(self._rate_headers(asked.provider, admission))
        if self.options.rate_headers:
            headers |= retry_after(admission.wait_s, self.clock.scale)
        reply = asked.provider.problem(problem)
        return Decision(ending=Ending.LIMITED, reply=reply, headers=headers)

    def _rate_headers(self, provider: Provider, admission: Admission) -> Mapping[str, str]:
        if not (admission.states and self.options.rate_headers):
            return {}
        return provider.rate_headers(
            Standing(states=admission.states, scale=self.clock.scale, wall=time.time())
        )

    def _check_model(self, call: Call) -> None:
        if call.kind not in {CallKind.MODEL, CallKind.EMBED}:
            return
        model = self.options.model(call.model)
        if model is None:
            message = f"The model '{call.model}' does not exist"
            raise Unanswerable(Problem(kind=ProblemKind.MODEL_UNKNOWN, message=message))
        for prompt in call.prompts:
            wanted = call.tokens_in + (prompt.max_tokens or 0)
            if prompt.context is None and wanted > model.context:
                message = (
                    f"This model's maximum context length is {model.context} tokens. However, "
                    f"{wanted} were requested: {call.tokens_in} in the messages, "
                    f"{prompt.max_tokens or 0} in the completion"
                )
                raise Unanswerable(Problem(kind=ProblemKind.CONTEXT_LENGTH, message=message))

    def _cost(self, asked: Asked, reply: Reply) -> float:
        if reply.status >= 400 or asked.call.kind is CallKind.INFO:  # noqa: PLR2004 - of HTTP
            return 0.0
        return self.options.cost(
            asked.provider.name, asked.call.model, reply.tokens_in, reply.tokens_out
        )


ERROR_OF_KEY = Problem(kind=ProblemKind.KEY_INVALID, message="Incorrect API key provided")
