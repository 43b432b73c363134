"""Events of a research as server-sent events: numbered, so that a stream can be taken up again.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from http import HTTPStatus
from typing import cast

from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from wiseflow.app.service import Service
from wiseflow.core.clock import Clock
from wiseflow.core.errors import NotFound, WiseflowError
from wiseflow.core.jobs import Event, JobStatus

# Proxies end what is silent for a minute; who has gone away is found out by writing.
HEARTBEAT_S = 15.0
HEARTBEAT = b": alive\n\n"
# How long a browser waits before it takes a broken stream up again.
RETRY = b"retry: 2000\n\n"
END = "end"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
MOST_EVENT = 2**31 - 1


def last_event(told: str, after: int | None) -> int:
    """The number of the last event that is known: of ``Last-Event-ID``, else of ``?after=``."""
    if told.isascii() and told.isdecimal() and len(told) <= len(str(MOST_EVENT)):
        return min(int(told), MOST_EVENT)
    return after or 0


async def event_stream(service: Service, research_id: str, after: int, clock: Clock) -> Response:
    """The answer that streams what happens to a research until it has ended.

    Raises:
        NotFound: there is no such research.
        Forbidden: the principal may not read.
    """
    batches = service.follow(research_id, after=after)
    first = await anext(batches)  # raises before the answer has begun
    return _Stream(_told(first, batches, clock), media_type="text/event-stream", headers=HEADERS)


async def ended_before(service: Service, research_id: str, after: int) -> bool:
    """Whether there is nothing to come after an event, as the research has ended."""
    async with aclosing(service.follow(research_id, after=after)) as batches:
        events, status = await anext(batches)
    return status.final and not events


def no_more() -> Response:
    """The answer by which a browser does not come again."""
    return Response(status_code=HTTPStatus.NO_CONTENT)


class _Stream(StreamingResponse):
    """Ends its source with itself, also when who asked goes away while something is written."""

    async def stream_response(self, send: Send) -> None:
        """Write what comes."""
        async with aclosing(cast("AsyncGenerator[bytes]", self.body_iterator)):
            await super().stream_response(send)


async def _told(
    first: tuple[Sequence[Event], JobStatus],
    batches: AsyncGenerator[tuple[Sequence[Event], JobStatus]],
    clock: Clock,
) -> AsyncGenerator[bytes]:
    """What is written: the events of each look as one piece, and a heartbeat in silence."""
    written = clock.monotonic()
    status = first[1]
    try:
        async with aclosing(batches):
            yield RETRY + b"".join(map(_message, first[0]))
            async for events, status in batches:  # noqa: B007 - the last one is told at the end
                if events:
                    yield b"".join(map(_message, events))
                elif clock.monotonic() - written < HEARTBEAT_S:
                    continue
                else:
                    yield HEARTBEAT
                written = clock.monotonic()
    except NotFound:
        yield _end("deleted")
    except WiseflowError:
        return  # who follows comes again, with the number of the last event
    else:
        if status.final:
            yield _end(status.value)


def _message(event: Event) -> bytes:
    told = {"type": event.type, "at": event.at, "data": event.data}
    return f"id: {event.number}\nevent: {event.type}\ndata: {_line(told)}\n\n".encode()


def _end(status: str) -> bytes:
    return f"event: {END}\ndata: {_line({'status': status})}\n\n".encode()


def _line(told: object) -> str:
    # One line of ASCII: no character in it ends a line for some reader of the stream.
    return json.dumps(told, separators=(",", ":"))
