"""Which schedules have their turn: the decision alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from wiseflow.core.clock import SystemClock
from wiseflow.core.errors import StorageError
from wiseflow.core.jobs import JobStatus
from wiseflow.core.schedules import Missed, Overlap, Schedule, ScheduleSpec, Turn
from wiseflow.jobs.scheduling import LATE_S, turn_of
from wiseflow.jobs.ticking import keep_ticking, wait_s

DUE = 1_800_000_000.0  # a whole hour
HOURLY = ScheduleSpec(name="n", cron="0 * * * *", topic="t")


def a_schedule(spec: ScheduleSpec = HOURLY, **fields) -> Schedule:
    return Schedule(schedule_id="s", spec=spec, next_at=DUE, **fields)


def test_nothing_runs_before_it_is_due():
    assert turn_of(a_schedule(), DUE - 0.001) is None


def test_nothing_runs_that_is_not_enabled():
    assert turn_of(a_schedule(replace(HOURLY, enabled=False)), DUE) is None


def test_what_is_due_runs_and_is_due_again_later():
    assert turn_of(a_schedule(), DUE) == Turn(due=DUE, next_at=DUE + 3600, runs=True)


def test_after_a_standstill_all_missed_runs_are_one():
    turn = turn_of(a_schedule(), DUE + 10 * 3600 + 5)

    assert turn == Turn(due=DUE, next_at=DUE + 11 * 3600, runs=True, missed=True)


def test_after_a_standstill_missed_runs_may_be_left_out():
    turn = turn_of(a_schedule(replace(HOURLY, missed=Missed.SKIP)), DUE + LATE_S + 1)

    assert turn == Turn(due=DUE, next_at=DUE + 3600, runs=False, missed=True)


@pytest.mark.parametrize(
    "status", [JobStatus.PENDING, JobStatus.RUNNING, JobStatus.AWAITING_APPROVAL]
)
def test_a_run_is_left_out_while_the_last_one_is_not_over(status):
    turn = turn_of(a_schedule(last_status=status), DUE)

    assert turn == Turn(due=DUE, next_at=DUE + 3600, runs=False, overlapped=True)


@pytest.mark.parametrize("status", [None, *[one for one in JobStatus if one.final]])
def test_a_run_is_made_when_the_last_one_is_over(status):
    turn = turn_of(a_schedule(last_status=status), DUE)

    assert turn is not None
    assert turn.runs


def test_runs_may_overlap_where_that_is_asked_for():
    spec = replace(HOURLY, overlap=Overlap.RUN)
    turn = turn_of(a_schedule(spec, last_status=JobStatus.RUNNING), DUE)

    assert turn is not None
    assert turn.runs


def test_the_next_look_comes_right_after_the_minute_begins():
    assert wait_s(60.0, 120.0, 0.0) == 60.0
    assert wait_s(60.0, 179.5, 0.0) == 0.5
    assert wait_s(60.0, 179.5, 1.0) == 2.5
    assert wait_s(1.0, 179.5, 1.0) == pytest.approx(0.6)


async def test_a_look_that_fails_is_made_again_and_a_stop_ends_them():
    stop = asyncio.Event()

    class Failing:
        name = "what fails"
        every_s = 0.01
        looks = 0

        async def __call__(self):
            self.looks += 1
            if self.looks == 3:
                stop.set()
            raise StorageError("the database is away")

    failing = Failing()
    async with asyncio.timeout(20):
        await keep_ticking([failing], clock=SystemClock(), stop=stop)

    assert failing.looks == 3
