"""``wiseflow shares``: links that show a report to whoever has them."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence

import click

from wiseflow.app import Application
from wiseflow.app.services.shares import WEEK_S, Link, SharesService
from wiseflow.cli.context import CommandContext
from wiseflow.cli.jobs import render_time
from wiseflow.cli.running import with_application
from wiseflow.core.access import LOCAL
from wiseflow.core.shares import Share

DAY_S = 86_400.0
LEAST_DAYS, MOST_DAYS = 60 / DAY_S, 366

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group()
def shares() -> None:
    """Links that show a report to whoever has them, for a while; `wiseflow serve` answers them."""


@shares.command("create")
@click.argument("research", metavar="RESEARCH")
@click.option(
    "--expires-days",
    type=click.FloatRange(LEAST_DAYS, MOST_DAYS),
    default=WEEK_S / DAY_S,
    show_default=True,
    help="How long it holds.",
)
@json_option
@click.pass_obj
def create(context: CommandContext, research: str, expires_days: float, as_json: bool) -> None:
    """Make a link to the report of RESEARCH (an id or its beginning), and print its path."""

    async def body(app: Application) -> Link:
        job_id = await app.find_job(research)
        made = await SharesService(app, LOCAL).share(job_id, seconds=expires_days * DAY_S)
        await app.auditor.note(LOCAL, "shares create", outcome="done", target=made.share.share_id)
        return made

    made = with_application(context.settings(), body)
    if as_json:
        click.echo(json_line(made))
        return
    until = render_time(made.share.expires_at)
    click.echo(f"Link {made.share.share_id}, until {until}, at your server's address:", err=True)
    click.echo(path_of(made))


@shares.command("list")
@click.argument("research", metavar="RESEARCH")
@json_option
@click.pass_obj
def list_shares(context: CommandContext, research: str, as_json: bool) -> None:
    """List the links to the report of RESEARCH, the newest first."""

    async def body(app: Application) -> Sequence[Link]:
        return await SharesService(app, LOCAL).shares(await app.find_job(research))

    found = with_application(context.settings(), body)
    if as_json:
        click.echo("".join(f"{json_line(one)}\n" for one in found), nl=False)
    else:
        click.echo(render_list(found, now=time.time()))


@shares.command("revoke")
@click.argument("share_id", metavar="ID")
@json_option
@click.pass_obj
def revoke(context: CommandContext, share_id: str, as_json: bool) -> None:
    """Take a link back: it shows nothing any more."""

    async def body(app: Application) -> Share:
        ended = await SharesService(app, LOCAL).revoke(share_id)
        await app.auditor.note(LOCAL, "shares revoke", outcome="done", target=share_id)
        return ended

    ended = with_application(context.settings(), body)
    click.echo(json.dumps(fields(ended)) if as_json else f"{share_id} revoked")


def json_line(link: Link) -> str:
    """A link as a JSON object on one line, as over REST."""
    return json.dumps(fields(link.share) | {"path": path_of(link)})


def fields(share: Share) -> dict[str, object]:
    """A link as JSON values, without what opens it."""
    return {
        "id": share.share_id,
        "research": share.job_id,
        "created_at": share.created_at,
        "expires_at": share.expires_at,
        "revoked_at": share.revoked_at,
    }


def path_of(link: Link) -> str:
    """Where a server shows it, below its address and its root path."""
    return f"/shared/{link.token}"


def render_list(found: Sequence[Link], *, now: float) -> str:
    """A line a link: its id, whether it still holds, and its path.

    Args:
        found: the links.
        now: seconds since the epoch.
    """
    if not found:
        return "There are no links to it. Make one with: wiseflow shares create RESEARCH"
    return "\n".join(
        f"{one.share.share_id}  {_state(one.share, now):<25}  {path_of(one)}" for one in found
    )


def _state(share: Share, now: float) -> str:
    if share.revoked_at is not None:
        return "revoked"
    return "expired" if share.expires_at <= now else f"until {render_time(share.expires_at)}"
