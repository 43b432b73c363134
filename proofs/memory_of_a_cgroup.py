"""Fills a real control group's memory: new work waits, running work ends, nothing is killed.

Makes a control group of 512 MB and starts a process in it, whose engine gets a short task ten times
a second, while one long task runs. Then another process in the group
takes memory until 90 % are used, and gives it back. The group's own files, read from outside, say
when it is full. Then:

- the process sees 512 MB;
- no task starts while the group is full, and the manager says why;
- the long task ends meanwhile;
- tasks start again when the memory is free;
- the kernel killed nothing in the group.

It needs Linux and the right to make a control group with the memory controller, as root has it.

    python proofs/memory_of_a_cgroup.py
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wiseflow.engine.machine import memory_limit
from wiseflow.engine.resources import SmartResourceManager
from wiseflow.engine.room import ResourceLimits
from wiseflow.engine.room_watch import LOOK_S
from wiseflow.engine.tasks import TaskManager

ROOT = Path("/sys/fs/cgroup")
LIMIT = 512 * 1024 * 1024
FULL_PERCENT = 90
MAX_PERCENT = 80
STEP_S = 0.1
HELD_S = 3.0  # how long the group stays full
PATIENCE_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Group:
    """A control group with a limit, and its files by version of the kernel's interface."""

    path: Path
    limit: str
    used: str
    killed: str

    def used_percent(self) -> float:
        return 100 * int((self.path / self.used).read_text()) / LIMIT

    def kills(self) -> int:
        lines = (self.path / self.killed).read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))

    def add(self, pid: int) -> None:
        (self.path / "cgroup.procs").write_text(str(pid))


