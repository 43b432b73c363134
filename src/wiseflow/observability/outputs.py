"""The outputs behind the log handler: the console, and the rotating file that processes share."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from wiseflow.observability.lines import make_formatter
from wiseflow.observability.options import LogOptions

# A line up to this size reaches the file in one write, which appending keeps whole.
WRITE_BUFFER_BYTES = 262_144


def make_outputs(options: LogOptions) -> list[logging.Handler]:
    """The console and the file, as far as they are asked for."""
    outputs: list[logging.Handler] = []
    if options.console:
        outputs.append(ConsoleOutput(options))
    if options.file is not None:
        outputs.append(SharedRotatingFile(options, options.file))
    return outputs


def warn(sentence: str) -> None:
    """Say something on stderr that the logs cannot; a closed stderr is no reason to fail."""
    _print(f"Warning: {sentence}")


def _print(line: str) -> None:
    """Write a line to stderr, if it is there; without one, ``print`` would write to stdout."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):  # it may be closed
            print(line, file=sys.stderr, flush=True)  # noqa: T201 - the console


class ConsoleOutput(logging.Handler):
    """Writes lines to stderr, as it is at that moment."""

    def __init__(self, options: LogOptions) -> None:
        super().__init__(level=options.console_level)
        self.setFormatter(make_formatter(options, colours=_on_a_terminal()))

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        _print(self.format(record))


class SharedRotatingFile(RotatingFileHandler):
    """A rotating file that several processes may write at once.

    Lines are appended by one write each, so they need no lock. Before each line the file's identity
    is compared, so that a process follows when another has rotated. Rotation takes a lock file
    without waiting: who does not get it goes on writing, since somebody else is rotating. So no
    line is lost and nobody waits; a file may grow past its size by the lines of that moment.

    Args:
        options: size and number of the files, and what the lines look like.
        path: the file; its folder is made.
    """

    def __init__(self, options: LogOptions, path: Path) -> None:
        super().__init__(
            path,
            maxBytes=options.max_bytes,
            backupCount=options.backup_count,
            encoding="utf-8",
            errors="backslashreplace",
            delay=True,
        )
        self.setFormatter(make_formatter(options, colours=False))
        self._failed = False

    def emit(self, record: logging.LogRecord) -> None:
        """Append one line, in a new file when this one is full."""
        try:
            line = self.format(record) + self.terminator
            stream = self._current()
            if self._is_full(stream, line):
                self._rotate(line)
                stream = self._current()
            stream.write(line)
            stream.flush()
        except (OSError, ValueError) as error:
            self._fail(error)

    def _open(self) -> TextIOWrapper:
        path = Path(self.baseFilename)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open(
            "a", encoding=self.encoding, errors=self.errors, buffering=WRITE_BUFFER_BYTES
        )

    def _current(self) -> TextIOWrapper:
        stream = self.stream
        if stream is None or not self._is_current(stream):
            self._let_go()
            self.stream = stream = self._open()
        return stream

    def _is_current(self, stream: TextIOWrapper) -> bool:
        try:
            named = Path(self.baseFilename).stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(named, os.fstat(stream.fileno()))

    def _let_go(self) -> None:
        stream = self.stream
        if stream is not None:
            self.stream = None
            with suppress(OSError):  # what could not be flushed is lost, and was said
                stream.close()

    def _is_full(self, stream: TextIOWrapper, line: str) -> bool:
        size = os.fstat(stream.fileno()).st_size
        return size > 0 and size + len(line) > self.maxBytes

    def _rotate(self, line: str) -> None:
        with _lock_if_free(Path(f"{self.baseFilename}.lock")) as held:
            # Another process may have rotated between the first look and the lock.
            if held and self._is_full(self._current(), line):
                # Where an open file cannot be renamed, the lines go on in the same one.
                with suppress(PermissionError):
                    self.doRollover()

    def _fail(self, error: Exception) -> None:
        self._let_go()
        if not self._failed:
            self._failed = True
            reason = getattr(error, "strerror", None) or type(error).__name__
            warn(
                f"the log file {self.baseFilename} cannot be written ({reason}), so its lines are "
                "lost. Make room or give access, or name another with LOG_FILE."
            )


@contextmanager
def _lock_if_free(path: Path) -> Generator[bool]:
    """Whether this process holds the lock on ``path``, without waiting for it."""
    try:
        import fcntl  # noqa: PLC0415 - Windows has none; renaming an open file is refused there
    except ImportError:
        yield True
        return
    with path.open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _on_a_terminal() -> bool:
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False
