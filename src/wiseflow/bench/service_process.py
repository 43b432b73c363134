"""A service in a process of its own, started as a user starts it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import ClassVar, Self

from wiseflow.core.errors import WorkerError

START_S = 60.0
END_S = 30.0
# Lines of its output that are told when it does not start.
TOLD_LINES = 20
# Nothing of who starts it holds for it, but where programs and temporary files are.
_INHERITED = (
    "PATH",
    "HOME",
    "TMPDIR",
    "SYSTEMROOT",
    "COVERAGE_PROCESS_START",
    "COVERAGE_PROCESS_CONFIG",
)
# The command line, which ends when who started it has ended, however that came about.
_PROGRAM = """
import os, signal, sys, threading
def watch():
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=watch, daemon=True).start()
from wiseflow.cli.main import main
sys.exit(main())
"""


class ServiceProcess:
    """``wiseflow serve`` on a free port, as a context manager.

    Args:
        settings: those that hold, by name.
        parallel: how many researches run in it; 0 for none.
    """

    command: ClassVar = ("serve", "--port", "0")
    begun: ClassVar = re.compile(r"answers at (http://[^\s,]+)")

    def __init__(self, settings: Mapping[str, str], *, parallel: int = 1) -> None:
        self._settings = settings
        self._parallel = parallel
        self._process: subprocess.Popen[str] | None = None
        self._lines: deque[str] = deque(maxlen=TOLD_LINES)
        self._ready = threading.Event()
        self.url = ""

    @property
    def pid(self) -> int:
        """Of the process; 0 when it does not run."""
        return self._process.pid if self._process else 0

    def __enter__(self) -> Self:
        environ = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        command = [sys.executable, "-c", _PROGRAM, *self.command]
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [*command, "--parallel", str(self._parallel)],
            env={**environ, "METRICS_PORT": "0", **self._settings},
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, name="output of the service", daemon=True).start()
        if not self._ready.wait(START_S) or not self.url:
            self.stop()
            raise WorkerError("the service did not start: " + "".join(self._lines))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        if self._process is None:
            return
        self._process.terminate()
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """End it at once, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        """Take what it writes, so that it never waits for somebody to read."""
        assert self._process is not None
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                self._lines.append(line)
                if found := self.begun.search(line):
                    self.url = found[1]
                    self._ready.set()
        self._ready.set()


class WorkerProcess(ServiceProcess):
    """``wiseflow worker``, which has no address; see ``ServiceProcess``."""

    command: ClassVar = ("worker",)
    begun: ClassVar = re.compile(r"(Running up to)")
