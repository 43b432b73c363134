"""``wiseflow config``: what settings hold, and where they come from."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from wiseflow.cli.context import CommandContext

if TYPE_CHECKING:  # pydantic is slow to import; the help of this command needs none of it
    from wiseflow.app.checking import Checked
    from wiseflow.settings.loading import Settings

_NOT_USED = "not used yet by this version"


@click.group()
def config() -> None:
    """Show what settings hold, and where they come from."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--all", "everything", is_flag=True, help="Settings of later versions too.")
@click.pass_obj
def show(context: CommandContext, *, as_json: bool, everything: bool) -> None:
    """Print every setting with its value and its origin; secrets are hidden."""
    click.echo(render_settings(context.settings(), as_json=as_json, everything=everything))


@config.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
@click.pass_obj
def path(context: CommandContext, *, as_json: bool) -> None:
    """Print the settings files that were read, the strongest first."""
    text = render_files(context.settings(), as_json=as_json)
    if text:
        click.echo(text)


@config.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
@click.pass_context
def check(click_context: click.Context, *, as_json: bool) -> None:
    """Say what would be used, for what, at which address, and test it.

    Ends with exit code 1 when something of it does not work.
    """
    from wiseflow.app.checking import check_outside  # noqa: PLC0415 - slow

    context: CommandContext = click_context.obj
    found = asyncio.run(check_outside(context.settings()))
    click.echo(render_checked(found, as_json=as_json))
    click_context.exit(0 if all(one.works for one in found) else 1)


def render_checked(found: Sequence[Checked], *, as_json: bool = False) -> str:
    """What would be used, one a line, with what is wrong and its cure below; or as JSON."""
    if as_json:
        return json.dumps([asdict(one) for one in found], indent=2, ensure_ascii=False)
    purposes = max(len(one.purpose) for one in found)
    who = max(len(one.who) for one in found)
    lines: list[str] = []
    for one in found:
        state = "works" if one.works else "does not work"
        if not one.asked:
            state = "not asked now"
        parts = (f"{one.purpose:<{purposes}}  {one.who:<{who}}", one.address, state, one.detail)
        lines.append("  ".join(filter(None, parts)))
        if one.cure:
            lines.append(f"{'':<{purposes}}  {one.cure}")
    return "\n".join(lines)


def render_settings(settings: Settings, *, as_json: bool = False, everything: bool = False) -> str:
    """Every setting with value and origin, one a line or as one JSON object.

    Args:
        settings: to show.
        as_json: as an object of ``value``, ``origin``, ``used`` by name.
        everything: also those that this version does not use and nobody set; JSON has them always.
    """
    from wiseflow.settings.shown import shown_settings  # noqa: PLC0415 - slow

    rows = shown_settings(settings)
    if as_json:
        return json.dumps(
            {
                row.name: {"value": row.value, "origin": row.origin, "used": row.used}
                for row in rows
            },
            indent=2,
            ensure_ascii=False,
        )
    listed = [row for row in rows if row.used or row.is_set or everything]
    names = max(len(row.name) for row in listed)
    values = min(48, max(len(row.text) for row in listed))
    return "\n".join(
        f"{row.name:<{names}}  {row.text:<{values}}  {row.origin}"
        + ("" if row.used else f"  ({_NOT_USED})")
        for row in listed
    )


def render_files(settings: Settings, *, as_json: bool = False) -> str:
    """The settings files that were read, the strongest first."""
    files = [str(file.absolute()) for file in settings.files]
    return json.dumps(files) if as_json else "\n".join(files)
