"""``wiseflow schedules``: researches that are done again and again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import click

from wiseflow.app import Application
from wiseflow.app.services.schedules import Preview, SchedulesService
from wiseflow.cli.context import CommandContext
from wiseflow.cli.display import shorten
from wiseflow.cli.jobs import render_time
from wiseflow.cli.running import with_application
from wiseflow.core.access import LOCAL
from wiseflow.core.configuration import TaskPriority
from wiseflow.core.errors import InvalidInput
from wiseflow.core.jobs import Job
from wiseflow.core.schedules import Missed, Overlap, Schedule, ScheduleSpec

T = TypeVar("T")
SHOWN_RUNS = 5

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group()
def schedules() -> None:
    """Research again and again, by the clock. `wiseflow serve` does what is due."""


@schedules.command("add")
@click.argument("topic")
@click.option("--cron", required=True, help='When: five fields as "0 7 * * MON", or @daily.')
@click.option("--time-zone", default="UTC", show_default=True, help="Of which clock.")
@click.option("--name", default="", help="What to call it; else as the topic.")
@click.option("--collection", help="The collection to look in.")
@click.option("--configuration", default="{}", help="Settings of the research, as JSON.")
@click.option("--tag", "tags", multiple=True, help="A label of its researches; may be repeated.")
@click.option(
    "--priority", type=click.Choice([*TaskPriority]), default=TaskPriority.NORMAL, show_default=True
)
@click.option(
    "--missed",
    type=click.Choice([*Missed]),
    default=Missed.RUN_ONCE,
    show_default=True,
    help="After a standstill.",
)
@click.option(
    "--overlap",
    type=click.Choice([*Overlap]),
    default=Overlap.SKIP,
    show_default=True,
    help="While the last run is not over.",
)
@click.option("--paused", is_flag=True, help="It does not run before `resume`.")
@json_option
@click.pass_obj
def add(context: CommandContext, as_json: bool, **chosen: Any) -> None:
    """Have TOPIC researched again and again."""
    spec = read_spec(chosen)
    added = _with(context, lambda service: service.add(spec))
    click.echo(json_line(added) if as_json else f"{added.schedule_id} added; {due_line(added)}")


@schedules.command("list")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1_000))
@json_option
@click.pass_obj
def list_schedules(context: CommandContext, limit: int, as_json: bool) -> None:
    """List schedules, the newest first."""
    found = _with(context, lambda service: service.schedules(limit=limit))
    if as_json:
        click.echo("".join(f"{json_line(one)}\n" for one in found), nl=False)
    else:
        click.echo(render_list(found))


@schedules.command("show")
@click.argument("wanted", metavar="ID|NAME")
@json_option
@click.pass_obj
def show(context: CommandContext, wanted: str, as_json: bool) -> None:
    """Show one schedule, its next runs and its last ones."""

    async def read(service: SchedulesService) -> tuple[Preview, Sequence[Job]]:
        preview = await service.preview(wanted, count=SHOWN_RUNS)
        return preview, await service.runs(wanted, limit=SHOWN_RUNS)

    preview, runs = _with(context, read)
    click.echo(json_line(preview.schedule) if as_json else render_schedule(preview, runs))


@schedules.command("pause")
@click.argument("wanted", metavar="ID|NAME")
@json_option
@click.pass_obj
def pause(context: CommandContext, wanted: str, as_json: bool) -> None:
    """Have a schedule not run until it is resumed."""
    paused = _with(context, lambda service: service.enable(wanted, enabled=False))
    click.echo(json_line(paused) if as_json else f"{paused.schedule_id} paused")


@schedules.command("resume")
@click.argument("wanted", metavar="ID|NAME")
@json_option
@click.pass_obj
def resume(context: CommandContext, wanted: str, as_json: bool) -> None:
    """Have a schedule run again; what was due meanwhile is not made up for."""
    resumed = _with(context, lambda service: service.enable(wanted, enabled=True))
    told = f"{resumed.schedule_id} resumed; {due_line(resumed)}"
    click.echo(json_line(resumed) if as_json else told)


@schedules.command("delete")
@click.argument("wanted", metavar="ID|NAME")
@json_option
@click.pass_obj
def delete(context: CommandContext, wanted: str, as_json: bool) -> None:
    """Forget a schedule; its researches stay."""
    gone = _with(context, lambda service: service.delete(wanted))
    click.echo(json_line(gone) if as_json else f"{gone.schedule_id} deleted")


@schedules.command("run-now")
@click.argument("wanted", metavar="ID|NAME")
@json_option
@click.pass_obj
def run_now(context: CommandContext, wanted: str, as_json: bool) -> None:
    """Submit a schedule's research now; a server's worker does it."""
    job = _with(context, lambda service: service.run_now(wanted))
    told = json.dumps({"schedule": wanted, "research": job.job_id})
    click.echo(told if as_json else f"{job.job_id} submitted")


def read_spec(chosen: Mapping[str, Any]) -> ScheduleSpec:
    """What the options of ``add`` ask for.

    Raises:
        InvalidInput: the configuration is no JSON object.
    """
    try:
        given = json.loads(chosen["configuration"])
    except ValueError as error:
        raise InvalidInput(f"--configuration is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise InvalidInput("--configuration is no JSON object", cure='Write it as {"name": value}')
    configuration = cast("dict[str, object]", given)
    if chosen["collection"]:
        configuration["collection"] = chosen["collection"]
    return ScheduleSpec(
        name=chosen["name"],
        cron=chosen["cron"],
        time_zone=chosen["time_zone"],
        topic=chosen["topic"],
        configuration=configuration,
        tags=tuple(chosen["tags"]),
        priority=TaskPriority(chosen["priority"]),
        missed=Missed(chosen["missed"]),
        overlap=Overlap(chosen["overlap"]),
        enabled=not chosen["paused"],
    )


def render_list(found: Sequence[Schedule]) -> str:
    """One line a schedule: id, when it is due, its cron expression and time zone, its name."""
    if not found:
        return "There are no schedules."
    return "\n".join(
        f"{one.schedule_id}  {_due(one):<19}  {one.spec.cron} {one.spec.time_zone}  "
        f"{shorten(one.spec.name, 40)}{_trouble(one)}"
        for one in found
    )


def render_schedule(preview: Preview, runs: Sequence[Job]) -> str:
    """A schedule's facts, its next due times, and its last researches."""
    schedule, spec = preview.schedule, preview.schedule.spec
    lines = [
        spec.name,
        f"  id        {schedule.schedule_id}",
        f"  topic     {spec.topic}",
        f"  when      {spec.cron} ({spec.time_zone})",
        f"  missed    {spec.missed} ({schedule.missed} standstills)",
        f"  overlap   {spec.overlap} ({schedule.overlaps} left out)",
        f"  failures  {schedule.failures} in a row",
    ]
    if schedule.error:
        lines.append(f"  error     {schedule.error}")
    lines += [f"  next      {render_time(at)}" for at in preview.runs] or ["  next      paused"]
    lines += [
        f"  run       {render_time(job.created_at)}  {job.job_id}  {job.status}" for job in runs
    ]
    return "\n".join(lines)


def due_line(schedule: Schedule) -> str:
    """When it is due, as a part of a sentence."""
    return "it is paused" if schedule.next_at is None else f"due {render_time(schedule.next_at)}"


def json_line(schedule: Schedule) -> str:
    """A schedule as a JSON object on one line."""
    return json.dumps(dataclasses.asdict(schedule), ensure_ascii=False)


def _due(schedule: Schedule) -> str:
    return "paused" if schedule.next_at is None else render_time(schedule.next_at)


def _trouble(schedule: Schedule) -> str:
    return f"  ({schedule.failures} failures in a row)" if schedule.failures else ""


def _with(context: CommandContext, act: Callable[[SchedulesService], Awaitable[T]]) -> T:
    """What a service gives for who is at this machine."""

    async def body(app: Application) -> T:
        return await act(SchedulesService(app, LOCAL))

    return with_application(context.settings(), body)
