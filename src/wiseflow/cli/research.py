"""``wiseflow research``: topics in, cited reports out, many side by side."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import cast

import click

from wiseflow.app import Application
from wiseflow.cli.announcing import Screen, render_losses
from wiseflow.cli.approving import see_to_approvals
from wiseflow.cli.asked import Asked, ResearchOptions, ask_for, read_options
from wiseflow.cli.context import CommandContext
from wiseflow.cli.display import (
    LEAST_TITLE_WIDTH,
    PLAIN_TITLE_WIDTH,
    Display,
    Left,
    RunView,
    output_width,
    render_ended,
    render_totals,
    shorten,
    show_path,
)
from wiseflow.cli.report import (
    FORMATS,
    SUFFIXES,
    check_folder,
    render_report,
    wants_drawings,
    write_text,
)
from wiseflow.cli.running import with_application
from wiseflow.cli.topics import Topic, batch_name, topics_from_arguments, topics_from_file
from wiseflow.connector.batches import Moment, run_batch
from wiseflow.core.configuration import (
    ACADEMIC_SOURCES,
    ReportLength,
    ResearchMode,
    SearchAPI,
    TaskPriority,
    Unsupported,
)
from wiseflow.core.errors import NotFound
from wiseflow.core.jobs import Event, Job, JobStatus, StopReason
from wiseflow.core.report import Report
from wiseflow.engine.timeline import Timeline
from wiseflow.jobs.submission import Batch, submit_or_resume
from wiseflow.research.estimating import ESTIMATE

EXIT_CODES: dict[StopReason | None, int] = {StopReason.BUDGET: 5, StopReason.TIME_LIMIT: 124}
EXIT_FAILED = 1
# A research that waits for its plan to be approved does what was asked of it.
GONE_WELL = (JobStatus.COMPLETED, JobStatus.AWAITING_APPROVAL)


@click.command()
@click.argument("topics", metavar="TOPIC…", nargs=-1)
@click.option(
    "--topics", "file", type=click.Path(path_type=Path), help="One a line, or JSON Lines."
)
@click.option(
    "--docs", multiple=True, type=click.Path(path_type=Path), help="Research these documents."
)
@click.option("--collection", help="Research a collection that `wiseflow index` made.")
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in ResearchMode]),
    default="linear",
    show_default=True,
    help="Once through; from question to question; or with a critic.",
)
@click.option(
    "--depth",
    type=click.IntRange(1, 10),
    help="How often a finding may lead to a new question. Default: 2.",
)
@click.option(
    "--length",
    type=click.Choice([one.value for one in ReportLength]),
    help="How long reports may get.",
)
@click.option("--drawings", is_flag=True, help="Draw names, years and the run, in HTML reports.")
@click.option(
    "--unsupported",
    type=click.Choice([one.value for one in Unsupported]),
    help="Mark or drop sentences that what they cite does not support. Default: mark.",
)
@click.option("--language", help="Language of the report, two letters (ISO 639-1).")
@click.option(
    "--queries", "number_of_queries", type=click.IntRange(1, 10), help="For each section."
)
@click.option(
    "--model", metavar="PROVIDER:MODEL", help="Who writes; or `extractive`, for no model."
)
@click.option(
    "--search",
    type=click.Choice([one.value for one in SearchAPI]),
    help="Who searches; by default the first that is set up, or your own documents. With --docs or "
    "--collection both are searched.",
)
@click.option("--academic", is_flag=True, help="Ask the indexes of papers, too.")
@click.option(
    "--academic-source",
    "academic_sources",
    multiple=True,
    type=click.Choice([one.value for one in ACADEMIC_SOURCES]),
    help="Ask this index of papers, too; may be given several times.",
)
@click.option(
    "--time-range",
    metavar="RANGE",
    help="When what is found was published: 2020-01-01..2024-12-31, 2020.., 5y, 6m, 2w, 30d.",
)
@click.option(
    "--max-cost",
    type=click.FloatRange(0, min_open=True),
    metavar="USD",
    help="What a research may spend; it ends with what it has by then.",
)
@click.option(
    "--max-tokens", type=click.IntRange(1), help="Tokens of models that a research may use."
)
@click.option("--time-limit", type=click.FloatRange(0, min_open=True), help="Seconds a research.")
@click.option("--parallel", type=click.IntRange(1, 1000), help="How many researches side by side.")
@click.option(
    "--priority", type=click.Choice([one.value for one in TaskPriority]), default="normal"
)
@click.option(
    "--follow-up", metavar="ID", help="Build on this research: its sources are searched first."
)
@click.option("--plan-first", is_flag=True, help="Show the plan, and wait until it is approved.")
@click.option("--tag", "tags", multiple=True, help="A label, to find the researches by.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write reports here.")
@click.option(
    "--timeline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what ran when as a trace, for ui.perfetto.dev or chrome://tracing.",
)
@click.option("--local-only", is_flag=True, help="Send nothing to another machine.")
@click.option("--json", "as_json", is_flag=True, help="Each report as one JSON object and line.")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
@click.pass_context
def research(
    click_context: click.Context,
    topics: tuple[str, ...],
    file: Path | None,
    parallel: int | None,
    timeline: Path | None,
    local_only: bool,
    quiet: bool,
    **chosen: object,
) -> None:
    """Research topics on the web or over documents; each ends in a report with checked citations.

    The same command typed again after a stop goes on where it stopped.
    """
    asked = topics_from_arguments(topics) + (topics_from_file(file) if file else [])
    if not asked:
        raise click.UsageError("give a TOPIC, or a file of them with --topics")
    context: CommandContext = click_context.obj
    settings = context.settings(
        max_concurrent_research=None if parallel is None else str(parallel),
        local_only="true" if local_only else None,
    )
    options, screen = read_options(chosen), Screen(Display(quiet=quiet))

    async def act(app: Application) -> Sequence[Job]:
        return await run_command(app, asked, options, screen)

    if timeline:
        check_folder(timeline.parent)
    told = Timeline() if timeline else None
    try:
        jobs = with_application(settings, act, on_task=told, on_news=screen.on_news)
        go_on = partial(
            run_and_hand_over, out=options.out, display=screen.display, as_json=options.as_json
        )
        jobs = see_to_approvals(settings, jobs, go_on, screen.display, on_news=screen.on_news)
    finally:  # a stop, too, is worth to be looked at
        if timeline and told:
            write_text(timeline, told.trace())
    click_context.exit(exit_code(jobs))


async def run_command(
    app: Application, topics: Sequence[Topic], options: ResearchOptions, screen: Screen
) -> Sequence[Job]:
    """Index what was named, run the topics, and hand over their reports; the jobs as they ended."""
    display = screen.display
    # What is wrong with a topic is said before any document is read.
    asked = await ask_for(app, topics, options)
    if options.out:
        check_folder(options.out)
    screen.announce(app, asked)
    for configuration in asked.configurations:
        app.warm(configuration)
    if options.docs:
        await ingest(app, options, display)
    await check_collections(app, asked)
    name = batch_name(topics, options.asked())
    batch = await submit_or_resume(app.queue, asked.requests, name=name)
    if batch.resumed:
        display.say(f"Going on with {len(batch.job_ids)} researches of the same command.")
    return await run_and_hand_over(app, batch, options.out, display, as_json=options.as_json)


async def ingest(app: Application, options: ResearchOptions, display: Display) -> None:
    """Read the documents that were named, and say which could not be read."""
    collection = app.collection_for(options.docs)
    with display:
        done = await app.ingest(options.docs, collection=collection, progress=display.show_reading)
    for path, reason in done.failed:
        display.say(f"not read: {show_path(path)}: {reason}")


async def check_collections(app: Application, asked: Asked) -> None:
    """Refuse topics of a collection that does not exist, before any of them is submitted.

    Raises:
        NotFound: there is no such collection.
    """
    known = {found.name for found in await app.collections()}
    for name, place in asked.collections.items():
        if name not in known:
            raise NotFound(
                f"{place}: there is no collection {name!r}",
                cure="Name documents with --docs, index some with "
                f"`wiseflow index PATH… --collection {name}`, or search the web with --search",
            )


async def run_and_hand_over(
    app: Application, batch: Batch, out: Path | None, display: Display, *, as_json: bool = False
) -> Sequence[Job]:
    """Run a batch, write or print each report as it is ready, and mark the batch as handed over.

    With one research and nowhere to write, its report is printed as Markdown. A research that is to
    be approved first is handed over when the same batch is run again after that.
    """
    handover = _Handover(app, batch, out, display, as_json=as_json)
    try:
        with display:
            await run_batch(app, batch, handover, parallel=app.max_concurrent_research)
    except BaseException:  # cancellation too: the reader is told how to go on, and it goes up
        display.say(render_interrupted(batch, len(handover.jobs)))
        raise
    await handover.finish()
    ended = [job.job_id for job in handover.jobs]
    await app.queue.mark_delivered(ended)
    waiting = sorted(set(batch.job_ids).difference(ended))
    return [*handover.jobs, *[await app.queue.get(job_id) for job_id in waiting]]


class _Handover:
    """Shows a batch on the display and hands over its reports."""

    def __init__(
        self, app: Application, batch: Batch, out: Path | None, display: Display, *, as_json: bool
    ) -> None:
        self.jobs: list[Job] = []
        self._app = app
        self._batch = batch
        self._out = out
        self._display = display
        self._as_json = as_json
        self._notes: dict[str, str] = {}
        self._sources: Counter[str] = Counter()
        self._left: dict[str, Left] = {}
        self._elapsed_s = 0.0

    @property
    def details(self) -> bool:
        """Events are read for the live screen only."""
        return self._display.live

    async def ended(self, job: Job) -> None:
        """Write the report, and say that the research has ended."""
        if job.status is JobStatus.COMPLETED and (self._as_json or self._out):
            report = await self._app.report(job.job_id)
            # Beside the loop: a reader that is slow to take it must not hold up what runs.
            await asyncio.to_thread(self._hand_over, job, report)
        # Only now: who stops the command meanwhile is told of as many as were handed over.
        self.jobs.append(job)
        number, total = len(self.jobs), len(self._batch.job_ids)
        self._display.say(render_ended(job, number, total, self._display.width))
        if job.partial and job.status is JobStatus.COMPLETED:
            for line in render_losses((await self._app.report(job.job_id)).facts.lost):
                self._display.say(line)

    def moment(self, moment: Moment) -> None:
        """Draw what runs."""
        self._elapsed_s = moment.elapsed_s
        for job_id, events in moment.events.items():
            for event in events:
                if event.type == ESTIMATE:
                    self._left[job_id] = left_in(event)
                    continue
                self._notes[job_id] = render_note(event)
                self._sources[job_id] += sources_in(event)
        self._display.show(self._view(moment.running))

    async def finish(self) -> None:
        """Say the totals, and print the only report of a batch of one."""
        self._display.say(render_totals(self._view(())))
        if len(self._batch.job_ids) == len(self.jobs) == 1 and not self._as_json and not self._out:
            [job] = self.jobs
            if job.status is JobStatus.COMPLETED:
                click.echo(render_report(await self._app.report(job.job_id), "markdown"))
        elif self._out:
            self._display.say(f"Reports are in {self._out}/")
        elif self.jobs and not self._as_json:
            for job in self.jobs:
                click.echo(render_result(job, output_width()))
            self._display.say("Read one with `wiseflow report ID`.")

    def _holding(self, running: Sequence[Job]) -> str:
        """The limit that holds work back, or ""."""
        room, settings = self._app.tasks.room, self._app.settings
        if room is not None and room.held:
            return f"MAX_MEMORY_PERCENT={settings.max_memory_percent:g}"
        parallel = self._app.max_concurrent_research
        return f"MAX_CONCURRENT_RESEARCH={parallel}" if len(running) >= parallel else ""

    def _view(self, running: Sequence[Job]) -> RunView:
        return RunView(
            total=len(self._batch.job_ids),
            ended=Counter(job.status for job in self.jobs),
            running=running,
            notes=self._notes,
            sources=self._sources,
            left=self._left,
            elapsed_s=self._elapsed_s,
            spent=self._app.spent(),
            holding=self._holding(running),
        )

    def _hand_over(self, job: Job, report: Report) -> None:
        if self._as_json:
            text = render_report(report, "json")
            click.echo(json.dumps(json.loads(text), ensure_ascii=False))
        if self._out:
            for form in FORMATS:
                name = file_name(self._batch, job) + SUFFIXES[form]
                text = render_report(report, form, drawings=wants_drawings(job))
                write_text(self._out / name, text)


def file_name(batch: Batch, job: Job) -> str:
    """A report's file name: its number in the batch, and its topic in plain letters."""
    kept = "".join(character if character.isalnum() else " " for character in job.title.lower())
    topic = "-".join(kept.split())[:60].strip("-") or "report"
    width = len(str(len(batch.job_ids)))
    number = batch.job_ids.index(job.job_id) + 1
    return f"{number:0{width}}-{topic}" if len(batch.job_ids) > 1 else topic


