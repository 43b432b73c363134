"""``wiseflow secrets``: keeps keys of providers in the database, encrypted."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

import click

from wiseflow.app import Application
from wiseflow.app.sealing import new_master
from wiseflow.app.services.secrets import LONGEST, SecretsService
from wiseflow.cli.context import CommandContext
from wiseflow.cli.running import with_application
from wiseflow.core.access import LOCAL

T = TypeVar("T")


@click.group()
def secrets() -> None:
    """Keep keys of providers in the database, encrypted with WISEFLOW_SECRET_KEY.

    What is kept holds for processes that start afterwards, where neither the command line, the
    environment, .env nor the YAML file names it.
    """


@secrets.command("set")
@click.argument("name")
@click.pass_obj
def set_secret(context: CommandContext, name: str) -> None:
    """Keep a secret, read from standard input; it is never shown again."""
    if sys.stdin.isatty():
        value: str = click.prompt(name, hide_input=True, err=True)
    else:
        value = sys.stdin.read(LONGEST + 2).removesuffix("\n").removesuffix("\r")
    _changing(context, "secrets set", name, lambda service: service.set(name, value))
    click.echo(f"{name} is kept, and holds for processes that start from now on.")


@secrets.command("list")
@click.pass_obj
def list_secrets(context: CommandContext) -> None:
    """List which secrets are kept, without their values."""
    found = with_application(context.settings(), lambda app: SecretsService(app, LOCAL).secrets())
    for one in found:
        at = datetime.fromtimestamp(one.set_at, UTC).strftime("%Y-%m-%d %H:%M")
        click.echo(f"{one.name}  set {at}  with key {one.key_id}")
    if not found:
        click.echo("No secret is kept. Keep one with: wiseflow secrets set NAME")


@secrets.command()
@click.argument("name")
@click.pass_obj
def delete(context: CommandContext, name: str) -> None:
    """Erase a secret."""
    _changing(context, "secrets delete", name, lambda service: service.delete(name))
    click.echo(f"{name} is erased.")


@secrets.command()
@click.pass_obj
def rotate(context: CommandContext) -> None:
    """Encrypt all anew with the first key in WISEFLOW_SECRET_KEY; only that is needed then."""
    count = _changing(context, "secrets rotate", "", lambda service: service.rotate())
    click.echo(f"{count} secrets are encrypted with the newest key.")


@secrets.command("new-key")
def new_key() -> None:
    """Print a new random value for WISEFLOW_SECRET_KEY."""
    click.echo(new_master())


def _changing(
    context: CommandContext, action: str, target: str, act: Callable[[SecretsService], Awaitable[T]]
) -> T:
    async def body(app: Application) -> T:
        done = await act(SecretsService(app, LOCAL))
        await app.auditor.note(LOCAL, action, outcome="done", target=target)
        return done

    return with_application(context.settings(), body)
