"""Around every request: tells where a key stands, writes changes down, ends streams of ended keys.

It stands around the routes, and knows of a request what ``principal_of`` left in its state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wiseflow.app.auditing import Auditor
from wiseflow.app.key_ring import KeyRing
from wiseflow.core.access import Principal
from wiseflow.core.errors import StorageError, Unauthenticated
from wiseflow.core.keys import ApiKey
from wiseflow.server.client_limits import Standing
from wiseflow.server.origins import SAFE_METHODS

# How often a stream asks whether its key still holds.
RECHECK_S = 2.0
TOO_MANY = 429
FAILED = 500


class Guard:
    """The middleware.

    Args:
        app: what is inside.
        ring: knows the keys.
        auditor: writes down what was done.
        monotonic: the time.
    """

    def __init__(
        self, app: ASGIApp, *, ring: KeyRing, auditor: Auditor, monotonic: Callable[[], float]
    ) -> None:
        self._app = app
        self._ring = ring
        self._auditor = auditor
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        passage = _Passage(self._ring, self._auditor, self._monotonic, scope, send)
        try:
            await self._app(scope, receive, passage.send)
        except Exception:
            if passage.cut:  # what the end of its stream made of the route
                return
            await passage.failed()
            raise


class _Passage:
    """One request on its way."""

    def __init__(
        self,
        ring: KeyRing,
        auditor: Auditor,
        monotonic: Callable[[], float],
        scope: Scope,
        send: Send,
    ) -> None:
        self._ring = ring
        self._auditor = auditor
        self._monotonic = monotonic
        self._scope = scope
        self._send = send
        self._checked_at = monotonic()
        self._begun = False
        self.cut = False

    async def send(self, message: Message) -> None:
        """Pass a part of the answer on."""
        if message["type"] == "http.response.start":
            self._begun = True
            self._tell_standing(message)
            await self._note(int(message["status"]), MutableHeaders(scope=message).get("location"))
        elif message.get("more_body") and not await self._holds():
            self.cut = True
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
            raise ConnectionAbortedError
        await self._send(message)

    async def failed(self) -> None:
        """Write down that the request met an error that nobody expected."""
        if not self._begun:
            await self._note(FAILED, None)

    @property
    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = self._scope["state"]
        return state

    def _tell_standing(self, message: Message) -> None:
        standing: Standing | None = self._state.get("standing")
        if standing is not None:
            MutableHeaders(scope=message).update(standing.headers())

    async def _note(self, status: int, location: str | None) -> None:
        if self._state.get("noted"):  # by the route itself, which knows better what was done
            return
        principal: Principal | None = self._state.get("principal")
        # Who is not known, or asks too often, must not be able to fill the log.
        if principal is None or self._scope["method"] in SAFE_METHODS or status == TOO_MANY:
            return
        client = self._scope.get("client")
        action, target = _done(self._scope)
        await self._auditor.note(
            principal,
            action,
            outcome=str(status),
            target=target or (location or "").rstrip("/").rpartition("/")[2],
            address=client[0] if client else "",
        )

    async def _holds(self) -> bool:
        """Whether the key of a stream still holds, looked up every few seconds."""
        key: ApiKey | None = self._state.get("key")
        now = self._monotonic()
        if key is None or now - self._checked_at < RECHECK_S:
            return True
        self._checked_at = now
        try:
            await self._ring.by_id(key.key_id)
        except Unauthenticated:
            return False
        except StorageError:
            return True  # an outage is no reason to part with those who were let in
        return True


def _done(scope: Scope) -> tuple[str, str]:
    """What a request did, without the ids in its path; and these ids."""
    named: dict[str, object] = scope.get("path_params") or {}
    by_value = {str(value): name for name, value in named.items()}
    parts = [
        f"{{{by_value[part]}}}" if part in by_value else part
        for part in str(scope["path"]).split("/")
    ]
    return f"{scope['method']} {'/'.join(parts)}", ",".join(map(str, named.values()))