class Child:
    """This script in another role, in the group before it does anything."""

    def __init__(self, group: Group, role: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--role", role],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        group.add(self._process.pid)
        self.told: queue.Queue[dict[str, object]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self.say("begin")

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.told.put({**json.loads(line), "at": time.monotonic()})

    def say(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self, event: str) -> dict[str, object]:
        """The next event of that name; others before it are dropped."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                told = self.told.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                code = self._process.poll()
                raise SystemExit(f"no {event!r} within {PATIENCE_S:g} s; exit {code}") from None
            if told["event"] == event:
                return told

    def events(self) -> list[dict[str, object]]:
        """All that was told by now and not heard yet."""
        return [self.told.get() for _ in range(self.told.qsize())]

    def close(self) -> int:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            return self._process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--role", choices=("proof", "worker", "eater"), default="proof")
    role = parser.parse_args().role
    if role == "worker":
        asyncio.run(work())
    elif role == "eater":
        eat()
    else:
        with make_group() as group:
            faults = prove(group)
        for fault in faults:
            print("  " + fault)
        sys.exit(1 if faults else 0)


@contextlib.contextmanager
def make_group() -> Iterator[Group]:
    name = f"wiseflow-proof-{os.getpid()}"
    shared = ROOT / "cgroup.subtree_control"
    if shared.exists() and "memory" in shared.read_text().split():
        group = Group(
            path=ROOT / name, limit="memory.max", used="memory.current", killed="memory.events"
        )
    elif (ROOT / "memory/memory.limit_in_bytes").exists():
        group = Group(
            path=ROOT / "memory" / name,
            limit="memory.limit_in_bytes",
            used="memory.usage_in_bytes",
            killed="memory.oom_control",
        )
    else:
        raise SystemExit(
            f"no memory controller: {shared} does not list it (version 2), and there is no "
            f"{ROOT / 'memory'} (version 1). Run this on Linux where control groups are mounted."
        )
    try:
        group.path.mkdir()
    except OSError as error:
        raise SystemExit(f"no control group can be made: {error}. Run this as root.") from None
    try:
        (group.path / group.limit).write_text(str(LIMIT))
        yield group
    finally:
        remove(group.path)


def remove(path: Path) -> None:
    """The kernel lets a group go shortly after its last process."""
    for _ in range(50):
        with contextlib.suppress(OSError):
            path.rmdir()
            return
        time.sleep(STEP_S)
    print(f"{path} could not be removed", file=sys.stderr)


def prove(group: Group) -> list[str]:
    """What did not hold."""
    faults: list[str] = []
    worker, eater = Child(group, "worker"), Child(group, "eater")
    try:
        sees = worker.hear("sees")["bytes"]
        print(f"the process sees {sees} bytes of {LIMIT}")
        if sees != LIMIT:
            faults.append("it does not see the group's limit")
        worker.hear("started")
        faults += fill(group, worker, eater)
        freed = time.monotonic()
        eater.say("free")
        eater.hear("freed")
        print(f"freed to {group.used_percent():.1f} %")
        after = float(str(worker.hear("started")["at"])) - freed
        print(f"tasks start again after {after:.2f} s")
    finally:
        codes = worker.close(), eater.close()
    print(f"killed by the kernel: {group.kills()}; exit codes {codes}")
    if group.kills() or any(codes):
        faults.append("a process was killed")
    return faults


def fill(group: Group, worker: Child, eater: Child) -> list[str]:
    """Take memory until the group is full, and see what the worker does meanwhile."""
    faults: list[str] = []
    begun = time.monotonic()
    while group.used_percent() < FULL_PERCENT:
        eater.say(str(int((FULL_PERCENT - group.used_percent()) / 100 * LIMIT) + 65536))
        eater.hear("ate")
    full = time.monotonic()
    print(f"filled to {group.used_percent():.1f} % in {full - begun:.2f} s")
    worker.say("end")  # the long task may end now
    time.sleep(HELD_S)
    least = group.used_percent()
    told = worker.events()
    held = [one for one in told if one["event"] == "held"]
    # The last look may have been made right before the last bytes were taken.
    from_now_on = full + LOOK_S + STEP_S
    late = [
        one for one in told if one["event"] == "started" and float(str(one["at"])) > from_now_on
    ]
    if held:
        print(f"held: {held[0]['reason']}")
    else:
        faults.append("nothing was held")
    print(f"tasks started in {HELD_S:g} s at {least:.1f} %: {len(late)}")
    if late:
        faults.append("tasks started while the memory was full")
    ended = [one for one in told if one["event"] == "ended"]
    print(f"the long task ended meanwhile: {'yes' if ended else 'no'}")
    if not ended:
        faults.append("running work did not end")
    return faults


async def work() -> None:
    """Register a short task now and then, beside a long one, until stdin ends."""
    sys.stdin.readline()
    tell("sees", bytes=memory_limit())
    resources = SmartResourceManager(ResourceLimits(max_memory_percent=MAX_PERCENT))
    stop, closed = asyncio.Event(), asyncio.Event()
    listener = asyncio.create_task(
        asyncio.to_thread(listen, asyncio.get_running_loop(), stop, closed)
    )
    async with TaskManager(resources=resources) as tasks:
        tasks.register_task("long", long_task, (stop,))
        await register_tasks(tasks, closed)
    await listener


def listen(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, closed: asyncio.Event) -> None:
    """One line ends the long task, the end of the input everything."""
    sys.stdin.readline()
    loop.call_soon_threadsafe(stop.set)
    sys.stdin.read()
    loop.call_soon_threadsafe(closed.set)


async def long_task(stop: asyncio.Event) -> None:
    await stop.wait()
    tell("ended")


async def short_task() -> None:
    tell("started")


async def register_tasks(tasks: TaskManager, closed: asyncio.Event) -> None:
    held = ""
    while not closed.is_set():
        tasks.register_task("short", short_task)
        if tasks.room is not None:
            if tasks.room.held and not held:
                tell("held", reason=tasks.room.held)
            held = tasks.room.held
        await asyncio.sleep(STEP_S)


def tell(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


def eat() -> None:
    """Take as many bytes as each line says; any other line gives all of them back."""
    sys.stdin.readline()
    eaten: list[bytearray] = []
    for line in sys.stdin:
        if line.strip().isdigit():
            eaten.append(bytearray(b"\x01") * int(line))
            tell("ate")
        else:
            eaten.clear()
            tell("freed")


if __name__ == "__main__":
    main()
