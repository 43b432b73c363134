"""Every request as it is seen from outside: counted, timed, and written to the log, in one place.

It wraps the whole application, so that what goes wrong inside is seen, too. A route is told by its
template: paths hold ids, and there is no end of them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wiseflow.core.ids import new_id
from wiseflow.observability.logs import bind_context, get_logger

if TYPE_CHECKING:
    from wiseflow.app.metering.meter import Meter

_log = get_logger(__name__)

REQUEST_ID: Final = b"x-request-id"
# What a proxy in front may have called the request; anything else is not taken over into logs.
_GIVEN_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_STREAM: Final = b"text/event-stream"
SERVER_ERROR: Final = 500
# Nothing was answered: the client left, as far as anybody can tell.
UNANSWERED: Final = 499


class Watching:
    """The middleware.

    Args:
        app: what answers.
        meter: is told of each answer; ``None`` for nobody.
        now: monotonic seconds.
    """

    def __init__(
        self, app: ASGIApp, meter: Meter | None, now: Callable[[], float] = time.perf_counter
    ) -> None:
        self._app = app
        self._meter = meter
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _id_of(scope)
        answer = _Answer(begun=self._now())

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = int(message["status"])
                headers = list(message.get("headers", ()))
                if _is_stream(headers):
                    # A stream goes on as long as its reader likes: what counts is that it began.
                    answer.took_s = self._now() - answer.begun
                message["headers"] = [*headers, (REQUEST_ID, request_id.encode())]
            await send(message)

        with bind_context(request_id=request_id):
            try:
                self._under_way(+1)
                await self._app(scope, receive, sent)
            except Exception:
                answer.status = answer.status or SERVER_ERROR
                raise
            finally:
                self._under_way(-1)
                self._tell(scope, answer)

    def _under_way(self, change: int) -> None:
        if self._meter is not None:
            self._meter.http.under_way.inc(change)

    def _tell(self, scope: Scope, answer: _Answer) -> None:
        all_s = self._now() - answer.begun
        took_s = all_s if answer.took_s is None else answer.took_s
        route, status = route_of(scope), answer.status or UNANSWERED
        if self._meter is not None:
            self._meter.answered(scope["method"], route, status, took_s)
        principal = scope.get("state", {}).get("principal")
        _log.info(
            "A request was answered",
            method=scope["method"],
            route=route,
            status=status,
            duration_ms=round(all_s * 1000, 1),
            key_id=getattr(principal, "key_id", ""),
        )


@dataclass(slots=True)
class _Answer:
    """What is known of an answer so far; ``took_s`` is that of a stream that began."""

    begun: float
    status: int = 0
    took_s: float | None = None


def route_of(scope: Scope) -> str:
    """The template of the route that a request was for, such as ``/research/{id}``, or ""."""
    route = scope.get("route")
    if route is None:
        return ""
    own: str = route.path
    # The route knows its own part only; what stands before that in the path is the fixed prefix
    # under which it was included.
    filled = getattr(route, "path_format", own).format(**scope.get("path_params", {}))
    path: str = scope["path"]
    return path.removesuffix(filled) + own if path.endswith(filled) else own


def _id_of(scope: Scope) -> str:
    given = dict(scope["headers"]).get(REQUEST_ID, b"")
    return given.decode("ascii") if _GIVEN_ID.fullmatch(given) else new_id()


def _is_stream(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(_STREAM) for name, value in headers
    )
