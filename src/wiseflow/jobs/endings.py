"""What becomes of a job whose handler ended or was stopped: pure decisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from wiseflow.core.errors import (
    Cancelled,
    LeaseLost,
    NoEvidence,
    TimeLimit,
    UnknownField,
    WiseflowError,
)
from wiseflow.core.jobs import Job, JobStatus, Outcome, StopReason
from wiseflow.core.transitions import ENDINGS
from wiseflow.jobs.context import StopCause


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """It ended."""

    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """It failed in a way that may pass: it is tried again after a while."""

    error: str
    delay_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """It is made for a newer version of the program, which runs beside this one: not touched."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """It was interrupted: somebody takes it up later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """It is another worker's now: nothing is written."""


Ending = Finish | Retry | Leave | Release | Drop


def in_words(ending: Ending) -> str:
    """An ending in a word for the log, for instance ``completed`` or ``release``."""
    if isinstance(ending, Finish):
        return str(ending.outcome.status)
    return type(ending).__name__.lower()


def of_result(outcome: Outcome | None) -> Ending:
    """The ending for what a handler returned; nothing means that all went well."""
    if outcome is None:
        return Finish(outcome=Outcome(status=JobStatus.COMPLETED))
    if outcome.status not in ENDINGS:
        return _failed(StopReason.ERROR, f"the handler ended it as {outcome.status}, which is none")
    return Finish(outcome=outcome)


def of_stop(cause: StopCause) -> Ending:
    """The ending for a handler that the worker stopped."""
    if cause is StopCause.LOST:
        return Drop()
    if cause is StopCause.INTERRUPTED:
        return Release()
    return _cancelled("")


def of_time_limit(limit_s: float | None) -> Ending:
    """The ending for a handler that took too long."""
    return _failed(
        StopReason.TIME_LIMIT,
        f"it took longer than {limit_s:g} s. Raise TASK_TIMEOUT, then resume it",
    )


def of_error(error: Exception, job: Job, retry_delay_s: float) -> Ending:
    """The ending for what a handler raised.

    Args:
        error: a group counts as its most telling member.
        job: tells how many attempts are left.
        retry_delay_s: the wait before the second attempt; it doubles with each further one.
    """
    told = telling(error)
    if isinstance(told, LeaseLost):
        return Drop()
    if isinstance(told, Cancelled):
        return _cancelled(str(told))
    if isinstance(told, UnknownField):
        return Leave(error=str(told))
    if isinstance(told, WiseflowError) and told.retryable and job.attempt < job.max_attempts:
        return Retry(error=str(told), delay_s=retry_delay_s * 2 ** (job.attempt - 1))
    return _failed(_stop_reason(told), describe(told))


def telling(error: BaseException) -> BaseException:
    """The error that says most about why a group of tasks failed.

    That the lease is lost goes first, as then nothing may be written; then that it was cancelled;
    then errors raised on purpose, as the others often only follow from them.
    """
    return min(_leaves(error), key=_rank)


def describe(error: BaseException) -> str:
    """What to tell the user of an error: type and text for one that was not raised on purpose."""
    if isinstance(error, WiseflowError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        yield error
        return
    group = cast("BaseExceptionGroup[BaseException]", error)
    for inner in group.exceptions:
        yield from _leaves(inner)


def _rank(error: BaseException) -> int:
    order = (LeaseLost, Cancelled, WiseflowError)
    return next((rank for rank, kind in enumerate(order) if isinstance(error, kind)), len(order))


def _stop_reason(error: BaseException) -> StopReason:
    if isinstance(error, NoEvidence):
        return StopReason.NO_EVIDENCE
    if isinstance(error, TimeLimit):
        return StopReason.TIME_LIMIT
    return StopReason.ERROR


def _failed(stop_reason: StopReason, error: str) -> Finish:
    return Finish(outcome=Outcome(status=JobStatus.FAILED, stop_reason=stop_reason, error=error))


def _cancelled(error: str) -> Finish:
    return Finish(
        outcome=Outcome(status=JobStatus.CANCELLED, stop_reason=StopReason.CANCELLED, error=error)
    )
