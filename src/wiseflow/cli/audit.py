"""``wiseflow audit``: who changed what."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import click

from wiseflow.app.services.audit import AuditService
from wiseflow.cli.context import CommandContext
from wiseflow.cli.running import with_application
from wiseflow.core.access import LOCAL
from wiseflow.core.audit import AuditEntry

MOST_SHOWN = 1_000


@click.command()
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, MOST_SHOWN))
@click.option("--before", default=0, help="Only entries with a lower number than this.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an entry and line.")
@click.pass_obj
def audit(context: CommandContext, limit: int, before: int, as_json: bool) -> None:
    """Show who changed what over HTTP, and keys and secrets at this machine, the newest first."""
    found = with_application(
        context.settings(), lambda app: AuditService(app, LOCAL).entries(before=before, limit=limit)
    )
    if found or not as_json:
        click.echo(render_json(found) if as_json else render_entries(found))


def render_json(entries: Sequence[AuditEntry]) -> str:
    """One JSON object an entry and line."""
    return "\n".join(json.dumps(asdict(entry), ensure_ascii=False) for entry in entries)


def render_entries(entries: Sequence[AuditEntry]) -> str:
    """A line an entry."""
    if not entries:
        return "Nothing was done yet."
    return "\n".join(map(_line, entries))


def _line(entry: AuditEntry) -> str:
    at = datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    who = f"{entry.tenant}/{entry.who}" if entry.tenant else entry.who
    parts = (str(entry.number), at, who, entry.address or "-", entry.action, entry.target or "-")
    # Names and paths are others': nothing of them that a terminal would obey.
    told = "  ".join((*parts, entry.outcome))
    return "".join(letter if letter.isprintable() else "�" for letter in told)
