"""Runs the server, and a worker beside it, until somebody asks it to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
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
    """

    host: str = "127.0.0.1"
    port: int = 8000
    root_path: str = ""
    researches: int = 0


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
        ConfigurationError: others could connect, and no key was made.
    """
    await refuse_open(application, options.host)
    app = create_app(application, host=options.host, root_path=options.root_path)
    server = _Server(
        uvicorn.Config(
            app,
            host=options.host,
            port=options.port,
            log_config=None,
            timeout_graceful_shutdown=END_S,
            lifespan="off",
        )
    )
    async with task_group() as group:
        group.create_task(server.serve(), name="server")
        working = application.work(options.researches, stop=stop, kind=InstanceKind.SERVE)
        group.create_task(working, name="worker")
        await server.ready.wait()
        port = server.servers[0].sockets[0].getsockname()[1]
        on_ready(f"http://{options.host}:{port}{options.root_path}")
        await stop.wait()
        # Streams end by themselves, and who follows takes them up elsewhere.
        app.state.health.stop()
        application.following.stop()
        server.should_exit = True


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
