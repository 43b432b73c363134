"""What a task calls, and what came of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from types import FunctionType, MethodType
from typing import Any, NamedTuple, TypeVar, cast

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import InvalidInput
from wiseflow.core.tasks import FailurePolicy, TaskKind, TaskSpec

E = TypeVar("E", bound=StrEnum)
# Of hundreds of tasks some meet what one of them meets with this probability.
NOT_UNLIKELY = 0.02
MOST_SHOWN = 80  # characters of a value that is refused


@dataclass(slots=True)
class Success:
    """What a task gave."""

    value: Any


@dataclass(slots=True)
class Failure:
    """Why a task gave nothing."""

    error: BaseException


Outcome = Success | Failure


class Expected(NamedTuple):
    """What a task is predicted to take; 0 is unknown."""

    seconds: float = 0.0
    memory_bytes: int = 0
    failure: float = 0.0  # from 0 to 1: how likely an attempt fails


class TaskRequest(NamedTuple):
    """A function to be run as a task; give its fields by name. A tuple, as that is made sooner.

    Args:
        name: what people call it; need not be distinct.
        func: asynchronous, plain, or plain and CPU-bound.
        args, kwargs: what it is called with.
        cpu_bound: run it in a process of its own; it has to be a module's own function then, and
            its arguments and result plain data.
        results_as: the keyword that gets the results of the tasks it depends on, by their ids;
            those that did not complete are not among them. "" is none.
        task_id: distinct; made of the name and a number when "".
        priority, run, dependencies, on_failure, retries, retry_delay_s: see ``TaskSpec``.
        timeout: how long one attempt may take, in seconds; ``None`` is no bound.
        size: how large its input is, in any unit that is the same for all of this name; predicted
            times follow it where that helps.
        pool: the worker processes that a CPU-bound one runs in, by name; "" is the engine's own. An
            asynchronous one that does little but wait for others may name "branches".
    """

    name: str
    func: Callable[..., Any]
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] | None = None
    cpu_bound: bool = False
    results_as: str = ""
    task_id: str = ""
    priority: TaskPriority = TaskPriority.NORMAL
    run: str = ""
    timeout: float | None = None
    dependencies: Sequence[str] = ()
    on_failure: FailurePolicy = FailurePolicy.FAIL
    retries: int = 0
    retry_delay_s: float = 1.0
    size: float | None = None
    pool: str = ""


def kind_of(function: object, *, cpu_bound: bool) -> TaskKind:
    """Where a function runs: its own process if it is CPU-bound, the loop if it is asynchronous.

    Raises:
        InvalidInput: it cannot be called, or is a generator.
    """
    flags = _flags(function)
    if flags & (inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR):
        raise InvalidInput(
            f"{_name(function)} is a generator, which gives values one by one",
            cure="Give a function that returns, for instance a list of what it yields",
        )
    if not flags & inspect.CO_COROUTINE:
        return TaskKind.PROCESS if cpu_bound else TaskKind.THREAD
    if cpu_bound:
        raise InvalidInput(
            f"{_name(function)} is asynchronous, so it cannot run in a process",
            cure="Give a plain function, or leave cpu_bound out",
        )
    return TaskKind.ASYNC


def _flags(function: object) -> int:
    """What kind of code a callable runs, behind decorators and ``partial``; 0 for built-in ones."""
    if type(function) is FunctionType and "__wrapped__" not in function.__dict__:
        return function.__code__.co_flags  # the way of nearly all
    if not callable(function):
        raise InvalidInput(
            f"{function!r} cannot be called", cure="Give a function, and its arguments beside it"
        )
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(cast("Callable[..., object]", function))
    if not isinstance(function, FunctionType | MethodType):
        function = getattr(function, "__call__", None)  # noqa: B004 - the method itself is wanted
    code = getattr(function, "__code__", None)
    return code.co_flags if code is not None else 0


def _one_of(kind: type[E], value: E | str) -> E:
    if type(value) is kind:
        return value
    try:
        return kind(value)
    except ValueError:
        raise InvalidInput(
            f"{value!r} is no {kind.__name__}", cure=f"Give one of: {', '.join(kind)}"
        ) from None


def _name(function: object) -> str:
    return str(getattr(function, "__qualname__", repr(function)))


# The fields whose kind is checked, what they may be, what not though it is of that kind, and words.
_SHAPES: tuple[tuple[str, Any, Any, str], ...] = (
    ("name", str, (), "a text"),
    ("args", Sequence, (str, bytes), "a tuple, for a single argument (it,)"),
    ("kwargs", (Mapping, type(None)), (), "a mapping from names to values"),
    ("results_as", str, (), "the name of a keyword"),
    ("task_id", str, (), "a text"),
    ("dependencies", Iterable, (str, bytes), "a list of ids, also for a single one"),
    ("size", int | float | None, (), "a number"),
)


def _check_shape(request: TaskRequest) -> None:
    """Name the field whose value is not of the kind it has to be."""
    for field, kind, but_no, wanted in _SHAPES:
        value: object = getattr(request, field)
        if not isinstance(value, kind) or isinstance(value, but_no):
            raise _unfit(request, field, wanted)
    if not all(type(name) is str for name in request.kwargs or ()):
        raise _unfit(request, "kwargs", "a mapping from names to values")


def _unfit(request: TaskRequest, field: str, wanted: str) -> InvalidInput:
    value = repr(getattr(request, field))[:MOST_SHOWN]
    return InvalidInput(
        f"the {field} of the task {request.name!r} cannot be {value}", cure=f"Give {wanted}"
    )


def spec_of(
    request: TaskRequest, kind: TaskKind, expected: Expected, *, task_id: str, parent: str
) -> TaskSpec:
    """What the scheduler has to know of a request. Raises ``InvalidInput``."""
    # Most have a tuple of arguments and nothing else, and are checked at a glance.
    if (
        type(request.args) is not tuple
        or type(request.name) is not str
        or type(request.task_id) is not str
        or request.kwargs is not None
        or request.dependencies != ()
        or request.results_as
        or request.size is not None
    ):
        _check_shape(request)
    return TaskSpec(
        task_id,
        request.pool or kind.value,
        _one_of(TaskPriority, request.priority),
        request.run,
        parent,
        tuple(request.dependencies),
        _one_of(FailurePolicy, request.on_failure),
        request.timeout,
        request.retries,
        request.retry_delay_s,
        expected.seconds,
        again_s(request, expected),
        expected.memory_bytes,
    )


def again_s(request: TaskRequest, expected: Expected) -> float:
    """How many seconds attempts that fail may add: as many as are not unlikely, one after another.

    A task that often fails has to begin sooner than its time alone says, or its last attempts hold
    up the end of all.
    """
    again, chance = 0.0, expected.failure
    if type(request.retries) is not int or type(request.retry_delay_s) not in {int, float}:
        return again  # the scheduler refuses it in its own words
    for number in range(request.retries):
        if chance < NOT_UNLIKELY:
            break
        again += expected.seconds + request.retry_delay_s * 2**number
        chance *= expected.failure
    return again
