"""``wiseflow jobs resume`` and ``rerun``: go on with researches, or begin them anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import click

from wiseflow.app import Application
from wiseflow.cli.announcing import Screen
from wiseflow.cli.approving import see_to_approvals
from wiseflow.cli.context import CommandContext
from wiseflow.cli.display import Display
from wiseflow.cli.research import exit_code, run_and_hand_over
from wiseflow.cli.running import with_application
from wiseflow.core.ids import new_id
from wiseflow.core.jobs import Job, JobFilter, JobRequest, JobStatus
from wiseflow.jobs.submission import Batch, submit_or_resume

MOST_RESUMED = 10_000

out_option = click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Write reports here."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Each report as one JSON object and line."
)
parallel_option = click.option(
    "--parallel", type=click.IntRange(1, 1000), help="How many researches side by side."
)


@click.command()
@click.argument("job_ids", metavar="ID…", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that were interrupted.")
@parallel_option
@out_option
@json_option
@click.pass_context
def resume(
    click_context: click.Context,
    job_ids: tuple[str, ...],
    everything: bool,
    parallel: int | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Go on with interrupted, failed or cancelled researches; their finished steps are kept."""
    if everything == bool(job_ids):
        raise click.UsageError("give the IDs of researches, or --all")

    async def batch_of(app: Application) -> Batch:
        return await resumed_batch(app, job_ids)

    _run(click_context, batch_of, parallel=parallel, out=out, as_json=as_json)


@click.command()
@click.argument("job_ids", metavar="ID…", nargs=-1, required=True)
@parallel_option
@out_option
@json_option
@click.pass_context
def rerun(
    click_context: click.Context,
    job_ids: tuple[str, ...],
    parallel: int | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Begin new researches on the topics of old ones, with the same settings; nothing is kept."""

    async def batch_of(app: Application) -> Batch:
        olds = [await app.job(job_id) for job_id in job_ids]
        requests = [request_again(old) for old in olds]
        return await submit_or_resume(app.queue, requests, name=f"rerun-{new_id()}")

    _run(click_context, batch_of, parallel=parallel, out=out, as_json=as_json)


def _run(
    click_context: click.Context,
    batch_of: Callable[[Application], Awaitable[Batch]],
    *,
    parallel: int | None,
    out: Path | None,
    as_json: bool,
) -> None:
    context: CommandContext = click_context.obj
    settings = context.settings(max_concurrent_research=None if parallel is None else str(parallel))

    screen = Screen(Display())

    async def act(app: Application) -> Sequence[Job]:
        batch = await batch_of(app)
        if not batch.job_ids:
            click.echo("There is nothing to go on with.", err=True)
            return []
        return await run_and_hand_over(app, batch, out, screen.display, as_json=as_json)

    jobs = with_application(settings, act, on_news=screen.on_news)
    go_on = partial(run_and_hand_over, out=out, display=screen.display, as_json=as_json)
    jobs = see_to_approvals(settings, jobs, go_on, screen.display, on_news=screen.on_news)
    click_context.exit(exit_code(jobs))


async def resumed_batch(app: Application, job_ids: Sequence[str]) -> Batch:
    """A batch of its own for these researches, pending again; for all interrupted ones when none.

    Raises:
        NotFound: there is no such research.
        IllegalTransition: one of them is completed.
    """
    if job_ids:
        chosen = [(await app.queue.resume(await app.find_job(one))).job_id for one in job_ids]
    else:
        waiting = (JobStatus.PENDING, JobStatus.RUNNING)
        found = await app.queue.list(JobFilter(statuses=waiting, limit=MOST_RESUMED))
        chosen = [job.job_id for job in found]
    batch = Batch(name=f"resume-{new_id()}", job_ids=tuple(sorted(set(chosen))), resumed=True)
    await app.queue.regroup(batch.job_ids, batch.name)
    return batch


def request_again(job: Job) -> JobRequest:
    """A request like the one that made a job."""
    return JobRequest(
        kind=job.kind,
        payload=job.payload,
        title=job.title,
        priority=job.priority,
        tags=job.tags,
        metadata=job.metadata,
        max_attempts=job.max_attempts,
    )
