"""Stages, and how they follow each other.

A stage takes a call and what comes after it, in the way of ASGI middleware: it may change the call,
send it on once, several times or not at all, and look at what comes back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from wiseflow.core.calls import Call, Reply

Send = Callable[[Call[Any]], Awaitable[Reply[Any]]]
Stage = Callable[[Call[Any], Send], Awaitable[Reply[Any]]]

DIGEST_CHARACTERS = 24


def chain(stages: Sequence[Stage], last: Send) -> Send:
    """What sends a call through all stages, the first of them outermost, and then to ``last``."""
    send = last
    for stage in reversed(stages):
        send = _before(stage, send)
    return send


def _before(stage: Stage, following: Send) -> Send:
    async def send(call: Call[Any]) -> Reply[Any]:
        return await stage(call, following)

    return send


def digest(call: Call[Any]) -> str:
    """What is the same for equal requests to the same model of the same provider."""
    text = json.dumps(
        [call.kind, call.provider, call.model, asdict(call.request)],
        sort_keys=True,
        separators=(",", ":"),
        default=str,
    )
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_CHARACTERS]


def host_of(call: Call[Any]) -> str:
    """The host that a page is fetched from."""
    return urlsplit(str(call.request.url)).hostname or ""


def called(call: Call[Any]) -> str:
    """Who is called, as a message says it: the provider, or the provider and its model."""
    return f"{call.provider}:{call.model}" if call.model else call.provider
