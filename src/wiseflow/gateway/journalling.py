"""The first stage: a call whose answer is journalled is not made again.

It stands before everything else, so that a replayed answer costs no money, no limit and no wait.
The key is the step and a hash of the request, so that a changed plan or prompt is asked anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from wiseflow.core.calls import Call, Reply, Usage
from wiseflow.gateway.chain import Send, digest

T = TypeVar("T")

PREFIX = "call/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Journalled(Generic[T]):
    """An answer as the journal keeps it, with what it used."""

    value: T
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """The part of a ``Journalled`` that tells what was used, whatever the answer was."""

    usage: Usage


async def journal(call: Call[Any], send: Send) -> Reply[Any]:
    """The journalled answer, or that of the stages after this one, journalled."""
    book = call.context.journal
    if book is None or call.result_type is None:
        return await send(call)

    async def ask() -> Journalled[Any]:
        reply = await send(call)
        return Journalled(value=reply.value, usage=reply.usage)

    key = f"{PREFIX}{call.step}/{digest(call)}"
    kept = await book.once(key, ask, Journalled[call.result_type])
    return Reply(value=kept.value, usage=kept.usage)
