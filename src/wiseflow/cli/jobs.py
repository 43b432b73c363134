"""``wiseflow jobs``: what there is, what it does, and stopping, resuming and erasing it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from wiseflow.app import Application
from wiseflow.cli.context import CommandContext
from wiseflow.cli.display import (
    LEAST_TITLE_WIDTH,
    PLAIN_TITLE_WIDTH,
    output_width,
    render_bar,
    render_duration,
    shorten,
)
from wiseflow.cli.plans import approve, plan
from wiseflow.cli.resuming import rerun, resume
from wiseflow.cli.running import with_application
from wiseflow.core.errors import InvalidInput
from wiseflow.core.jobs import Event, Job, JobFilter, JobStatus
from wiseflow.research.handler import KIND

MOST_LISTED = 10_000


@click.group()
def jobs() -> None:
    """List, watch, approve, cancel, resume and delete researches."""


jobs.add_command(resume)
jobs.add_command(rerun)
jobs.add_command(plan)
jobs.add_command(approve)


@jobs.command("list")
@click.option(
    "--status", "statuses", multiple=True, type=click.Choice([one.value for one in JobStatus])
)
@click.option("--tag", default="", help="Only those with this label.")
@click.option("--since", default="", help="Created at or after this time (ISO 8601).")
@click.option("--until", default="", help="Created before this time (ISO 8601).")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, MOST_LISTED))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def list_jobs(
    context: CommandContext,
    statuses: tuple[str, ...],
    tag: str,
    since: str,
    until: str,
    limit: int,
    as_json: bool,
) -> None:
    """List researches, the newest first."""
    job_filter = JobFilter(
        statuses=tuple(JobStatus(status) for status in statuses),
        kind=KIND,
        tag=tag,
        since=parse_time(since, "--since"),
        until=parse_time(until, "--until"),
        limit=limit,
    )
    found = with_application(context.settings(), lambda app: app.queue.list(job_filter))
    if found or not as_json:
        click.echo(render_json_lines(found) if as_json else render_list(found, output_width()))


@jobs.command("show")
@click.argument("job_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def show(context: CommandContext, job_id: str, as_json: bool) -> None:
    """Show one research: its state, times, error and last events. ID may be shortened."""

    async def read(app: Application) -> tuple[Job, list[Event]]:
        job = await app.job(job_id)
        return job, await app.events.events(job.job_id)

    job, events = with_application(context.settings(), read)
    click.echo(render_json_lines([job]) if as_json else render_job(job, events))


@jobs.command("watch")
@click.argument("job_id", metavar="ID")
@click.option("--after", default=0, help="Begin after this event number.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def watch(context: CommandContext, job_id: str, after: int, as_json: bool) -> None:
    """Print what happens to a research until it has ended."""

    async def follow(app: Application) -> None:
        async for event in app.follow_events(await app.find_job(job_id), after=after):
            click.echo(json_event(event) if as_json else render_event(event))

    with_application(context.settings(), follow)


@jobs.command("cancel")
@click.argument("job_ids", metavar="ID…", nargs=-1, required=True)
@click.pass_obj
def cancel(context: CommandContext, job_ids: tuple[str, ...]) -> None:
    """Cancel researches: waiting ones at once, running ones at their next step."""

    async def act(app: Application) -> list[Job]:
        return [await app.queue.cancel(await app.find_job(job_id)) for job_id in job_ids]

    for job in with_application(context.settings(), act):
        state = "cancelled" if job.status is JobStatus.CANCELLED else "asked to stop"
        click.echo(f"{job.job_id} {state}")


@jobs.command("delete")
@click.argument("job_ids", metavar="ID…", nargs=-1, required=True)
@click.pass_obj
def delete(context: CommandContext, job_ids: tuple[str, ...]) -> None:
    """Erase researches: report, journal and events. Copies in backups and --out folders remain."""

    async def act(app: Application) -> list[str]:
        ids = [await app.find_job(job_id) for job_id in job_ids]
        for job_id in ids:
            await app.follow_ups.delete(job_id)
        return ids

    for job_id in with_application(context.settings(), act):
        click.echo(f"{job_id} deleted (copies in backups and in --out folders remain)")


def parse_time(text: str, option: str) -> float | None:
    """Seconds since the epoch of an ISO 8601 time, or ``None`` for "".

    A time without a zone is in this machine's.

    Raises:
        InvalidInput: it is not one.
    """
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except ValueError:
        raise InvalidInput(
            f"{option} {text!r} is not a time", cure="Write it as 2026-01-31 or 2026-01-31T12:00"
        ) from None


def render_list(found: Sequence[Job], width: int | None = None) -> str:
    """One line a job: id, status, progress, when it was created (to the minute), title.

    Args:
        found: the jobs.
        width: of the terminal in cells; ``None`` for lines that nobody has to fit anywhere.
    """
    if not found:
        return "No researches match."
    return "\n".join(_listed(job, width) for job in found)


def _listed(job: Job, width: int | None) -> str:
    created = render_time(job.created_at).rpartition(":")[0]
    line = f"{job.job_id}  {job.status:<9} {job.progress:>4.0%}  {created}  "
    left = PLAIN_TITLE_WIDTH if width is None else max(LEAST_TITLE_WIDTH, width - len(line))
    return line + shorten(job.title, left)


def render_job(job: Job, events: Sequence[Event]) -> str:
    """A job's facts, then its last events."""
    lines = [
        f"{job.title}",
        f"  id        {job.job_id}",
        f"  status    {job.status}"
        + (" (partial)" if job.partial else "")
        + (f", stopped by {job.stop_reason}" if job.stop_reason else ""),
        f"  progress  {render_bar(job.progress)} {job.progress:.0%}",
        f"  priority  {job.priority}",
        f"  created   {render_time(job.created_at)}",
    ]
    if job.started_at is not None:
        lines.append(f"  started   {render_time(job.started_at)} (attempt {job.attempt})")
    if job.started_at is not None and job.completed_at is not None:
        took = render_duration(job.completed_at - job.started_at)
        lines.append(f"  ended     {render_time(job.completed_at)} after {took}")
    if job.tags:
        lines.append(f"  tags      {', '.join(job.tags)}")
    if job.error:
        lines.append(f"  error     {job.error}")
    lines.extend(["", *(render_event(event) for event in events[-10:])])
    return "\n".join(lines)


def render_event(event: Event) -> str:
    """One event on one line."""
    data = ", ".join(f"{name}={shorten(str(value), 60)}" for name, value in event.data.items())
    return f"{event.number:>5}  {render_time(event.at)}  {event.type:<12} {data}"


def json_event(event: Event) -> str:
    """One event as a JSON object on one line."""
    return json.dumps(dataclasses.asdict(event), ensure_ascii=False)


def render_json_lines(found: Sequence[Job]) -> str:
    """One JSON object a job and line."""
    return "\n".join(json.dumps(dataclasses.asdict(job), ensure_ascii=False) for job in found)


def render_time(at: float) -> str:
    """Seconds since the epoch as a local time of day and date."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
