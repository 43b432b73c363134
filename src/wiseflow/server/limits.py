"""What a request may take: bytes of its body, and time until its answer begins.

Each limit is one ASGI application around another (https://asgi.readthedocs.io/en/latest/specs/).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wiseflow.server.problems import problem

_UPLOAD = "multipart/form-data"
# A body of this many bytes may come as slowly as it likes within the time; uploads take longer.
UPLOAD_TIMES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """What one request may take.

    Args:
        body_bytes: of a body; ``upload_bytes`` of one that uploads files.
        seconds: until the answer begins; uploads have ``UPLOAD_TIMES`` as many.
    """

    body_bytes: int
    upload_bytes: int
    seconds: float


class Limited:
    """Refuses bodies that are too large, and ends what takes too long to begin to answer."""

    def __init__(self, app: ASGIApp, limits: RequestLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        one = _Request(self._limits, scope, receive, send)
        if one.announced_too_large:
            await one.too_large(scope, receive, send)
            return
        timer = one.timer
        try:
            async with timer:
                await self._app(scope, one.receive, one.send)
        except TimeoutError:
            if not timer.expired():
                raise
            await one.too_late(scope, receive, send)


class _Request:
    """One request on its way."""

    def __init__(self, limits: RequestLimits, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        upload = headers.get("content-type", "").lower().startswith(_UPLOAD)
        self.most = limits.upload_bytes if upload else limits.body_bytes
        self.seconds = limits.seconds * (UPLOAD_TIMES if upload else 1)
        self.timer = asyncio.timeout(self.seconds)
        self._receive, self._send = receive, send
        announced = headers.get("content-length", "")
        self.announced_too_large = announced.isdecimal() and (
            len(announced) > 18 or int(announced) > self.most  # noqa: PLR2004 - more than is in any disk
        )
        self._came = 0
        self._whole = not announced and "transfer-encoding" not in headers

    async def receive(self) -> Message:
        """The next part of the body, counted.

        Raises:
            HTTPException: there is more than may come.
        """
        message = await self._receive()
        if message["type"] == "http.request":
            self._came += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._came > self.most:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._how_large())
        return message

    async def send(self, message: Message) -> None:
        """A part of the answer; from its beginning on, it may take as long as it does."""
        if message["type"] == "http.response.start":
            self.timer.reschedule(None)
        await self._send(message)

    async def too_large(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer that the body is too large."""
        answer = problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._how_large(), headers={"Connection": "close"}
        )
        await answer(scope, receive, send)

    async def too_late(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer that it took too long: to come, or to be answered."""
        if self._whole:
            status, what = HTTPStatus.SERVICE_UNAVAILABLE, "the answer took"
        else:
            status, what = HTTPStatus.REQUEST_TIMEOUT, "the request took"
        detail = f"{what} longer than {self.seconds:g} seconds"
        await problem(status, detail, headers={"Connection": "close"})(scope, receive, send)

    def _how_large(self) -> str:
        return f"the body has more than {self.most:,} bytes"
