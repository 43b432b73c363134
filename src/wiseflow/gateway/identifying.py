"""The stage that gives a call its name in the log: all that the others say of it carries its id.

One that joins a flight keeps its own; what is said of the flight carries that of the call that led.
"""

from __future__ import annotations

from typing import Any

from wiseflow.core.calls import Call, Reply
from wiseflow.core.ids import new_id
from wiseflow.gateway.chain import Send
from wiseflow.observability.logs import bind_context


async def identified(call: Call[Any], send: Send) -> Reply[Any]:
    """The answer."""
    with bind_context(call_id=new_id()):
        return await send(call)
