"""What a task calls, and what came of it."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from types import FunctionType, MethodType
from typing import Any, TypeVar, cast

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import InvalidInput
from wiseflow.core.tasks import FailurePolicy, TaskKind, TaskSpec

E = TypeVar("E", bound=StrEnum)


@dataclass(slots=True)
class Success:
    """What a task gave."""

    value: Any


@dataclass(slots=True)
class Failure:
    """Why a task gave nothing."""

    error: BaseException


Outcome = Success | Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRequest:
    """A function to be run as a task.

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


def check_pickles(call: TaskRequest) -> None:
    """Raises ``InvalidInput`` when a call cannot be sent to a process."""
    for what, value in (
        ("function", call.func),
        *((f"argument {number}", value) for number, value in enumerate(call.args, 1)),
        *((f"argument {name!r}", value) for name, value in (call.kwargs or {}).items()),
    ):
        try:
            pickle.dumps(value)
        except Exception as error:  # pickling runs anything
            raise InvalidInput(
                f"the {what} of the task {call.name!r} cannot be sent to a process: "
                f"{type(error).__name__}: {error}",
                cure="Give a module's own function and plain data, or leave cpu_bound out",
            ) from error


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


def spec_of(request: TaskRequest, *, task_id: str, parent: str) -> TaskSpec:
    """What the scheduler has to know of a request. Raises ``InvalidInput``."""
    kind = kind_of(request.func, cpu_bound=request.cpu_bound)
    if kind is TaskKind.PROCESS:
        check_pickles(request)
    return TaskSpec(
        task_id=task_id,
        kind=kind,
        priority=_one_of(TaskPriority, request.priority),
        run=request.run,
        parent=parent,
        dependencies=tuple(request.dependencies),
        on_failure=_one_of(FailurePolicy, request.on_failure),
        timeout_s=request.timeout,
        retries=request.retries,
        retry_delay_s=request.retry_delay_s,
    )
