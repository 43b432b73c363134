"""One worker process and the pipes to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from wiseflow.engine.process_protocol import HEADER, Kind

PROGRAM = ("-P", "-m", "wiseflow.engine.process_worker")
# One thread a worker: the pool is what spreads work over the cores. glibc gives each thread an
# arena of 64 MB address space, which would count against the memory limit.
QUIET_LIBRARIES = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}


def _here() -> str:
    # The empty entry of sys.path stands for the current folder.
    return str(Path.cwd())


class WorkerEnded(Exception):
    """The worker process ended before it answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer of a worker: see ``process_protocol.frame``."""

    kind: Kind
    body: memoryview
    last: bool
    cpu_s: float
    memory_bytes: int


class WorkerProcess(asyncio.SubprocessProtocol):
    """A worker process: send it a frame, wait for its answer, end it.

    Its pipes are read by the event loop itself; nothing waits in the background.
    """

    def __init__(self) -> None:
        self.ready = False
        self.pid = 0
        self._transport: asyncio.SubprocessTransport | None = None
        self._pipe: asyncio.WriteTransport | None = None
        self._received = bytearray()
        self._replies: deque[Reply] = deque()
        self._hung_up = False
        self._news: asyncio.Future[None] | None = None
        self._ended = asyncio.Event()
        self._exit_code: int | None = None

    @classmethod
    async def start(cls, environment: Mapping[str, str]) -> WorkerProcess:
        """A worker process that has been started, not yet told anything."""
        _, worker = await asyncio.get_running_loop().subprocess_exec(
            cls,
            sys.executable,
            *PROGRAM,
            stderr=None,
            env={
                **os.environ,
                **QUIET_LIBRARIES,
                "PYTHONPATH": os.pathsep.join(entry or _here() for entry in sys.path),
                **environment,
            },
        )
        return worker

    @property
    def alive(self) -> bool:
        """Whether it may still answer."""
        return not self._hung_up and self._exit_code is None

    @property
    def exit_code(self) -> int | None:
        """How it ended: an exit code, a negative signal number, or ``None`` while it runs."""
        return self._exit_code

    def send(self, data: bytes) -> None:
        """Send a frame; a worker that has ended does not get it."""
        if self._pipe is not None and not self._pipe.is_closing():
            self._pipe.write(data)

    async def reply(self) -> Reply:
        """The next answer. Raises ``WorkerEnded``."""
        while not self._replies:
            if self._hung_up:
                await self._ended.wait()
                raise WorkerEnded
            self._news = asyncio.get_running_loop().create_future()
            try:
                await self._news
            finally:
                self._news = None
        return self._replies.popleft()

    def hang_up(self) -> None:
        """Tell it that there is no more to do: it ends by itself."""
        if self._pipe is not None:
            self._pipe.close()

    def kill(self) -> None:
        """End it at once, whatever it does."""
        if self._exit_code is None and self.pid:
            with contextlib.suppress(ProcessLookupError):
                # The transport's own kill reaps the process beside the loop's watcher, which then
                # complains of an unknown child.
                os.kill(self.pid, signal.SIGKILL)
        self._close_pipes()

    async def ended(self) -> None:
        """Return when the process is gone and its pipes are closed."""
        await self._ended.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop when the process has been started."""
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self.pid = self._transport.get_pid() or 0
        self._pipe = cast("asyncio.WriteTransport", self._transport.get_pipe_transport(0))

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002 - one pipe is read
        """Called by the loop with a piece of an answer."""
        self._received += data
        if len(self._received) < HEADER.size:
            return
        size, kind, last, cpu_s, memory_bytes = HEADER.unpack_from(self._received)
        if len(self._received) == HEADER.size + size:
            # A worker says nothing more before it is asked, so the buffer is just this answer.
            body = memoryview(self._received)[HEADER.size :]
            self._received = bytearray()
            self._replies.append(
                Reply(kind=Kind(kind), body=body, last=last, cpu_s=cpu_s, memory_bytes=memory_bytes)
            )
            self._tell()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002
        """Called by the loop when one pipe is closed."""
        if fd == 1:
            self._hung_up = True
            self._tell()

    def process_exited(self) -> None:
        """Called by the loop when the process has ended and was reaped."""
        if self._transport is not None:
            self._exit_code = self._transport.get_returncode()
        if self._pipe is not None:
            self._pipe.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the exit code tells
        """Called by the loop when the process is gone and both pipes are closed."""
        if self._transport is not None:
            self._transport.close()
        self._hung_up = True
        self._ended.set()
        self._tell()

    def _close_pipes(self) -> None:
        if self._pipe is not None and not self._pipe.is_closing():
            self._pipe.abort()  # what is not written yet is of no use
        replies = self._transport.get_pipe_transport(1) if self._transport is not None else None
        if replies is not None:
            replies.close()

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
