"""Runs the server, and a worker beside it, until somebody asks it to stop."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Generator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket

import uvicorn

from wiseflow.app import Application, is_loopback
from wiseflow.core.errors import ConfigurationError
from wiseflow.core.groups import task_group
from wiseflow.core.instances import InstanceKind
from wiseflow.server.factory import create_app

# What is under way at the end, streams above all, may go on for so long.
END_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How the server is run.

    Args:
        host, port: where it listens; port 0 takes a free one.
        root_path: under which a proxy offers it.
        researches: how many run in this process; 0 leaves them to workers elsewhere.
        tls: the files of the certificate with its chain and of its key, both in PEM; ``None``
            answers without TLS.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    root_path: str = ""
    researches: int = 0
    tls: tuple[Path, Path] | None = None


class _Server(uvicorn.Server):
    """The server, which leaves signals to who runs the process and tells when it is ready."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Take no signals."""
        yield

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Listen, and tell."""
        await super().startup(sockets)
        self.ready.set()


async def serve(
    application: Application,
    options: ServerOptions,
    *,
    stop: asyncio.Event,
    on_ready: Callable[[str], None],
) -> None:
    """Serve until ``stop`` is set; researches that run here are then given back.

    Args:
        application: open.
        options: how.
        stop: ends it.
        on_ready: is told the address once connections are accepted.

    Raises:
        ConfigurationError: others could connect, and no key was made; or the certificate or its
            key cannot be used.
    """
    await refuse_open(application, options.host)
    certificate, key = options.tls or (None, None)
    if certificate is not None:
        await asyncio.to_thread(check_tls, certificate, key)
    app = create_app(application, host=options.host, root_path=options.root_path)
    server = _Server(
        uvicorn.Config(
            app,
            host=options.host,
            port=options.port,
            log_config=None,
            timeout_graceful_shutdown=END_S,
            lifespan="off",
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
    )
    async with aclosing(app.state.client_limits), task_group() as group:
        group.create_task(server.serve(), name="server")
        working = application.work(options.researches, stop=stop, kind=InstanceKind.SERVE)
        group.create_task(working, name="worker")
        await server.ready.wait()
        port = server.servers[0].sockets[0].getsockname()[1]
        scheme = "http" if certificate is None else "https"
        on_ready(f"{scheme}://{options.host}:{port}{options.root_path}")
        await stop.wait()
        # Streams end by themselves, and who follows takes them up elsewhere.
        app.state.health.stop()
        application.following.stop()
        server.should_exit = True


def check_tls(certificate: Path, key: Path | None) -> None:
    """Go on if a server can answer with a certificate and its key.

    Raises:
        ConfigurationError: a file cannot be read, or they do not belong together; which.
    """
    for file in (certificate, key):
        try:
            if file is not None:
                file.read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"the TLS file {file} cannot be read: {error.strerror}",
                cure="Give the path of a PEM file that this user may read",
            ) from error
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            certificate,
            key,
            password="",  # a key with one is refused, and nobody asked for it
        )
    except ssl.SSLError as error:
        raise ConfigurationError(
            f"{certificate} and {key} are no certificate and its key: {error.reason or error}",
            cure="Give the certificate with its chain and the key that it was made for, both in "
            "PEM and without a passphrase",
        ) from error


async def refuse_open(application: Application, host: str) -> None:
    """Go on if nobody but this machine can connect, or an API key was made.

    Raises:
        ConfigurationError: others could connect, and nobody could ask anything.
    """
    if not is_loopback(host) and not await application.key_ring.any_key():
        raise ConfigurationError(
            f"other machines can connect to {host}, and there is no API key",
            cure="Make one first, with: wiseflow keys create NAME --scope admin; "
            "or serve this machine alone, with --host 127.0.0.1",
        )
