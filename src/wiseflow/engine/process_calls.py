"""A call to a worker process: packed to be sent, and what is made of the answer."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from wiseflow.core.errors import InvalidInput, WorkerError, WorkerLimit
from wiseflow.engine.process_channel import Reply
from wiseflow.engine.process_protocol import Kind, frame


@dataclass(frozen=True, slots=True, eq=False)
class PackedCall:
    """A call, ready to be sent, equal to itself only; ``called`` names the function in errors."""

    called: str
    request: bytes


@dataclass(slots=True)
class Usage:
    """Who did a call, and what it took; filled in while it is done.

    Args:
        worker: the thread or process, as people name it; "" before it is known.
        cpu_s: CPU time in seconds; ``None`` is unknown.
        memory_bytes: the most memory its process had; ``None`` is unknown.
    """

    worker: str = ""
    cpu_s: float | None = None
    memory_bytes: int | None = None


def pack(
    function: Callable[..., object],
    args: Sequence[object],
    kwargs: Mapping[str, object],
    *,
    of: str = "",
) -> PackedCall:
    """A call as bytes.

    Args:
        function: a module's own.
        args: of the call.
        kwargs: of the call.
        of: whose call it is, for errors; "" is that of the function.

    Raises:
        InvalidInput: the function or an argument cannot be sent to a process.
    """
    called = called_name(function)
    if called.startswith("__main__."):
        raise InvalidInput(
            f"{called} is the running script's own, so a worker process cannot find it",
            cure="Move it into a module that can be imported",
        )
    try:
        call = (function, tuple(args), dict(kwargs))
        body = pickle.dumps(call, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # pickling runs anything
        raise InvalidInput(
            f"{_culprit(function, args, kwargs)} of {of or called} cannot be sent to a worker"
            f" process: {type(error).__name__}: {error}",
            cure="Give it a module's own function and plain data",
        ) from error
    return PackedCall(called, frame(Kind.REQUEST, body))


def called_name(function: Callable[..., object]) -> str:
    """What a function is called in errors."""
    name = getattr(function, "__qualname__", repr(function))
    return f"{getattr(function, '__module__', '?')}.{name}"


def outcome(called: str, reply: Reply) -> object:
    """The result that a reply carries.

    Raises:
        WorkerLimit: the call went over its memory limit.
        WorkerError: the function raised something that does not pickle.
        InvalidInput: the function, an argument or the result does not pickle.
        Exception: whatever the function raised.
    """
    if reply.kind is Kind.RESULT:
        return _unpickled(called, reply.body)
    if reply.kind is Kind.RAISED:
        raise cast("Exception", _unpickled(called, reply.body))
    if reply.kind is Kind.MEMORY:
        raise WorkerLimit(f"{called} went over its memory limit")
    text = str(reply.body, "utf-8", "replace")
    if reply.kind is Kind.RAISED_TEXT:
        raise WorkerError(
            f"{called} raised {text}",
            cure="Have it raise an error that pickles, to get that as it was",
        )
    if reply.kind is Kind.BAD_RESULT:
        raise InvalidInput(
            f"the result of {called} cannot be sent back: {text}", cure="Return plain data"
        )
    raise InvalidInput(
        f"the worker process cannot rebuild {called} or its arguments: {text}",
        cure="Give it a module's own function and plain data",
    )


def _culprit(function: object, args: Sequence[object], kwargs: Mapping[str, object]) -> str:
    """Which part of a call does not pickle."""
    parts: list[tuple[str, Any]] = [("the function", function)]
    parts += [(f"argument {number}", value) for number, value in enumerate(args, 1)]
    parts += [(f"argument {name!r}", value) for name, value in kwargs.items()]
    for what, value in parts:
        try:
            pickle.dumps(value)
        except Exception:  # noqa: BLE001 - pickling runs anything; the caller tells what it raised
            return what
    return "the whole"


def _unpickled(called: str, body: memoryview) -> object:
    try:
        return pickle.loads(body)  # noqa: S301 - from our own worker
    except Exception as error:  # unpickling runs anything
        raise WorkerError(
            f"the answer of {called} cannot be rebuilt: {type(error).__name__}: {error}"
        ) from error
