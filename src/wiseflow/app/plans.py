"""The plans of researches: shown, and approved as they are or changed."""

from __future__ import annotations

from wiseflow.core.authoring import Plan
from wiseflow.core.jobs import Job
from wiseflow.core.ports import JobQueue, StepStore
from wiseflow.core.transitions import Move, after
from wiseflow.research.approving import approval_of, plan_in
from wiseflow.research.asking import from_payload
from wiseflow.research.plans import plan_from_json, within


class Plans:
    """Reads and approves plans.

    Args:
        queue: where the researches are.
        steps: where their journals are.
    """

    def __init__(self, queue: JobQueue, steps: StepStore) -> None:
        self._queue = queue
        self._steps = steps

    async def plan_of(self, job_id: str) -> Plan:
        """The plan that a research works on, or is to work on, with the queries it will ask.

        Raises:
            NotFound: there is no such research, or it has no plan yet.
        """
        question = from_payload((await self._queue.get(job_id)).payload)
        plan = plan_in(job_id, await self._steps.steps(job_id))
        return within(plan, question.configuration.number_of_queries)

    async def approve(self, job_id: str, plan: object = None) -> Job:
        """The research, pending again; whoever runs it next works on the approved plan.

        Args:
            job_id: of the research.
            plan: to work on, as the JSON values that ``plan_to_json`` gives; the one that was made
                when ``None``.

        Raises:
            NotFound: there is no such research.
            IllegalTransition: it does not await approval.
            InvalidInput: something of the plan cannot be used; its place is named.
        """
        job = await self._queue.get(job_id)
        after(job_id, job.status, Move.APPROVE)
        made = await self.plan_of(job_id)
        most = from_payload(job.payload).configuration.number_of_queries
        chosen = made if plan is None else plan_from_json(plan, most_queries=most)
        return await self._queue.approve(job_id, approval_of(chosen, edited=chosen != made))
