"""What becomes of a job, decided without doing anything."""

from __future__ import annotations

import pytest

from wiseflow.core.errors import (
    Cancelled,
    InvalidInput,
    LeaseLost,
    NoEvidence,
    TimeLimit,
    WorkerCrashed,
)
from wiseflow.core.jobs import JobStatus, Outcome, StopReason
from wiseflow.jobs.context import StopCause
from wiseflow.jobs.endings import (
    Drop,
    Finish,
    Release,
    Retry,
    of_error,
    of_result,
    of_stop,
    of_time_limit,
)


def failed(reason: StopReason, error: str) -> Finish:
    return Finish(outcome=Outcome(status=JobStatus.FAILED, stop_reason=reason, error=error))


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (NoEvidence("nothing on bees"), failed(StopReason.NO_EVIDENCE, "nothing on bees")),
        (TimeLimit("late"), failed(StopReason.TIME_LIMIT, "late")),
        (InvalidInput("bad", cure="Mend it"), failed(StopReason.ERROR, "bad. Mend it")),
        (ValueError("odd"), failed(StopReason.ERROR, "ValueError: odd")),
        (LeaseLost("j"), Drop()),
        (
            Cancelled("enough"),
            Finish(
                outcome=Outcome(
                    status=JobStatus.CANCELLED, stop_reason=StopReason.CANCELLED, error="enough"
                )
            ),
        ),
        (WorkerCrashed("died"), Retry(error="died", delay_s=2.0)),
        (ExceptionGroup("g", [ValueError("x"), ExceptionGroup("h", [LeaseLost("j")])]), Drop()),
        (
            ExceptionGroup("g", [ValueError("x"), NoEvidence("n")]),
            failed(StopReason.NO_EVIDENCE, "n"),
        ),
    ],
)
def test_each_error_has_its_ending(make_job, error, ending):
    assert of_error(error, make_job(), 2.0) == ending


def test_the_wait_before_a_retry_doubles_until_the_attempts_are_used_up(make_job):
    def delay(attempt: int):
        return of_error(WorkerCrashed("died"), make_job(attempt=attempt), 1.0)

    assert delay(2) == Retry(error="died", delay_s=2.0)
    assert delay(3) == failed(StopReason.ERROR, "died")


def test_a_handler_that_returns_nothing_has_completed():
    assert of_result(None) == Finish(outcome=Outcome(status=JobStatus.COMPLETED))


def test_a_handler_cannot_end_a_job_as_pending():
    ending = of_result(Outcome(status=JobStatus.PENDING))

    assert isinstance(ending, Finish)
    assert ending.outcome.status is JobStatus.FAILED


def test_what_the_worker_stops_is_dropped_given_back_or_cancelled():
    assert of_stop(StopCause.LOST) == Drop()
    assert of_stop(StopCause.INTERRUPTED) == Release()
    assert of_stop(StopCause.CANCELLED).outcome.status is JobStatus.CANCELLED  # pyright: ignore[reportAttributeAccessIssue]


def test_the_time_limit_is_named():
    assert of_time_limit(90.0) == failed(
        StopReason.TIME_LIMIT, "it took longer than 90 s. Raise TASK_TIMEOUT, then resume it"
    )