def render_result(job: Job, width: int | None) -> str:
    """Id, status and title of a research on one line, in ``width`` cells where it is known."""
    line = f"{job.job_id}  {job.status:<9}  "
    left = PLAIN_TITLE_WIDTH if width is None else max(LEAST_TITLE_WIDTH, width - len(line))
    return line + shorten(job.title, left)


def render_note(event: Event) -> str:
    """An event of a running research as a few words."""
    named = event.data.get("title") or event.data.get("query") or event.data.get("section") or ""
    return shorten(f"{event.type} {named}", 40)


def sources_in(event: Event) -> int:
    """How many sources an event tells of."""
    found = event.data.get("sources")
    return len(cast("list[object]", found)) if isinstance(found, list) else 0


def left_in(event: Event) -> Left:
    """What an estimate tells."""
    seconds, low_s, high_s = (
        float(cast("float", event.data[name])) for name in ("remaining_s", "low_s", "high_s")
    )
    return Left(seconds=seconds, low_s=low_s, high_s=high_s)


def render_interrupted(batch: Batch, ended: int) -> str:
    """What was kept, and how to go on."""
    return (
        f"Stopped with {ended} of {len(batch.job_ids)} researches ended; finished steps are kept. "
        "Go on: type the same command again, or `wiseflow jobs resume --all`."
    )


def exit_code(jobs: Sequence[Job]) -> int:
    """0 when none has failed; otherwise what stopped them: budget 5, time limit 124, else 1."""
    failed = [job for job in jobs if job.status not in GONE_WELL]
    if not failed:
        return 0
    codes = {EXIT_CODES.get(job.stop_reason, EXIT_FAILED) for job in failed}
    return codes.pop() if len(codes) == 1 else EXIT_FAILED
