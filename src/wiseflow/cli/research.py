"""``wiseflow research``: topics in, cited reports out, many side by side."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import click

from wiseflow.app import Application
from wiseflow.cli.context import CommandContext
from wiseflow.cli.display import (
    LEAST_TITLE_WIDTH,
    PLAIN_TITLE_WIDTH,
    Display,
    RunView,
    output_width,
    render_ended,
    render_totals,
    shorten,
    show_path,
)
from wiseflow.cli.report import FORMATS, SUFFIXES, check_folder, render_report, write_text
from wiseflow.cli.running import with_application
from wiseflow.cli.topics import Topic, batch_name, topics_from_arguments, topics_from_file
from wiseflow.connector.batches import Moment, run_batch
from wiseflow.core.configuration import ReportLength, ResearchMode, TaskPriority
from wiseflow.core.errors import InvalidInput, NotFound
from wiseflow.core.jobs import Event, Job, JobRequest, JobStatus, StopReason
from wiseflow.core.library import DEFAULT_COLLECTION
from wiseflow.core.report import Report
from wiseflow.engine.timeline import Timeline
from wiseflow.jobs.submission import Batch, submit_or_resume

EXIT_CODES: dict[StopReason | None, int] = {StopReason.BUDGET: 5, StopReason.TIME_LIMIT: 124}
EXIT_FAILED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ResearchOptions:
    """The options of one command."""

    docs: tuple[Path, ...]
    collection: str | None
    configuration: Mapping[str, object]
    priority: str
    tags: tuple[str, ...]
    out: Path | None
    as_json: bool

    def asked(self) -> dict[str, object]:
        """What makes two commands the same command."""
        return {
            "docs": [str(path.resolve()) for path in self.docs],
            "collection": self.collection,
            "configuration": dict(self.configuration),
            "priority": self.priority,
            "tags": self.tags,
            "out": str(self.out.resolve()) if self.out else "",
        }


@click.command()
@click.argument("topics", metavar="TOPIC…", nargs=-1)
@click.option(
    "--topics", "file", type=click.Path(path_type=Path), help="One a line, or JSON Lines."
)
@click.option(
    "--docs", multiple=True, type=click.Path(path_type=Path), help="Research these documents."
)
@click.option("--collection", help="Research a collection that `wiseflow index` made.")
@click.option("--mode", type=click.Choice([ResearchMode.LINEAR.value]), default="linear")
@click.option(
    "--length",
    type=click.Choice([one.value for one in ReportLength]),
    help="How long reports may get.",
)
@click.option("--language", help="Language of the report, two letters (ISO 639-1).")
@click.option(
    "--queries", "number_of_queries", type=click.IntRange(1, 10), help="For each section."
)
@click.option("--time-limit", type=click.FloatRange(0, min_open=True), help="Seconds a research.")
@click.option("--parallel", type=click.IntRange(1, 1000), help="How many researches side by side.")
@click.option(
    "--priority", type=click.Choice([one.value for one in TaskPriority]), default="normal"
)
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
    """Research topics over documents; each ends in a report whose every citation was checked.

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
    options = read_options(chosen)

    async def act(app: Application) -> Sequence[Job]:
        return await run_command(app, asked, options, Display(quiet=quiet))

    if timeline:
        check_folder(timeline.parent)
    told = Timeline() if timeline else None
    try:
        jobs = with_application(settings, act, on_task=told)
    finally:  # a stop, too, is worth to be looked at
        if timeline and told:
            write_text(timeline, told.trace())
    click_context.exit(exit_code(jobs))


def read_options(chosen: Mapping[str, object]) -> ResearchOptions:
    """The command's options from click's values.

    Raises:
        click.UsageError: two options exclude each other.
    """
    docs, collection = cast("tuple[Path, ...]", chosen["docs"]), chosen["collection"]
    if docs and collection:
        raise click.UsageError("--docs and --collection exclude each other")
    configuration = {
        "research_mode": chosen["mode"],
        "length": chosen["length"],
        "language": chosen["language"],
        "number_of_queries": chosen["number_of_queries"],
        "budget": {"seconds": chosen["time_limit"]} if chosen["time_limit"] else None,
    }
    out = chosen["out"]
    return ResearchOptions(
        docs=docs,
        collection=str(collection) if collection else None,
        configuration={name: value for name, value in configuration.items() if value is not None},
        priority=str(chosen["priority"]),
        tags=cast("tuple[str, ...]", chosen["tags"]),
        out=out if isinstance(out, Path) else None,
        as_json=bool(chosen["as_json"]),
    )


