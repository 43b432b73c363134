"""``wiseflow db``: bring the database up to this version, and check it."""

from __future__ import annotations

import asyncio
import json

import click

from wiseflow.app import check_database, upgrade_database
from wiseflow.cli.context import CommandContext
from wiseflow.core.errors import SchemaMismatch


@click.group()
def db() -> None:
    """Upgrade and check the database."""


@db.command()
@click.pass_obj
def upgrade(context: CommandContext) -> None:
    """Bring the database up to this version; nothing is lost, and a second time changes nothing."""
    state = asyncio.run(upgrade_database(context.settings()))
    click.echo(f"The database is at revision {state.current}.")


@db.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def check(context: CommandContext, as_json: bool) -> None:
    """Tell whether the database answers, is of this version, and is sound."""
    state = asyncio.run(check_database(context.settings()))
    if as_json:
        click.echo(
            json.dumps(
                {
                    "current": state.current,
                    "expected": state.expected,
                    "problems": list(state.problems),
                }
            )
        )
    else:
        click.echo(f"Revision {state.current or 'none'}, expected {state.expected}.")
        for problem in state.problems:
            click.echo(f"Problem: {problem}")
    if state.problems:
        raise SchemaMismatch(
            "the database is not as this version needs it",
            cure="What to do is said with each problem",
        )
    if not as_json:
        click.echo("The database is sound.")
