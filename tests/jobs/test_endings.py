"""What becomes of a job, decided without doing anything."""

from __future__ import annotations

import pytest

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import (
    Cancelled,
    InvalidInput,
    LeaseLost,
    NoEvidence,
    TimeLimit,
    WorkerCrashed,
)
from wiseflow.core.jobs import Job, JobStatus, Outcome, StopReason
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


def a_job(attempt=1, max_attempts=3) -> Job:
    return Job(
        job_id="j",
        kind="task",
        payload={},
        title="",
        status=JobStatus.RUNNING,
        priority=TaskPriority.NORMAL,
        tags=(),
        metadata={},
        batch="",
        idempotency_key="",
        progress=0.0,
        partial=False,
        stop_reason=None,
        error="",
        cost=None,
        attempt=attempt,
        max_attempts=max_attempts,
        cancel_requested=False,
        lease_owner="a",
        lease_token=1,
        lease_expires_at=1.0,
        created_at=0.0,
        started_at=0.0,
        completed_at=None,
        delivered_at=None,
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
def test_each_error_has_its_ending(error, ending):
    assert of_error(error, a_job(), 2.0) == ending


def test_the_wait_before_a_retry_doubles_until_the_attempts_are_used_up():
    def delay(attempt: int):
        return of_error(WorkerCrashed("died"), a_job(attempt), 1.0)

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
