"""A command of ours as a process with a group of its own, which can be killed and typed again."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ENDED_S = 60.0  # a killed group is gone long before


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command.

    Args:
        arguments: with the program.
        environment: all of it.
        folder: where it runs.
        limit_s: how long it may take until it ends by itself.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    limit_s: float

    def start(self) -> subprocess.Popen[bytes]:
        """The process; its group has its number."""
        return subprocess.Popen(
            self.arguments,
            cwd=self.folder,
            env=dict(self.environment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def killed_after(self, moment_s: float) -> bool:
        """Start it and kill its group after a moment; whether it had not ended by itself."""
        process = self.start()
        try:
            process.communicate(timeout=moment_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=ENDED_S)
        return process.returncode == -signal.SIGKILL

    def finish(self) -> None:
        """Type it again and let it end. Exit 1 is a research that failed, which is judged later."""
        process = self.start()
        _, errors = process.communicate(timeout=self.limit_s)
        if process.returncode not in {0, 1}:
            raise SystemExit(f"exit {process.returncode}: {errors.decode()[-2000:]}")
