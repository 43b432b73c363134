"""``wiseflow keys``: makes, lists, revokes and rotates API keys."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import click

from wiseflow.app import Application
from wiseflow.app.services.keys import IssuedKey, KeysService
from wiseflow.cli.context import CommandContext
from wiseflow.cli.running import with_application
from wiseflow.core.access import LOCAL, Scope
from wiseflow.core.keys import ApiKey, NewKey

DAY_S = 86_400
HOUR_S = 3_600


@click.group()
def keys() -> None:
    """Make, list, revoke and rotate API keys."""


@keys.command()
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    default=Scope.RUN.value,
    show_default=True,
    help="The most it may do: read; also run researches; also administer.",
)
@click.option("--tenant", default="", help="Whose researches and documents it sees.")
@click.option("--expires-days", type=click.FloatRange(0, min_open=True), help="How long it holds.")
@click.option(
    "--rpm", type=click.IntRange(0), help="Requests a minute, in place of the setting's; 0: all."
)
@click.pass_obj
def create(
    context: CommandContext,
    name: str,
    scope: str,
    tenant: str,
    expires_days: float | None,
    rpm: int | None,
) -> None:
    """Make a key, and print it this once."""
    new = NewKey(
        name=name,
        tenant=tenant,
        scope=Scope(scope),
        requests_per_minute=rpm,
        expires_in_s=None if expires_days is None else expires_days * DAY_S,
    )
    show(_issued(context, "keys create", lambda service: service.create(new)))


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a key and line.")
@click.pass_obj
def list_keys(context: CommandContext, as_json: bool) -> None:
    """List the keys of all tenants, the newest first; never what is sent with requests."""
    found = with_application(context.settings(), lambda app: KeysService(app, LOCAL).keys())
    if found or not as_json:
        click.echo(render_json(found) if as_json else render_keys(found))


@keys.command()
@click.argument("key_id", metavar="ID")
@click.pass_obj
def revoke(context: CommandContext, key_id: str) -> None:
    """End a key; servers that run notice within about a second."""

    async def body(app: Application) -> ApiKey:
        ended = await KeysService(app, LOCAL).revoke(key_id)
        await app.auditor.note(LOCAL, "keys revoke", outcome="done", target=ended.key_id)
        return ended

    ended = with_application(context.settings(), body)
    click.echo(f"The key {ended.key_id} ({ended.name}) is revoked.")


@keys.command()
@click.argument("key_id", metavar="ID")
@click.option(
    "--grace-hours",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="For how long the old key still holds.",
)
@click.pass_obj
def rotate(context: CommandContext, key_id: str, grace_hours: float) -> None:
    """Make a key that may do the same, print it this once, and end the old one."""
    grace_s = grace_hours * HOUR_S
    show(_issued(context, "keys rotate", lambda service: service.rotate(key_id, grace_s=grace_s)))


def show(issued: IssuedKey) -> None:
    """Print a new key: itself on stdout, what it is on stderr."""
    key = issued.key
    whose = f"tenant {key.tenant}" if key.tenant else "no tenant"
    click.echo(f"Key {key.key_id} ({key.name}), scope {key.scope}, {whose}.", err=True)
    click.echo("Keep it now: it is not shown again.", err=True)
    click.echo(issued.text)


def render_json(found: Sequence[ApiKey]) -> str:
    """One JSON object a key and line."""
    return "\n".join(json.dumps(asdict(key), ensure_ascii=False) for key in found)


def render_keys(found: Sequence[ApiKey]) -> str:
    """A line a key."""
    if not found:
        return "There are no keys. Make one with: wiseflow keys create NAME"
    head = ("ID", "NAME", "TENANT", "SCOPE", "STATE", "LAST USED")
    rows = [head, *(_cells(key) for key in found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _cells(key: ApiKey) -> tuple[str, ...]:
    used = "never" if key.last_used_at is None else _time(key.last_used_at)
    return (key.key_id, key.name, key.tenant or "-", key.scope.value, _state(key), used)


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if not key.live:
        return "expired"
    return "live" if key.expires_at is None else f"until {_time(key.expires_at)}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M")


def _issued(
    context: CommandContext, action: str, act: Callable[[KeysService], Awaitable[IssuedKey]]
) -> IssuedKey:
    async def body(app: Application) -> IssuedKey:
        issued = await act(KeysService(app, LOCAL))
        await app.auditor.note(LOCAL, action, outcome="done", target=issued.key.key_id)
        return issued

    return with_application(context.settings(), body)
