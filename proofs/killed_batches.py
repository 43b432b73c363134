"""A command against a simulator, killed at any moment, and what the simulator saw of it.

For ``kill_gateway``.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands import Command

from wiseflow.simulator.process import SimulatorProcess

RUN_LIMIT_S = 300.0
# Real: an answer goes through the socket, the parsing and a group of commits.
ON_ITS_WAY_S = 0.25
PAID = frozenset({"model", "search"})
SETTINGS = {
    "PRIMARY_MODEL": "sim-large",
    "FETCH_ALLOWED_NETWORKS": "127.0.0.0/8",
    "TAVILY_RATE_LIMIT": "100000",
    "MAX_CONCURRENT_DOWNLOADS": "1000",
    "DOWNLOAD_RATE_LIMIT": "1000000000",
    "RETRY_LIMIT": "100",  # attempts of a research; each kill takes one
}
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")


@dataclass(frozen=True, kw_only=True)
class Kill:
    """A kill that counted: when, in seconds of ``time.monotonic``, and what the journal held."""

    at: float
    journalled: int


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request of the simulator's log, its times in seconds of ``time.monotonic``."""

    digest: str
    arrived: float
    ended: float

    def under_way(self, kill: Kill) -> bool:
        """Whether it was not answered at a kill, or only just."""
        return self.arrived <= kill.at and self.ended >= kill.at - ON_ITS_WAY_S


class Batch:
    """The researches of one command, in a folder of their own."""

    def __init__(
        self, path: Path, topics: Sequence[str], settings: Mapping[str, str], mode: str
    ) -> None:
        path.mkdir()
        self.path = path
        self.out = path / "out"
        self._database = path / "data" / "wiseflow.db"
        (path / "topics.txt").write_text("\n".join(topics), encoding="utf-8")
        arguments = [
            sys.executable, "-m", "wiseflow", "research", "--topics", "topics.txt", "--out", "out",
            "--parallel", str(len(topics)), "--quiet", "--mode", mode,
        ]  # fmt: skip
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        self.command = Command(
            arguments=arguments,
            environment={**kept, **SETTINGS, **settings},
            folder=path,
            limit_s=RUN_LIMIT_S,
        )

    def killed_after(self, moment_s: float) -> Kill | None:
        """The kill at a moment after the start, or ``None`` when it did not count."""
        killed = self.command.killed_after(moment_s)
        at = time.monotonic()
        if not killed or not self.unfinished:
            return None
        return Kill(at=at, journalled=self.journalled)

    @property
    def statuses(self) -> list[tuple[str, int, str]]:
        """Of the researches, each with whether its report lacks something, and what went wrong."""
        return self._rows("SELECT status, partial, error FROM jobs")

    @property
    def unfinished(self) -> bool:
        return any(status in {"pending", "running"} for status, *_ in self.statuses)

    @property
    def begun(self) -> bool:
        """Whether its researches are submitted, so that the same command goes on with them."""
        return bool(self.statuses)

    @property
    def journalled(self) -> int:
        """How many calls the journal holds."""
        [(count,)] = self._rows("SELECT count(*) FROM steps WHERE step_key LIKE '%call/%'")
        return count

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        if not self._database.exists():
            return []
        with closing(sqlite3.connect(self._database, timeout=30)) as connection:
            try:
                return connection.execute(query).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" not in str(error):
                    raise
                return []


class Watched:
    """A simulator, and its log by this process's clock.

    Both read the same monotonic clock of the machine; what the simulator's began at is found with
    a request that takes no time.
    """

    def __init__(self, simulator: SimulatorProcess, scale: float) -> None:
        self._simulator = simulator
        self._scale = scale
        self._began = self._beginning()

    def settings(self) -> Mapping[str, str]:
        own = self._simulator.settings()
        names = ("LLM_API_BASE", "LLM_API_KEY", "TAVILY_API_BASE", "TAVILY_API_KEY")
        return {"LLM_API_KEY": "k-1", "TAVILY_API_KEY": "t-1"} | {
            name: own[name] for name in names if name in own
        }

    def forget(self) -> None:
        self._simulator.reset()

    def requests(self) -> list[Request]:
        """Those that are paid for, in the order in which they came."""
        found = [
            Request(
                digest=f"{one['provider']} {one['digest']}",
                arrived=self._began + one["arrived_s"] * self._scale,
                ended=self._began + one["ended_s"] * self._scale,
            )
            for one in self._simulator.log()
            if one["kind"] in PAID
        ]
        return sorted(found, key=lambda one: one.arrived)

    def _beginning(self) -> float:
        address = f"{self._simulator.url('openai')}/models"
        with urllib.request.urlopen(address, timeout=10) as answer:
            answer.read()
        now = time.monotonic()
        [told] = [one for one in self._simulator.log() if one["kind"] == "info"]
        return now - told["ended_s"] * self._scale
