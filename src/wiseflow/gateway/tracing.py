"""The stages that tell a call's span: one outermost, one behind the journal.

Attributes are named as the OpenTelemetry conventions for generative AI have it where they name
them. Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from wiseflow.core.calls import Call, CallKind, Reply
from wiseflow.gateway.chain import Send
from wiseflow.observability.tracing import Attribute, span


@dataclass(slots=True)
class _Asked:
    """Whether a call came past the journal."""

    outside: bool = False


_asked: ContextVar[_Asked | None] = ContextVar("asked", default=None)


async def traced(call: Call[Any], send: Send) -> Reply[Any]:
    """The answer, its call a span where a trace has begun."""
    with span(f"call {call.kind.value}", _about(call)) as told:
        if not told.wanted:
            return await send(call)
        asked = _Asked()
        token = _asked.set(asked)
        try:
            reply = await send(call)
        finally:
            _asked.reset(token)
        told.tell(_outcome(call, reply, outside=asked.outside))
        return reply


async def noted(call: Call[Any], send: Send) -> Reply[Any]:
    """The answer, which the journal did not have."""
    asked = _asked.get()
    if asked is not None:
        asked.outside = True
    return await send(call)


def _about(call: Call[Any]) -> dict[str, Attribute]:
    told = {
        "wiseflow.step": call.step,
        "gen_ai.provider.name": call.provider,
        "gen_ai.request.model": call.model,
    }
    return {name: value for name, value in told.items() if value}


def _outcome(call: Call[Any], reply: Reply[Any], *, outside: bool) -> dict[str, Attribute]:
    used = reply.usage
    told: dict[str, Attribute] = {"wiseflow.journal_hit": not outside}
    if call.kind in {CallKind.MODEL, CallKind.EMBED}:
        told["gen_ai.usage.input_tokens"] = used.input_tokens
        told["gen_ai.usage.output_tokens"] = used.output_tokens
    if used.cost is not None:
        told["wiseflow.cost_usd"] = used.cost
    return told
