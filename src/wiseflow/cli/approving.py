"""What a command does about researches whose plans are to be approved: asks, or says how.

Questions are asked while no application is open: a prompt would hold up its event loop, and Ctrl-C
then stops the command as anywhere else.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import click

from wiseflow.app import Application
from wiseflow.cli.display import Display
from wiseflow.cli.plans import edited, render_plan
from wiseflow.cli.running import with_application
from wiseflow.core.authoring import Plan
from wiseflow.core.errors import InvalidInput
from wiseflow.core.jobs import Job, JobStatus
from wiseflow.core.news import OnNews
from wiseflow.jobs.submission import Batch
from wiseflow.research.asking import from_payload
from wiseflow.research.plans import plan_from_json, plan_to_json
from wiseflow.settings.loading import Settings

RunBatch = Callable[[Application, Batch], Awaitable[Sequence[Job]]]


class Choice(StrEnum):
    """What a person does about a plan."""

    APPROVE = "approve"
    EDIT = "edit"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A research that awaits approval, and its plan."""

    job: Job
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person decided; without a plan, the research is cancelled."""

    job_id: str
    plan: Plan | None


def see_to_approvals(
    settings: Settings, jobs: Sequence[Job], run: RunBatch, display: Display, *, on_news: OnNews
) -> Sequence[Job]:
    """The jobs as they are in the end: those that await approval were asked about, and went on.

    Where nobody can be asked, they stay as they are, and how to approve them is said.

    Args:
        settings: what holds.
        jobs: that a command has run.
        run: runs a batch of them.
        display: where it is said.
        on_news: see ``with_application``.

    Raises:
        KeyboardInterrupt: the person stopped the command; what is undecided still waits.
    """
    waiting = [job for job in jobs if job.status is JobStatus.AWAITING_APPROVAL]
    if not waiting:
        return jobs
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        for job in waiting:
            display.say(render_waiting(job))
        return jobs
    proposed = with_application(settings, lambda app: _proposed(app, waiting))
    decisions = [ask_about(one) for one in proposed]
    # Under its name, so that the same command typed again after a stop still goes on with it.
    batch = Batch(name=waiting[0].batch, job_ids=tuple(job.job_id for job in waiting), resumed=True)

    async def go_on(app: Application) -> Sequence[Job]:
        await carry_out(app, decisions)
        return await run(app, batch)

    ended = {job.job_id: job for job in with_application(settings, go_on, on_news=on_news)}
    return [ended.get(job.job_id, job) for job in jobs]


def render_waiting(job: Job) -> str:
    """That a research waits, and what to do about it."""
    return (
        f"{job.job_id} awaits approval of its plan. See it with `wiseflow jobs plan {job.job_id}`; "
        f"then `wiseflow jobs approve {job.job_id}` (with --edit or --plan FILE to change it), or "
        f"`wiseflow jobs cancel {job.job_id}`. After that, the same command goes on."
    )


def ask_about(proposed: Proposed) -> Decision:
    """What a person at the terminal decides about a plan, which may be edited first."""
    plan = proposed.plan
    click.echo(f"\n{render_plan(plan)}", err=True)
    while True:
        answer = click.prompt(
            "Approve this plan?",
            type=click.Choice([str(one) for one in Choice], case_sensitive=False),
            default=str(Choice.APPROVE),
            err=True,
        )
        match Choice(answer):
            case Choice.APPROVE:
                return Decision(job_id=proposed.job.job_id, plan=plan)
            case Choice.CANCEL:
                return Decision(job_id=proposed.job.job_id, plan=None)
            case Choice.EDIT:
                plan = _changed(proposed.job, plan)
                click.echo(f"\n{render_plan(plan)}", err=True)


async def carry_out(app: Application, decisions: Sequence[Decision]) -> None:
    """Approve or cancel researches."""
    for decision in decisions:
        if decision.plan is None:
            await app.queue.cancel(decision.job_id)
        else:
            await app.approve(decision.job_id, plan_to_json(decision.plan))


async def _proposed(app: Application, jobs: Sequence[Job]) -> list[Proposed]:
    return [Proposed(job=job, plan=await app.plan_of(job.job_id)) for job in jobs]


def _changed(job: Job, plan: Plan) -> Plan:
    """The plan as it was edited; the one before when nothing was saved or it cannot be used."""
    most = from_payload(job.payload).configuration.number_of_queries
    try:
        given = edited(render_plan(plan))
        return plan if given is None else plan_from_json(given, most_queries=most)
    except InvalidInput as error:
        click.echo(f"Not taken: {error}", err=True)
        return plan