async def run_command(
    app: Application, topics: Sequence[Topic], options: ResearchOptions, display: Display
) -> Sequence[Job]:
    """Index what was named, run the topics, and hand over their reports; the jobs as they ended."""
    collection = options.collection or DEFAULT_COLLECTION
    # What is wrong with a topic is said before any document is read.
    requests = [request_of(app, topic, options, collection) for topic in topics]
    if options.out:
        check_folder(options.out)
    if options.docs:
        collection = app.collection_for(options.docs)
        requests = [request_of(app, topic, options, collection) for topic in topics]
        with display:
            done = await app.ingest(
                options.docs, collection=collection, progress=display.show_reading
            )
        for path, reason in done.failed:
            display.say(f"not read: {show_path(path)}: {reason}")
    await check_collections(app, topics, collection)
    batch = await submit_or_resume(app.queue, requests, name=batch_name(topics, options.asked()))
    if batch.resumed:
        display.say(f"Going on with {len(batch.job_ids)} researches of the same command.")
    return await run_and_hand_over(app, batch, options.out, display, as_json=options.as_json)


async def check_collections(app: Application, topics: Sequence[Topic], collection: str) -> None:
    """Refuse topics of a collection that does not exist, before any of them is submitted.

    Raises:
        NotFound: there is no such collection.
    """
    known = {found.name for found in await app.collections()}
    for topic in topics:
        name = topic.settings.get("collection", collection)
        if name not in known:
            raise NotFound(
                f"{topic.place}: there is no collection {name!r}",
                cure="Name documents with --docs, or index some: "
                f"wiseflow index PATH… --collection {name}",
            )


def request_of(
    app: Application, topic: Topic, options: ResearchOptions, collection: str
) -> JobRequest:
    """The job of one topic.

    Raises:
        InvalidInput: the topic or one of its settings cannot be used; its place is named.
    """
    given = {"collection": collection, **options.configuration, **topic.settings}
    try:
        priority = TaskPriority(topic.priority or options.priority)
    except ValueError:
        raise InvalidInput(
            f"{topic.place}: priority cannot be {topic.priority!r}",
            cure=f"There is {', '.join(TaskPriority)}",
        ) from None
    try:
        return app.research_request(
            topic.text,
            given,
            priority=priority,
            tags=(*options.tags, *topic.tags),
            metadata=topic.metadata,
        )
    except InvalidInput as error:
        raise InvalidInput(f"{topic.place}: {error.message}", cure=error.cure) from error


async def run_and_hand_over(
    app: Application, batch: Batch, out: Path | None, display: Display, *, as_json: bool = False
) -> Sequence[Job]:
    """Run a batch, write or print each report as it is ready, and mark the batch as handed over.

    With one research and nowhere to write, its report is printed as Markdown.
    """
    handover = _Handover(app, batch, out, display, as_json=as_json)
    try:
        with display:
            await run_batch(app, batch, handover, parallel=app.max_concurrent_research)
    except BaseException:  # cancellation too: the reader is told how to go on, and it goes up
        display.say(render_interrupted(batch, len(handover.jobs)))
        raise
    await handover.finish()
    await app.queue.mark_delivered(batch.job_ids)
    return handover.jobs


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

    def moment(self, moment: Moment) -> None:
        """Draw what runs."""
        self._elapsed_s = moment.elapsed_s
        for job_id, events in moment.events.items():
            for event in events:
                self._notes[job_id] = render_note(event)
                self._sources[job_id] += sources_in(event)
        self._display.show(self._view(moment.running))

    async def finish(self) -> None:
        """Say the totals, and print the only report of a batch of one."""
        self._display.say(render_totals(self._view(())))
        if len(self.jobs) == 1 and not self._as_json and not self._out:
            [job] = self.jobs
            if job.status is JobStatus.COMPLETED:
                click.echo(render_report(await self._app.report(job.job_id), "markdown"))
        elif self._out:
            self._display.say(f"Reports are in {self._out}/")
        elif not self._as_json:
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
            elapsed_s=self._elapsed_s,
            holding=self._holding(running),
        )

    def _hand_over(self, job: Job, report: Report) -> None:
        if self._as_json:
            text = render_report(report, "json")
            click.echo(json.dumps(json.loads(text), ensure_ascii=False))
        if self._out:
            for form in FORMATS:
                name = file_name(self._batch, job) + SUFFIXES[form]
                write_text(self._out / name, render_report(report, form))


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


def render_interrupted(batch: Batch, ended: int) -> str:
    """What was kept, and how to go on."""
    return (
        f"Stopped with {ended} of {len(batch.job_ids)} researches ended; finished steps are kept. "
        "Go on: type the same command again, or `wiseflow jobs resume --all`."
    )


def exit_code(jobs: Sequence[Job]) -> int:
    """0 when all are completed; otherwise what stopped them: budget 5, time limit 124, else 1."""
    failed = [job for job in jobs if job.status is not JobStatus.COMPLETED]
    if not failed:
        return 0
    codes = {EXIT_CODES.get(job.stop_reason, EXIT_FAILED) for job in failed}
    return codes.pop() if len(codes) == 1 else EXIT_FAILED
