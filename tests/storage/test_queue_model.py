"""The queue walked together with a model of dicts."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import IllegalTransition, LeaseLost, NotFound
from wiseflow.core.jobs import (
    Approval,
    JobFilter,
    JobRequest,
    JobStatus,
    Lease,
    Outcome,
    StopReason,
)
from wiseflow.storage.sql.jobs import SqlJobQueue
from wiseflow.storage.sql.schema import open_database

S = JobStatus
GO_ON = Approval(step_key="plan/approved", result="{}")


class QueueMachine(RuleBasedStateMachine):
    """Every rule does a thing to the queue and to the model, and compares what both say."""

    jobs = Bundle("jobs")
    leases = Bundle("leases")

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        url = f"sqlite:///{Path(self.folder.name)}/x.db"
        self.database = self.run(open_database(url))
        # So long an ageing that priority alone decides, then the order of submission.
        self.queue = SqlJobQueue(self.database, ageing_s=1e6)
        self.model: dict[str, dict[str, Any]] = {}
        self.turns = itertools.count()

    def run(self, call):
        return self.runner.run(call)

    def teardown(self):
        self.run(self.database.close())
        self.runner.close()
        self.folder.cleanup()

    def holds(self, lease: Lease) -> bool:
        row = self.model.get(lease.job_id)
        return row is not None and row["status"] is S.RUNNING and row["token"] == lease.token

    def as_worker(self, lease: Lease, call, change):
        """A worker's write: done if the model says it holds the lease, refused otherwise."""
        if self.holds(lease):
            self.run(call)
            self.model[lease.job_id].update(change)
        else:
            with pytest.raises(LeaseLost):
                self.run(call)

    def legally(self, job_id: str, allowed: set[JobStatus], call) -> bool:
        """Whether the model allows the call, which is made and must agree."""
        row = self.model.get(job_id)
        if row is not None and row["status"] in allowed:
            self.run(call)
            return True
        with pytest.raises(NotFound if row is None else IllegalTransition):
            self.run(call)
        return False

    @rule(target=jobs, priority=st.sampled_from(TaskPriority), max_attempts=st.integers(1, 2))
    def submit(self, priority, max_attempts):
        request = JobRequest(kind="k", payload={}, priority=priority, max_attempts=max_attempts)
        (job_id,) = self.run(self.queue.submit([request]))
        self.model[job_id] = {
            "status": S.PENDING,
            "rank": priority.rank,
            "max": max_attempts,
            "attempt": 0,
            "token": 0,
            "asked": False,
            "expired": False,
            "turn": next(self.turns),
        }
        return job_id

    @rule(target=leases, lease_s=st.sampled_from([0.0, 1000.0]))
    def claim(self, lease_s):
        found = self.run(self.queue.claim("o", lease_s=lease_s, limit=1, kinds=["k"]))
        expected = self.claim_in_model(expired=lease_s == 0.0)
        if expected is None:
            assert found == []
            return Lease(job_id="nobody", owner="o", token=1)
        ((job, lease),) = found
        row = self.model[expected]
        assert (job.job_id, lease.token) == (expected, row["token"])
        assert job.attempt == row["attempt"]
        return lease

    def claim_in_model(self, *, expired: bool) -> str | None:
        def turn(job_id: str):
            return self.model[job_id]["rank"], self.model[job_id]["turn"]

        for job_id in sorted(self.model, key=turn):
            row = self.model[job_id]
            if not (row["status"] is S.PENDING or (row["status"] is S.RUNNING and row["expired"])):
                continue
            row["token"] += 1
            if row["asked"] or row["attempt"] >= row["max"]:
                row["status"] = S.CANCELLED if row["asked"] else S.FAILED
                continue
            row.update(status=S.RUNNING, attempt=row["attempt"] + 1, expired=expired)
            return job_id
        return None

    @rule(lease=leases, status=st.sampled_from([S.COMPLETED, S.FAILED, S.AWAITING_APPROVAL]))
    def finish(self, lease, status):
        asked = self.model.get(lease.job_id, {}).get("asked")
        ended = S.CANCELLED if asked and status is S.AWAITING_APPROVAL else status
        call = self.queue.finish(lease, Outcome(status=status))
        self.as_worker(lease, call, {"status": ended})

    @rule(lease=leases)
    def release(self, lease):
        row = self.model.get(lease.job_id, {})
        status = S.CANCELLED if row.get("asked") else S.PENDING
        call = self.queue.release(lease, StopReason.INTERRUPTED)
        change = {"status": status, "attempt": row.get("attempt", 0) - 1}
        self.as_worker(lease, call, change)

    @rule(lease=leases)
    def retry(self, lease):
        row = self.model.get(lease.job_id, {})
        status = S.CANCELLED if row.get("asked") else S.PENDING
        self.as_worker(lease, self.queue.retry(lease, "x"), {"status": status})

    @rule(lease=leases)
    def heartbeat(self, lease):
        wrong = self.run(self.queue.heartbeat([lease], lease_s=1000.0))

        if not self.holds(lease):
            assert wrong == {lease.job_id: "lost"}
            return
        row = self.model[lease.job_id]
        row["expired"] = False
        assert wrong == ({lease.job_id: "cancelled"} if row["asked"] else {})

    @rule()
    def expire(self):
        live = [r for r in self.model.values() if r["status"] is S.RUNNING and not r["expired"]]
        assert self.run(self.queue.expire("o")) == len(live)
        for row in live:
            row["expired"] = True

    @rule(job_id=jobs)
    def cancel(self, job_id):
        allowed = {S.PENDING, S.RUNNING, S.AWAITING_APPROVAL}
        if self.legally(job_id, allowed, self.queue.cancel(job_id)):
            row = self.model[job_id]
            if row["status"] is S.RUNNING and not row["expired"]:
                row["asked"] = True
            else:
                row.update(status=S.CANCELLED, token=row["token"] + 1, asked=False)

    @rule(job_id=jobs)
    def resume(self, job_id):
        allowed = {S.PENDING, S.RUNNING, S.FAILED, S.CANCELLED}
        resumed = self.legally(job_id, allowed, self.queue.resume(job_id))
        if resumed and self.model[job_id]["status"] in {S.FAILED, S.CANCELLED}:
            self.make_pending(job_id)

    @rule(job_id=jobs)
    def approve(self, job_id):
        if self.legally(job_id, {S.AWAITING_APPROVAL}, self.queue.approve(job_id, GO_ON)):
            self.make_pending(job_id)

    def make_pending(self, job_id: str):
        turn = next(self.turns)
        self.model[job_id].update(status=S.PENDING, attempt=0, asked=False, turn=turn)

    @rule(job_id=jobs)
    def delete(self, job_id):
        if self.legally(job_id, set(S) - {S.RUNNING}, self.queue.delete(job_id)):
            del self.model[job_id]

    @invariant()
    def both_say_the_same(self):
        listed = self.run(self.queue.list(JobFilter()))
        assert {job.job_id: (job.status, job.attempt, job.lease_token) for job in listed} == {
            job_id: (row["status"], row["attempt"], row["token"])
            for job_id, row in self.model.items()
        }
        assert all(job.attempt <= job.max_attempts for job in listed)
        assert all((job.lease_owner == "o") == (job.status is S.RUNNING) for job in listed)


QueueMachine.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestQueueAgainstItsModel = QueueMachine.TestCase
