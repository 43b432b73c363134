"""``wiseflow report`` and ``wiseflow source``: what was found, and the stored text it rests on."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import click

from wiseflow.app import Application
from wiseflow.app.services.changes import ChangesService
from wiseflow.cli.context import CommandContext
from wiseflow.cli.running import with_application
from wiseflow.core.access import LOCAL
from wiseflow.core.documents import Source
from wiseflow.core.errors import InvalidInput, NotFound, StorageError
from wiseflow.core.jobs import Job
from wiseflow.core.report import Report
from wiseflow.research.changing import Changes
from wiseflow.research.picturing import pictures_of

FORMATS = ("markdown", "html", "json")
PICTURES = "pictures"
SUFFIXES = {"markdown": ".md", "html": ".html", "json": ".json"}


@click.command()
@click.argument("job_id", metavar="ID")
@click.option(
    "--format",
    "form",
    type=click.Choice([*FORMATS, PICTURES]),
    default="markdown",
    show_default=True,
    help="`pictures` is the data of the drawings, as JSON.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--drawings", is_flag=True, help="Draw names, years and the run, in HTML.")
@click.option("--changes", is_flag=True, help="What changed since the last run, instead.")
@click.option("--since", default="", metavar="ID", help="Compare with this research.")
@click.pass_obj
def report(
    context: CommandContext,
    job_id: str,
    form: str,
    out: Path | None,
    as_json: bool,
    drawings: bool,
    **compared: Any,
) -> None:
    """Print the report of the research ID (its first characters are enough)."""
    since = str(compared["since"])
    if since or compared["changes"]:
        told = with_application(context.settings(), lambda app: read_changes(app, job_id, since))
        _hand_out(render_changes(told, "json" if as_json else form), out)
        return

    async def read(app: Application) -> tuple[Job, Report]:
        job = await app.job(job_id)
        try:
            return job, await app.report(job.job_id)
        except NotFound:
            raise no_report(job) from None

    job, found = with_application(context.settings(), read)
    drawn = drawings or wants_drawings(job)
    _hand_out(render_report(found, "json" if as_json else form, drawings=drawn), out)


async def read_changes(app: Application, job_id: str, since: str) -> Changes:
    """What changed in a report; ids may be shortened. Raises as ``ChangesService.changes``."""
    earlier = await app.find_job(since) if since else ""
    service = ChangesService(app, LOCAL)
    return await service.changes(await app.find_job(job_id), since=earlier)


def render_changes(told: Changes, form: str) -> str:
    """Changes as Markdown, HTML or JSON.

    Raises:
        InvalidInput: they are to be drawn.
    """
    from wiseflow.research.rendering import changes  # noqa: PLC0415 - slow

    if form == PICTURES:
        raise InvalidInput("changes are not drawn", cure=f"--format is {', '.join(FORMATS)}")
    if form == "html":
        return changes.changes_to_html(told)
    if form == "json":
        return json.dumps(changes.changes_to_json(told), ensure_ascii=False, indent=2)
    return changes.changes_to_markdown(told)


def _hand_out(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text)
    else:
        write_text(out, text)
        click.echo(f"Written to {out}", err=True)


@click.command()
@click.argument("source_id", metavar="ID")
@click.option("--start", type=click.IntRange(0), help="From this character.")
@click.option("--end", type=click.IntRange(0), help="Up to and without this character.")
@click.option("--json", "as_json", is_flag=True, help="The source and what is known of it.")
@click.pass_obj
def source(
    context: CommandContext, source_id: str, start: int | None, end: int | None, as_json: bool
) -> None:
    """Print the stored text of the source ID: exactly the characters that citations count."""
    found = with_application(context.settings(), lambda app: app.documents.source(source_id))
    click.echo(render_source(found, start, end, as_json=as_json), nl=as_json)


def wants_drawings(job: Job) -> bool:
    """Whether whoever asked for a research wants drawings in its report."""
    configuration = job.payload.get("configuration")
    return isinstance(configuration, Mapping) and bool(
        cast("Mapping[str, object]", configuration).get("visualization")
    )


def no_report(job: Job) -> NotFound:
    """The error for a research that has no report, saying why."""
    reason = f": {job.error}" if job.error else ""
    return NotFound(
        f"the research {job.job_id} is {job.status} and has no report{reason}",
        cure=f"`wiseflow jobs show {job.job_id}` tells what happened",
    )


def render_report(found: Report, form: str, *, drawings: bool = False) -> str:
    """A report as Markdown, HTML or JSON, or the data of its drawings."""
    from wiseflow.research.rendering import html, markdown  # noqa: PLC0415 - templates are slow
    from wiseflow.research.rendering import json as contract  # noqa: PLC0415

    if form == "html":
        return html.to_html(found, drawings=drawings)
    if form == PICTURES:
        pictures = asdict(pictures_of(found))
        return json.dumps(pictures, ensure_ascii=False, indent=2)
    if form == "json":
        return json.dumps(contract.report_to_json(found), ensure_ascii=False, indent=2)
    return markdown.to_markdown(found)


def render_source(found: Source, start: int | None, end: int | None, *, as_json: bool) -> str:
    """The characters ``start`` to ``end`` of a source, or all that is stored as JSON.

    Raises:
        InvalidInput: the span lies outside the text.
    """
    if as_json:
        return json.dumps(
            {name: getattr(found, name) for name in Source.__slots__}, ensure_ascii=False
        )
    first, last = start or 0, len(found.text) if end is None else end
    if not first <= last <= len(found.text):
        raise InvalidInput(
            f"the source {found.source_id} has {len(found.text)} characters, "
            f"so it has no {first} to {last}"
        )
    return found.text[first:last]


def check_folder(path: Path) -> None:
    """Make a folder, and try whether files can be written there.

    Raises:
        InvalidInput: they cannot.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise InvalidInput(
            f"nothing can be written to {path}: {reason}", cure="Choose another folder"
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        StorageError: the folder or the disk refuses.
    """
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise StorageError(
            f"{path} cannot be written: {error.strerror}", cure="Choose another folder"
        ) from error
