"""Servers that stand between a command and its providers: one that listens, one that is hostile.

For ``canary_secrets``.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

PIECE = 65_536


class Relay:
    """Passes connections on to a server, and keeps what is sent to it.

    Args:
        address: of the server, as ``http://127.0.0.1:8080``.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._target = (parts.hostname or "", parts.port or 80)
        self._heard: list[bytearray] = []

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Its address, while it listens."""
        relay = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                relay.pass_on(self.request)

        with threaded(socketserver.ThreadingTCPServer, Handler) as address:
            yield address

    def heard(self) -> bytes:
        """All that was sent through it."""
        return b"\n".join(bytes(one) for one in self._heard)

    def pass_on(self, caller: socket.socket) -> None:
        heard = bytearray()
        self._heard.append(heard)
        with socket.create_connection(self._target) as server:
            back = threading.Thread(target=_pump, args=(server, caller, None), daemon=True)
            back.start()
            _pump(caller, server, heard)
            back.join()


def _pump(source: socket.socket, target: socket.socket, kept: bytearray | None) -> None:
    """Pass on what comes until either side leaves; then both are left."""
    with contextlib.suppress(OSError):
        while data := source.recv(PIECE):
            if kept is not None:
                kept += data
            target.sendall(data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


class Echoing(http.server.BaseHTTPRequestHandler):
    """Refuses everybody, and repeats the request's headers in its answer, as some servers do."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told = f"Incorrect API key provided. You sent: {self.headers.as_string()}"
        body = json.dumps({"error": {"message": told, "type": "invalid_request_error"}}).encode()
        self.send_response(407 if self.command == "CONNECT" else 401)
        self.send_header("Content-Length", str(len(body)))
        for name in ("Authorization", "X-Api-Key", "Proxy-Authorization"):
            if value := self.headers.get(name):
                self.send_header(f"X-You-Sent-{name}", value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_CONNECT = do_POST  # noqa: N815 - as above

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
        """Say nothing."""


@contextmanager
def threaded(
    kind: type[socketserver.TCPServer], handler: type[socketserver.BaseRequestHandler]
) -> Iterator[str]:
    """The address of a server on a free port, while it runs."""
    server = kind(("127.0.0.1", 0), handler)
    server.daemon_threads = True  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
