"""How answers go over the wire: in time, in parts, slowly, cut off or not at all."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from wiseflow.simulator.calls import Reply
from wiseflow.simulator.clock import ScaledClock
from wiseflow.simulator.faults import FaultKind

FIRST_PART = 0.3  # of the time that a streamed answer takes: until its first part
DRIPS = 20
NO_LINGER = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How an answer is to be sent.

    Args:
        due_s: when it is to be whole, in simulated seconds since the start.
        fault: what goes wrong.
        slow_s: how long a slow answer drips.
        finish: is called before the last bytes of an answer in parts.
    """

    due_s: float
    fault: FaultKind | None
    slow_s: float
    finish: Callable[[], None]


async def send(
    request: web.Request, reply: Reply, manner: Manner, clock: ScaledClock
) -> web.StreamResponse:
    """Send an answer in its manner, and return when it is sent or cut off."""
    if reply.chunks:
        return await _send_parts(request, reply, manner, clock)
    await clock.sleep(manner.due_s - clock.elapsed())
    body = reply.body
    if manner.fault is FaultKind.TRUNCATED:
        body = body[: len(body) // 2]
    if manner.fault in {FaultKind.SLOW, FaultKind.RESET_MIDWAY}:
        return await _send_slowly(request, reply, manner, clock)
    return web.Response(body=body, status=reply.status, headers=_headers(reply))


def cut(request: web.Request) -> web.StreamResponse:
    """Reset the connection."""
    transport = request.transport
    if transport is not None:
        # Closed without lingering, a socket sends RST: "connection reset by peer".
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        transport.abort()
    return web.Response()


async def _send_parts(
    request: web.Request, reply: Reply, manner: Manner, clock: ScaledClock
) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers=_headers(reply))
    start = clock.elapsed()
    length = max(0.0, manner.due_s - start)
    if manner.fault is FaultKind.SLOW:
        length += manner.slow_s
    parts = reply.chunks
    if manner.fault in {FaultKind.TRUNCATED, FaultKind.RESET_MIDWAY}:
        parts = parts[: max(1, len(parts) // 2)]
    await clock.sleep(length * FIRST_PART)
    await response.prepare(request)
    pause = length * (1 - FIRST_PART) / max(1, len(reply.chunks) - 1)
    for number, part in enumerate(parts):
        await clock.sleep(start + length * FIRST_PART + number * pause - clock.elapsed())
        if number == len(reply.chunks) - 1:
            manner.finish()
        await response.write(part)
    if manner.fault is FaultKind.RESET_MIDWAY:
        await _drained()
        return cut(request)
    manner.finish()
    await response.write_eof()
    return response


async def _send_slowly(
    request: web.Request, reply: Reply, manner: Manner, clock: ScaledClock
) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers=_headers(reply))
    response.content_length = len(reply.body)
    await response.prepare(request)
    if manner.fault is FaultKind.RESET_MIDWAY:
        await response.write(reply.body[: len(reply.body) // 2])
        await _drained()
        return cut(request)
    step = -(-len(reply.body) // DRIPS) or 1
    for at in range(0, len(reply.body), step):
        await clock.sleep(manner.slow_s / DRIPS)
        if at + step >= len(reply.body):
            manner.finish()
        await response.write(reply.body[at : at + step])
    await response.write_eof()
    return response


async def _drained() -> None:
    """Let what was written reach the other side before the connection is cut."""
    await asyncio.sleep(0.01)


def _headers(reply: Reply) -> dict[str, str]:
    return {"Content-Type": reply.content_type, **reply.headers}
