"""What a pool and its worker processes say to each other: framed pickles over two pipes.

A frame is a header (length of the body, kind, whether the worker ends after it, what the call took)
and a body. The pool sends a ``WorkerSetup`` and then requests ``(function, args, kwargs)``, one at
a time; the worker answers each with one frame. This module is imported at every start of a worker,
so it imports next to nothing.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

HEADER = struct.Struct("!QB?dQ")


class Kind(IntEnum):
    """What the body of a frame is."""

    REQUEST = 0
    READY = 1  # names of the limits this system lacks
    NOT_READY = 2  # why the worker could not get ready
    RESULT = 3
    RAISED = 4  # the exception itself
    RAISED_TEXT = 5  # type and text of an exception that does not pickle
    BAD_REQUEST = 6  # why the request could not be rebuilt
    BAD_RESULT = 7  # why the result does not pickle
    MEMORY = 8  # the call ran into the memory limit


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSetup:
    """What a worker needs to know before its first call.

    Args:
        preload: modules to import before the first call.
        memory_bytes: address space a call may take on top of what the worker has when it is ready.
        cpu_s: CPU seconds a call may take.
    """

    preload: tuple[str, ...]
    memory_bytes: int | None
    cpu_s: float


def frame(
    kind: Kind, body: bytes, *, last: bool = False, cpu_s: float = 0.0, memory_bytes: int = 0
) -> bytes:
    """One frame, ready to be written.

    Args:
        kind: what the body is.
        body: what it says.
        last: the worker ends after it.
        cpu_s: CPU time of the call, in seconds.
        memory_bytes: the most memory the worker has had, if that was in this call; else what it has
            after it.
    """
    return HEADER.pack(len(body), kind, last, cpu_s, memory_bytes) + body
