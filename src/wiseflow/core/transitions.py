"""The life of a job as a table: which move leads from which status to which."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from wiseflow.core.errors import IllegalTransition
from wiseflow.core.jobs import JobStatus


class Move(StrEnum):
    """What can be done to a job; the words are those of the error text."""

    APPROVE = "be approved"
    CLAIM = "be claimed"
    RELEASE = "be released"
    COMPLETE = "be completed"
    FAIL = "be failed"
    PARK = "await approval"
    CANCEL = "be cancelled"
    STOP = "be stopped"
    RESUME = "be resumed"
    DELETE = "be deleted"


_S = JobStatus

# What a move leads to. CANCEL asks a running job to stop, which its worker then does (STOP); CLAIM
# of a running job is the take-over of one whose lease ran out. DELETE leaves nothing, so it keeps
# the status it is allowed in.
MOVES: Mapping[tuple[JobStatus, Move], JobStatus] = MappingProxyType(
    {
        (_S.AWAITING_APPROVAL, Move.APPROVE): _S.PENDING,
        (_S.AWAITING_APPROVAL, Move.CANCEL): _S.CANCELLED,
        (_S.AWAITING_APPROVAL, Move.DELETE): _S.AWAITING_APPROVAL,
        (_S.PENDING, Move.CLAIM): _S.RUNNING,
        (_S.PENDING, Move.CANCEL): _S.CANCELLED,
        (_S.PENDING, Move.RESUME): _S.PENDING,
        (_S.PENDING, Move.DELETE): _S.PENDING,
        (_S.RUNNING, Move.CLAIM): _S.RUNNING,
        (_S.RUNNING, Move.RELEASE): _S.PENDING,
        (_S.RUNNING, Move.COMPLETE): _S.COMPLETED,
        (_S.RUNNING, Move.FAIL): _S.FAILED,
        (_S.RUNNING, Move.PARK): _S.AWAITING_APPROVAL,
        (_S.RUNNING, Move.CANCEL): _S.RUNNING,
        (_S.RUNNING, Move.STOP): _S.CANCELLED,
        (_S.RUNNING, Move.RESUME): _S.RUNNING,
        (_S.COMPLETED, Move.DELETE): _S.COMPLETED,
        (_S.FAILED, Move.RESUME): _S.PENDING,
        (_S.FAILED, Move.DELETE): _S.FAILED,
        (_S.CANCELLED, Move.RESUME): _S.PENDING,
        (_S.CANCELLED, Move.DELETE): _S.CANCELLED,
    }
)

# How a running job ends, by the status that its outcome names.
ENDINGS: Mapping[JobStatus, Move] = MappingProxyType(
    {
        _S.COMPLETED: Move.COMPLETE,
        _S.FAILED: Move.FAIL,
        _S.CANCELLED: Move.STOP,
        _S.AWAITING_APPROVAL: Move.PARK,
    }
)


def after(job_id: str, status: JobStatus, move: Move) -> JobStatus:
    """The status that ``move`` leads to.

    Raises:
        IllegalTransition: the table has no such move.
    """
    target = MOVES.get((status, move))
    if target is None:
        raise IllegalTransition(job_id, status, move)
    return target
