"""The program a worker process runs: take a request, call the function, answer.

Started by ``processes.ProcessPool`` as ``python -m wiseflow.engine.process_worker``. A thread
watches the pipe of the requests, so that the end of the pool is seen at once, even in the middle of
a call.
"""

from __future__ import annotations

import math
import os
import pickle
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from wiseflow.engine.process_protocol import HEADER, Kind, WorkerSetup, frame

try:
    import resource
except ImportError:  # pragma: no cover - a system without resource limits
    resource = None

STATM = Path("/proc/self/statm")
RECYCLE_AT = 0.5  # share of the memory limit that may stay taken after a call


def main() -> None:
    """Serve the pool at the other end of standard input and output until it goes away."""
    # Ctrl-C and a stop of the whole group reach the workers too: the pool decides what ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    requests, replies = _take_pipes()
    threading.Thread(target=_end_with, args=(requests,), name="end of pool", daemon=True).start()
    setup_frame = _next(requests)
    assert setup_frame is not None
    setup: WorkerSetup = pickle.loads(setup_frame)  # noqa: S301 - from our own pool
    ready, memory_ceiling = _prepare(setup)
    _write(replies, ready)
    _silence_errors()
    while True:
        _write(replies, _served(_next(requests), setup, memory_ceiling))


class _Answer(NamedTuple):
    kind: Kind
    body: bytes = b""
    last: bool = False


def _served(request: bytearray | None, setup: WorkerSetup, memory_ceiling: int) -> bytes:
    # SIGXCPU is left at its default: it ends the process even inside C code.
    _limit_cpu(setup.cpu_s)
    begun_s, most = time.process_time(), _most_memory()
    answer = _Answer(Kind.MEMORY, last=True) if request is None else _answer(request)
    full = memory_ceiling > 0 and _address_space() > memory_ceiling
    now_most = _most_memory()
    memory_bytes = now_most if now_most > most else _memory()
    cpu_s, last = time.process_time() - begun_s, answer.last or full
    try:
        return frame(answer.kind, answer.body, last=last, cpu_s=cpu_s, memory_bytes=memory_bytes)
    except MemoryError:
        return frame(Kind.MEMORY, b"", last=True, cpu_s=cpu_s, memory_bytes=memory_bytes)


def _most_memory() -> int:
    """Bytes of memory this process has had at most, or 0 where the system does not tell."""
    if resource is None:  # pragma: no cover - no resource limits here
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024  # Linux counts in KiB


def _memory() -> int:
    """Bytes of memory this process has, or 0 where the system does not tell."""
    return _pages(1)


def _take_pipes() -> tuple[FileIO, FileIO]:
    """The two pipes, moved out of the way of prints and of child processes."""
    requests, replies = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return FileIO(requests, "rb"), FileIO(replies, "wb")


def _silence_errors() -> None:
    """Send standard error nowhere: what libraries mutter must not break a live display.

    Until the worker is ready it is the pool's own, so that a failing start can be seen.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _end_with(requests: FileIO) -> None:
    """End the process when the pool has closed its end, whatever goes on here."""
    pool = select.poll()
    pool.register(requests, 0)  # that the other end is closed is told unasked
    pool.poll()
    os._exit(0)


def _next(requests: FileIO) -> bytearray | None:
    """The next request; ``None`` stands for one that is too large for the memory limit."""
    size = HEADER.unpack(_exactly(requests, HEADER.size))[0]
    try:
        return _exactly(requests, size)
    except MemoryError:
        return None


def _exactly(requests: FileIO, size: int) -> bytearray:
    """So many bytes; where there are no more, the process ends."""
    data = bytearray(size)
    left = memoryview(data)
    while left:
        count = requests.readinto(left)
        if not count:
            os._exit(0)
        left = left[count:]
    return data


def _write(replies: FileIO, data: bytes) -> None:
    """Send an answer; end the process after the last one."""
    view = memoryview(data)
    try:
        while view:
            view = view[replies.write(view) :]
    except OSError:
        os._exit(0)  # nobody listens any more
    if HEADER.unpack_from(data)[2]:
        os._exit(0)


def _prepare(setup: WorkerSetup) -> tuple[bytes, int]:
    """The first answer, and the address space at which this worker is to be replaced (0: never)."""
    try:
        for module in setup.preload:
            import_module(module)
    except Exception as error:  # noqa: BLE001 - whatever a module does at import is told to the pool
        return frame(Kind.NOT_READY, _described(error).encode(), last=True), 0
    missing: list[str] = []
    ceiling = 0
    if setup.memory_bytes is not None:
        ceiling = _limit_memory(setup.memory_bytes)
        if not ceiling:
            missing.append("memory")
    if not _limit_cpu(setup.cpu_s):
        missing.append("cpu")
    return frame(Kind.READY, pickle.dumps(missing)), ceiling


def _address_space() -> int:
    """Bytes of address space this process has, or 0 where the system does not tell."""
    return _pages(0)


def _pages(field: int) -> int:
    try:
        pages = int(STATM.read_text(encoding="ascii").split()[field])
    except OSError:  # pragma: no cover - not Linux
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _limit_memory(memory_bytes: int) -> int:
    base = _address_space()
    if resource is None or not base:  # pragma: no cover - not Linux
        return 0
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = base + memory_bytes
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    except (OSError, ValueError):  # pragma: no cover - refused by the system
        return 0
    return base + int(memory_bytes * RECYCLE_AT)


def _limit_cpu(cpu_s: float) -> bool:
    if resource is None:  # pragma: no cover - no resource limits here
        return False
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = math.ceil(time.process_time() + cpu_s)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (wanted, hard))
    except (OSError, ValueError):  # pragma: no cover - refused by the system
        return False
    return True


def _answer(request: bytearray) -> _Answer:
    try:
        function, args, kwargs = pickle.loads(request)  # noqa: S301 - from our own pool
    except MemoryError:
        return _Answer(Kind.MEMORY, last=True)
    except Exception as error:  # noqa: BLE001 - unpickling runs anything; the pool is told
        return _Answer(Kind.BAD_REQUEST, _described(error).encode())
    return _called(function, args, kwargs)


def _called(
    function: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]
) -> _Answer:
    try:
        result = function(*args, **kwargs)
    except MemoryError:
        return _Answer(Kind.MEMORY, last=True)
    except Exception as error:  # noqa: BLE001 - the task boundary: the pool raises it again
        return _raised(error)
    try:
        return _Answer(Kind.RESULT, pickle.dumps(result, protocol=pickle.HIGHEST_PROTOCOL))
    except MemoryError:
        return _Answer(Kind.MEMORY, last=True)
    except Exception as error:  # noqa: BLE001 - pickling runs anything; the pool is told
        return _Answer(Kind.BAD_RESULT, _described(error).encode())


def _raised(error: Exception) -> _Answer:
    import traceback  # noqa: PLC0415 - not needed by a worker in which nothing fails

    # The frames do not cross processes; whoever looks for the fault needs them.
    error.add_note("In a worker process:\n" + "".join(traceback.format_tb(error.__traceback__)))
    try:
        body = pickle.dumps(error, protocol=pickle.HIGHEST_PROTOCOL)
        pickle.loads(body)  # noqa: S301 - some exceptions pickle, and fail only here
    except Exception:  # noqa: BLE001 - pickling runs anything; the text is sent instead
        return _Answer(Kind.RAISED_TEXT, _described(error).encode())
    return _Answer(Kind.RAISED, body)


def _described(error: Exception) -> str:
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - an exception whose text raises
        return type(error).__name__


if __name__ == "__main__":
    main()
