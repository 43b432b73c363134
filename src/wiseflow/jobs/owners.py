"""Names of instances, and which of them are surely dead."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wiseflow.core.ports import JobQueue

# Fields 3 to 52 of /proc/<pid>/stat follow the name in parentheses; the start time is field 22.
# Source: the manual page proc_pid_stat in section 5.
_START_FIELD = 22 - 3
PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Process:
    host: str
    pid: int
    start: str
    namespace: str


def instance_name() -> str:
    """A new name for this process as an owner of leases: ``host/pid/start/namespace/random``.

    ``start`` is when the process started and ``namespace`` its namespace of process ids, so that
    another process that got the same id later, or has it in another container, is told apart.
    """
    pid = os.getpid()
    host = socket.gethostname().replace("/", "_")
    return f"{host}/{pid}/{_start(pid)}/{_namespace()}/{secrets.token_hex(4)}"


def dead_owners(owners: Iterable[str]) -> list[str]:
    """Those instances that ran on this host and are surely dead.

    One that cannot be judged (another host, another namespace, a name of another form) is not
    among them: its leases run out by themselves. A wrong answer costs work, not truth, as every
    write of a worker is fenced.
    """
    return [owner for owner in owners if (process := _parse(owner)) and _is_dead(process)]


async def take_over_from_dead(queue: JobQueue) -> int:
    """End the leases of dead instances, so that their jobs can be claimed now; how many."""
    return sum([await queue.expire(owner) for owner in dead_owners(await queue.running_owners())])


def _parse(owner: str) -> _Process | None:
    parts = owner.split("/")
    if len(parts) != 5 or not parts[1].isdigit():  # noqa: PLR2004 - the parts of a name
        return None
    host, pid, start, namespace, _ = parts
    return _Process(host=host, pid=int(pid), start=start, namespace=namespace)


def _is_dead(process: _Process) -> bool:
    here = socket.gethostname().replace("/", "_")
    if process.host != here or process.namespace != _namespace():
        return False
    import psutil  # noqa: PLC0415 - slow to load, and most commands find no other instance's job

    try:
        status = psutil.Process(process.pid).status()
        return status == psutil.STATUS_ZOMBIE or _start(process.pid) != process.start
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def _start(pid: int) -> str:
    """When a process started, in a form that only equality makes sense of.

    Linux tells it in ticks since boot, which setting the clock does not change.
    """
    stat = PROC / str(pid) / "stat"
    try:
        return (
            stat.read_text(encoding="utf-8", errors="replace")
            .rpartition(")")[2]
            .split()[_START_FIELD]
        )
    except OSError:
        import psutil  # noqa: PLC0415 - slow to load, and not needed on Linux

        return f"{psutil.Process(pid).create_time():.2f}"


def _namespace() -> str:
    """The namespace of process ids this process is in, or "" where there are none."""
    try:
        return (PROC / "self/ns/pid").readlink().name
    except OSError:
        return ""
