"""``wiseflow jobs plan`` and ``approve``: the plan of a research, shown, edited and approved."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
import yaml

from wiseflow.app import Application
from wiseflow.cli.context import CommandContext
from wiseflow.cli.display import show_path
from wiseflow.cli.running import with_application
from wiseflow.core.authoring import Plan
from wiseflow.core.errors import InvalidInput
from wiseflow.core.jobs import Job
from wiseflow.research.plans import plan_to_json

STDIN = Path("-")
# A plan of the most sections and queries, each as long as may be, has a tenth of this.
MOST_BYTES = 1_000_000
HEAD = """\
# The plan of a research. Sections are written in this order: rename, remove, add or reorder them,
# and change what they search for.
"""


@click.command()
@click.argument("job_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def plan(context: CommandContext, job_id: str, as_json: bool) -> None:
    """Print the plan of a research, in the form that `approve --plan` reads."""

    async def read(app: Application) -> Plan:
        return await app.plan_of(await app.find_job(job_id))

    found = with_application(context.settings(), read)
    click.echo(render_plan_json(found) if as_json else render_plan(found), nl=as_json)


@click.command()
@click.argument("job_id", metavar="ID")
@click.option(
    "--plan",
    "file",
    type=click.Path(path_type=Path),
    help="Work on this plan, a file in YAML or JSON; - for standard input.",
)
@click.option("--edit", is_flag=True, help="Change the plan in your editor ($EDITOR) first.")
@click.pass_obj
def approve(context: CommandContext, job_id: str, file: Path | None, edit: bool) -> None:
    """Let a research that awaits approval go on, with its plan or another.

    To reject a plan, cancel the research.
    """
    if file and edit:
        raise click.UsageError("--plan and --edit exclude each other")
    given = read_plan_file(file) if file else None
    settings = context.settings()
    if edit:
        shown = with_application(settings, lambda app: _plan_to_edit(app, job_id))
        given = edited(render_plan(shown))
        if given is None:
            raise click.ClickException("the plan was not saved, so nothing is approved")

    async def act(app: Application) -> Job:
        return await app.approve(await app.find_job(job_id), given)

    job = with_application(settings, act)
    click.echo(f"{job.job_id} approved")
    click.echo(render_how_to_go_on(job), err=True)


def render_plan(found: Plan) -> str:
    """A plan as YAML, with how to change it above."""
    body: str = yaml.safe_dump(
        plan_to_json(found), allow_unicode=True, sort_keys=False, width=MOST_BYTES
    )
    return HEAD + body


def render_plan_json(found: Plan) -> str:
    """A plan as one JSON object."""
    return json.dumps(plan_to_json(found), ensure_ascii=False, indent=2)


def render_how_to_go_on(job: Job) -> str:
    """How an approved research goes on."""
    return f"Go on: `wiseflow jobs resume {job.job_id}`; a worker that runs takes it by itself."


def edited(text: str) -> object:
    """What a person made of a plan in the editor; ``None`` when it was closed without saving.

    Raises:
        InvalidInput: it is neither YAML nor JSON; the line is named.
        click.ClickException: there is no editor, or it failed.
    """
    changed = click.edit(text, extension=".yaml")
    return None if changed is None else parse_plan(changed, "the edited plan")


def read_plan_file(path: Path) -> object:
    """The values in a plan's file.

    Raises:
        InvalidInput: it cannot be read, or is neither YAML nor JSON.
    """
    place = "standard input" if path == STDIN else show_path(str(path))
    try:
        with sys.stdin.buffer if path == STDIN else path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise InvalidInput(f"{place} has more than {MOST_BYTES:,} bytes", cure="Give a plan")
        return parse_plan(data.decode("utf-8-sig"), place)
    except UnicodeDecodeError:
        raise InvalidInput(f"{place} is no text in UTF-8", cure="Save it as UTF-8") from None
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise InvalidInput(f"{place} cannot be read: {reason}", cure="Name another file") from error


def parse_plan(text: str, place: str) -> object:
    """The values that YAML or JSON holds; all of YAML's are text, so that a title may be a number.

    Args:
        text: what was written.
        place: names it in an error.

    Raises:
        InvalidInput: it is neither; the line is named.
    """
    try:
        if text.lstrip().startswith("{"):
            value: object = json.loads(text)
        else:
            value = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - makes text and lists only
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"{place}, line {error.lineno}: this is no JSON: {error.msg}", cure="Mend that line"
        ) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidInput(
            f"{place}, line {line}: this is no YAML: {error.problem}", cure="Mend that line"
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise InvalidInput(f"{place} is no YAML", cure="Write it as `jobs plan` does") from error
    return value


async def _plan_to_edit(app: Application, job_id: str) -> Plan:
    return await app.plan_of(await app.find_job(job_id))
