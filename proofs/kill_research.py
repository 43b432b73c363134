"""Kills a running command at many moments: nothing is lost, and nothing is done twice.

Each trial copies a data folder with indexed documents, starts ``wiseflow research`` over many
topics in a process group of its own, kills the whole group at a moment drawn over the length of an
undisturbed run, and types the same command again until it ends. Then:

- no research is lost: each of them has ended as it did undisturbed;
- no committed step ran again: a side table counts each run of a step's function, and what the
  journal held when the process was killed must not appear in it later;
- the reports are those of the undisturbed run, but for ids and times.

A kill counts only if the process lived and had work that was not finished.

    python proofs/kill_research.py --kills 100 --researches 40 --seed 1
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from commands import Command

ROOT = Path(__file__).resolve().parent.parent
COUNTED = Path(__file__).with_name("counted_wiseflow.py")
RUN_LIMIT_S = 300.0
MOST_DRAWS = 20  # of moments that did not count, for each one that does


@dataclass
class Findings:
    """What the trials showed."""

    kills: int = 0
    not_counted: int = 0
    lost: list[str] = field(default_factory=list)
    run_again: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    committed_at_kill: list[int] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not (self.lost or self.run_again or self.different)


class Folder:
    """The data folder of one trial, and the command over it."""

    def __init__(self, path: Path, topics: Path) -> None:
        self.path = path
        self.database = path / "data" / "wiseflow.db"
        self.side = path / "side.db"
        self.out = path / "out"
        arguments = [
            sys.executable, str(COUNTED), "--set", f"WISEFLOW_DATA_DIR={path / 'data'}",
            "research", "--topics", str(topics), "--collection", "default", "--out", str(self.out),
        ]  # fmt: skip
        self.command = Command(
            arguments=arguments,
            environment={**os.environ, "COUNTED_RUNS": str(self.side)},
            folder=Path.cwd(),
            limit_s=RUN_LIMIT_S,
        )

    def reports(self) -> dict[str, object]:
        """The reports by file name, without what differs from run to run."""
        found = {}
        for path in sorted(self.out.glob("*.json")):
            report = json.loads(path.read_text(encoding="utf-8"))
            facts = report["facts"]
            del report["id"], facts["seconds"], facts["timeline"]
            found[path.name] = report
        return found

    def rows(self, query: str, database: Path | None = None) -> list[tuple]:
        path = database or self.database
        if not path.exists():
            return []
        with sqlite3.connect(path, timeout=30) as connection:
            rows = connection.execute(query).fetchall()
        connection.close()
        return rows

    def endings(self) -> list[tuple]:
        return self.rows("SELECT title, status, stop_reason FROM jobs ORDER BY job_id")

    def committed(self) -> set[tuple]:
        return set(self.rows("SELECT job_id, step_key FROM steps"))

    def runs(self) -> list[tuple]:
        return self.rows("SELECT job_id, step_key FROM runs ORDER BY number", self.side)


def main() -> None:
    options = parse_options()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as work:
        findings = prove(Path(work), options.kills, options.researches, random.Random(options.seed))
    steps = sorted(findings.committed_at_kill)
    print(
        f"{findings.kills} kills of {options.researches} researches "
        f"({findings.not_counted} draws did not count); steps committed when killed: "
        f"{steps[0]} to {steps[-1]}, median {steps[len(steps) // 2]}\n"
        f"researches lost: {len(findings.lost)}\n"
        f"committed steps run again: {len(findings.run_again)}\n"
        f"reports that differ: {len(findings.different)}"
    )
    for line in findings.lost + findings.run_again + findings.different:
        print("  " + line)
    sys.exit(0 if findings.holds else 1)


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--researches", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def prove(work: Path, kills: int, researches: int, chance: random.Random) -> Findings:
    """Run the undisturbed command, then ``kills`` disturbed ones."""
    topics = work / "topics.txt"
    topics.write_text("\n".join(make_topics(researches)), encoding="utf-8")
    template = work / "template"
    subprocess.run(
        [sys.executable, "-m", "wiseflow", "--set", f"WISEFLOW_DATA_DIR={template / 'data'}",
         "index", str(ROOT / "docs"), str(ROOT / "README.md")],
        check=True, stdout=subprocess.DEVNULL, timeout=RUN_LIMIT_S,
    )  # fmt: skip
    calm = Folder(copy(template, work / "calm"), topics)
    begun = time.monotonic()
    calm.command.finish()
    length_s = time.monotonic() - begun
    expected, endings = calm.reports(), calm.endings()
    if len(expected) < researches / 2 or not calm.runs():
        raise SystemExit(f"the undisturbed run is no measure: {endings}")
    findings = Findings()
    draws = 0
    while findings.kills < kills and draws < kills * MOST_DRAWS:
        draws += 1
        folder = Folder(copy(template, work / f"trial-{draws}"), topics)
        trial(folder, chance.uniform(0, length_s), findings, expected, endings)
        shutil.rmtree(folder.path)
    if findings.kills < kills:
        raise SystemExit(f"only {findings.kills} of {draws} draws counted")
    return findings


def trial(
    folder: Folder, moment_s: float, findings: Findings, expected: object, endings: object
) -> None:
    """One kill, and what the same command makes of it."""
    killed = folder.command.killed_after(moment_s)
    unfinished = folder.path.joinpath("data/wiseflow.db").exists() and folder.rows(
        "SELECT 1 FROM jobs WHERE status IN ('pending', 'running')"
    )
    if not (killed and unfinished):
        findings.not_counted += 1
        return
    committed, ran = folder.committed(), len(folder.runs())
    folder.command.finish()
    findings.kills += 1
    findings.committed_at_kill.append(len(committed))
    name = f"kill at {moment_s:.2f} s"
    if folder.endings() != endings:
        findings.lost.append(f"{name}: {folder.endings()}")
    again = [run for run in folder.runs()[ran:] if run in committed]
    findings.run_again += [f"{name}: {run}" for run in again]
    if folder.reports() != expected:
        findings.different.append(name)


def make_topics(count: int) -> list[str]:
    """Topics that the project's own documents answer: their headings."""
    headings = [
        f"{line.lstrip('#').strip()} ({path.stem})"
        for path in sorted((ROOT / "docs").rglob("*.md"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("#")
    ]
    return (headings * (count // len(headings) + 1))[:count]


def copy(template: Path, target: Path) -> Path:
    shutil.copytree(template, target)
    return target


if __name__ == "__main__":
    main()
