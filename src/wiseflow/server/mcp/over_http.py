"""One request of the protocol over HTTP ("streamable HTTP"), answered as JSON.

Nothing is kept between two requests, so any instance behind a proxy answers any of them, and a
restart ends no session.
"""

from __future__ import annotations

from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from wiseflow.app import Application
from wiseflow.server.mcp.embedded import EmbeddedBackend
from wiseflow.server.mcp.protocol import Context, make_server


def server_of(application: Application) -> Server[Any]:
    """What answers for an application; who asks stands in the state of each request."""

    def backend_of(context: Context) -> EmbeddedBackend:
        request: Any = context.request  # Starlette's, of this transport
        address = request.client.host if request.client else ""
        return EmbeddedBackend(application, request.state.principal, address)

    return make_server(backend_of)


class Answer(Response):
    """The answer to a request.

    Args:
        server: answers it.
        body: of the request.
        receive: what comes after the body.
        most_bytes: of a body.
    """

    def __init__(
        self, server: Server[Any], body: bytes, receive: Receive, *, most_bytes: int
    ) -> None:
        super().__init__()
        self._server = server
        self._body = body
        self._then = receive
        self._most = most_bytes
        self._told = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; everything that was begun for it has ended then."""
        del receive  # the body was taken from it
        # The library's check of Host and Origin knows neither proxies nor keys: ours came before.
        manager = StreamableHTTPSessionManager(
            self._server, json_response=True, stateless=True, max_request_body_size=self._most
        )
        async with manager.run():
            await manager.handle_request(scope, self._receive, send)

    async def _receive(self) -> Message:
        if self._told:
            return await self._then()
        self._told = True
        return {"type": "http.request", "body": self._body, "more_body": False}
