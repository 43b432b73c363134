"""The path that a proxy offers the program under, whether it leaves it on or takes it off."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class UnderPath:
    """Makes every address that is answered begin with a path.

    Args:
        app: what answers.
        path: as ``/wiseflow``; "" for none.
    """

    def __init__(self, app: ASGIApp, path: str) -> None:
        self._app = app
        self._path = path.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, its path with the proxy's before it, as ASGI wants them."""
        if self._path and scope["type"] in {"http", "websocket"}:
            path = scope["path"]
            whole = path == self._path or path.startswith(f"{self._path}/")
            path = path if whole else self._path + path
            scope = {**scope, "root_path": self._path, "path": path}
        await self._app(scope, receive, send)
