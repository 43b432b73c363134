"""The life of a job as a table."""

from __future__ import annotations

import pytest

from wiseflow.core.errors import IllegalTransition
from wiseflow.core.jobs import JobStatus
from wiseflow.core.transitions import ENDINGS, MOVES, Move, after


@pytest.mark.parametrize("status", JobStatus)
@pytest.mark.parametrize("move", Move)
def test_every_move_is_in_the_table_or_refused_by_name(status, move):
    if (status, move) in MOVES:
        assert after("j", status, move) is MOVES[status, move]
        return

    with pytest.raises(IllegalTransition, match=f"job j is {status}, so it cannot {move}"):
        after("j", status, move)


def test_every_status_can_be_reached_and_every_ended_job_deleted():
    assert {*MOVES.values()} == set(JobStatus)
    assert all((status, Move.DELETE) in MOVES for status in JobStatus if status.final)


def test_a_completed_job_leads_nowhere():
    leaving = {target for (status, _), target in MOVES.items() if status is JobStatus.COMPLETED}

    assert leaving == {JobStatus.COMPLETED}


def test_each_ending_leads_to_the_status_it_is_named_by():
    for status, move in ENDINGS.items():
        assert after("j", JobStatus.RUNNING, move) is status
