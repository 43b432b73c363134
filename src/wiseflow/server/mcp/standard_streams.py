"""Standard input and output as lines of a protocol, which nothing else can write into.

Reading and writing are done by threads that die with the process: a read of a pipe cannot be
called back, and must not hold up the end of the program.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from wiseflow.observability.logs import get_logger

READ_BYTES = 1 << 16
# As long as a request over HTTP may be by the protocol's library.
MOST_LINE_BYTES = 4 * 1024 * 1024
STDIN, STDOUT, STDERR = 0, 1, 2
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """The file descriptors that are the process's standard input and output outside of it."""

    reading: int
    writing: int


@contextmanager
def claimed() -> Generator[Claimed]:
    """Take standard input and output away from everything else, worker processes included.

    What anybody prints goes to standard error then, and who reads standard input finds its end.
    """
    sys.stdout.flush()
    own = Claimed(reading=os.dup(STDIN), writing=os.dup(STDOUT))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, STDIN)
    os.close(nothing)
    os.dup2(STDERR, STDOUT)
    try:
        yield own
    finally:
        sys.stdout.flush()
        # The two stay open: a thread may still read or write.
        os.dup2(own.reading, STDIN)
        os.dup2(own.writing, STDOUT)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Come:
    """A line that came, ``None`` at the end; and whether somebody took it."""

    line: str | None
    taken: threading.Event = field(default_factory=threading.Event)


class LinesIn:
    """The lines that come in, in UTF-8; what is none of it becomes U+FFFD.

    Args:
        descriptor: where from.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        # One at a time: the thread waits until it is taken, and so does who sends more.
        self._lines: asyncio.Queue[_Come] = asyncio.Queue()
        threading.Thread(target=self._read, name="standard input", daemon=True).start()

    def __aiter__(self) -> LinesIn:
        return self

    async def __anext__(self) -> str:
        come = await self._lines.get()
        come.taken.set()
        if come.line is None:
            raise StopAsyncIteration
        return come.line

    def end(self) -> None:
        """Let the lines end here, whatever may still come."""
        self._lines.put_nowait(_Come(line=None))

    def _read(self) -> None:
        rest = b""
        with suppress(OSError, RuntimeError):  # nobody is there any more: the loop is closed
            while len(rest) <= MOST_LINE_BYTES and (came := os.read(self._descriptor, READ_BYTES)):
                *whole, rest = (rest + came).split(b"\n")
                for line in whole:
                    self._put(line.decode(errors="replace"))
            if len(rest) > MOST_LINE_BYTES:
                _log.error("A line that came in is too long; no more is read", bytes=len(rest))
        with suppress(RuntimeError):
            self._put(None)

    def _put(self, line: str | None) -> None:
        come = _Come(line=line)
        self._loop.call_soon_threadsafe(self._lines.put_nowait, come)
        if line is not None:
            come.taken.wait()


class LinesOut:
    """Writes lines in UTF-8.

    Args:
        descriptor: where to.
        on_gone: is called once nobody reads any more.
    """

    def __init__(self, descriptor: int, on_gone: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._on_gone = on_gone

    async def write(self, text: str) -> None:
        """Write a text, whole; return once it is."""
        done: Future[None] = Future()
        threading.Thread(
            target=self._write, args=(text.encode(), done), name="standard output", daemon=True
        ).start()
        try:
            await asyncio.wrap_future(done)
        except OSError:
            self._on_gone()

    async def flush(self) -> None:
        """Nothing: all is written."""

    def _write(self, content: bytes, done: Future[None]) -> None:
        done.set_running_or_notify_cancel()
        try:
            left = memoryview(content)
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            done.set_exception(error)
        else:
            done.set_result(None)
