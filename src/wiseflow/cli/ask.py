"""``wiseflow ask``: a question to a report, answered from the sources that its research read."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from wiseflow.app import Application
from wiseflow.cli.announcing import Screen
from wiseflow.cli.context import CommandContext
from wiseflow.cli.display import Display, output_width, shorten_end
from wiseflow.cli.research import exit_code
from wiseflow.cli.running import with_application
from wiseflow.connector.batches import Silent, batch_of, run_batch
from wiseflow.core.jobs import Job, JobStatus
from wiseflow.core.report import Citation, Claim, Report, Verdict
from wiseflow.research.rendering.json import report_to_json
from wiseflow.research.rendering.reading import (
    Reference,
    all_claims,
    author_line,
    label_of,
    printable,
    references,
)

Asked = tuple[Job, Report | None]


@click.command()
@click.argument("job_id", metavar="ID")
@click.argument("question", required=False)
@click.option(
    "--model",
    metavar="PROVIDER:MODEL",
    help="Who answers, or `extractive`; by default who wrote the report.",
)
@click.option("--json", "as_json", is_flag=True, help="The answer in the form of a report, a line.")
@click.pass_context
def ask(
    click_context: click.Context,
    job_id: str,
    question: str | None,
    model: str | None,
    as_json: bool,
) -> None:
    """Ask the report of the research ID a QUESTION; without one, list those that were asked.

    The answer rests on the sources that the research read, and on nothing else: it says so when
    they do not hold it. The same question again is not paid for again.
    """
    context: CommandContext = click_context.obj
    settings, screen = context.settings(), Screen(Display())
    if question is None:
        asked = with_application(settings, lambda app: _listed(app, job_id))
        if asked or not as_json:
            click.echo(render_json(asked) if as_json else render_questions(asked, output_width()))
        return

    async def act(app: Application) -> Asked:
        job = await app.follow_ups.submit(job_id, question, model)
        await run_batch(app, batch_of(job), Silent(), parallel=1)
        return await _read(app, await app.queue.get(job.job_id))

    job, answer = with_application(settings, act, on_news=screen.on_news)
    if answer is None:
        click.echo(f"Error: {job.error or f'the question is {job.status}'}", err=True)
    else:
        click.echo(render_json([(job, answer)]) if as_json else render_answer(answer))
    click_context.exit(exit_code([job]))


def render_answer(answer: Report) -> str:
    """The sentences with the numbers of their sources, then these with what is quoted of them."""
    numbered = references(answer)
    sentences = " ".join(_sentence(claim, numbered) for claim in all_claims(answer))
    parts = [sentences] if sentences else [printable(line) for line in answer.not_found]
    if numbered:
        parts.append("\n".join(_entry(reference) for reference in numbered.values()))
        parts.append(author_line(answer.author))
    return "\n\n".join(parts)


def render_questions(asked: Sequence[Asked], width: int | None) -> str:
    """One line a question: its id, whether it was answered, and its words."""
    if not asked:
        return "Nothing was asked yet."
    lines = [f"{job.job_id}  {_state(job, answer):<9}  {job.title}" for job, answer in asked]
    return "\n".join(lines if width is None else [shorten_end(line, width) for line in lines])


def render_json(asked: Sequence[Asked]) -> str:
    """One answer a line, in the form of a report; questions without one are left out."""
    return "\n".join(
        json.dumps(report_to_json(answer), ensure_ascii=False)
        for _, answer in asked
        if answer is not None
    )


def _state(job: Job, answer: Report | None) -> str:
    if answer is None:
        return str(job.status)
    return "answered" if answer.sections else "not held"


def _sentence(claim: Claim, numbered: dict[str, Reference]) -> str:
    marks = dict.fromkeys(_mark(citation, numbered) for citation in claim.citations)
    return " ".join([printable(claim.text), *marks])


def _mark(citation: Citation, numbered: dict[str, Reference]) -> str:
    told = "" if citation.verdict is Verdict.SUPPORTED else f", {citation.verdict}"
    return f"[{numbered[citation.source_id].number}{told}]"


def _entry(reference: Reference) -> str:
    source = reference.source
    place = printable(source.url or source.path)
    lines = [
        f"[{reference.number}] {printable(label_of(source))}" + (f", {place}" if place else "")
    ]
    lines += [f"    “{printable(citation.quote)}”" for citation in reference.quotes]
    return "\n".join(lines)


async def _listed(app: Application, job_id: str) -> list[Asked]:
    research = await app.follow_ups.finished(job_id)
    asked = await app.follow_ups.questions_of(research.job_id)
    return [await _read(app, job) for job in asked]


async def _read(app: Application, job: Job) -> Asked:
    return job, await app.report(job.job_id) if job.status is JobStatus.COMPLETED else None
