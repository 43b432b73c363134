"""``wiseflow webhooks``: who is told when researches end."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import click

from wiseflow.app import Application
from wiseflow.app.services.webhooks import NewWebhook, WebhooksService
from wiseflow.cli.context import CommandContext
from wiseflow.cli.jobs import render_time
from wiseflow.cli.running import with_application
from wiseflow.core.access import LOCAL
from wiseflow.core.webhooks import ENDS, Delivery, Webhook, WebhookEvent, WebhookSpec

T = TypeVar("T")
LONGEST_SECRET = 200

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group()
def webhooks() -> None:
    """Have an address told when researches end. A server or a worker sends the messages."""


@webhooks.command("add")
@click.argument("url")
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Choice([one.value for one in ENDS]),
    help="What is told; may be repeated; else every end.",
)
@click.option("--with-report", is_flag=True, help="The report of a completed research goes along.")
@click.option(
    "--secret-stdin", is_flag=True, help="Read the secret to sign with from standard input."
)
@json_option
@click.pass_obj
def add(
    context: CommandContext,
    url: str,
    events: tuple[str, ...],
    with_report: bool,
    secret_stdin: bool,
    as_json: bool,
) -> None:
    """Have URL told, and print the secret that messages are signed with this once."""
    chosen = tuple(dict.fromkeys(map(WebhookEvent, events))) or ENDS
    spec = WebhookSpec(url=url, events=chosen, with_report=with_report)
    secret = sys.stdin.read(LONGEST_SECRET).strip() if secret_stdin else ""

    async def act(service: WebhooksService) -> tuple[NewWebhook, str]:
        made = await service.add(spec, secret=secret)
        return made, made.webhook.webhook_id

    made = _changing(context, "webhooks add", act)
    if as_json:
        click.echo(json.dumps({**fields(made.webhook), "secret": made.secret}))
        return
    click.echo(f"Webhook {made.webhook.webhook_id} to {url}.", err=True)
    click.echo("Keep its secret now: it is not shown again.", err=True)
    click.echo(made.secret)


@webhooks.command("list")
@json_option
@click.pass_obj
def list_webhooks(context: CommandContext, as_json: bool) -> None:
    """List webhooks, the newest first; never their secrets."""
    found = _with(context, lambda service: service.webhooks())
    if as_json:
        click.echo("".join(f"{json.dumps(fields(one))}\n" for one in found), nl=False)
    else:
        click.echo(render_list(found))


@webhooks.command("test")
@click.argument("webhook_id", metavar="ID")
@json_option
@click.pass_obj
def send_test(context: CommandContext, webhook_id: str, as_json: bool) -> None:
    """Have a message sent to try it; `deliveries` tells what came of it."""

    async def act(service: WebhooksService) -> tuple[Delivery, str]:
        return await service.test(webhook_id), webhook_id

    sent = _changing(context, "webhooks test", act)
    click.echo(json.dumps(told(sent)) if as_json else f"{sent.delivery_id} is to be sent")


@webhooks.command("deliveries")
@click.argument("webhook_id", metavar="ID")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1_000))
@json_option
@click.pass_obj
def deliveries(context: CommandContext, webhook_id: str, limit: int, as_json: bool) -> None:
    """List the last messages to a webhook and what came of them, the newest first."""
    found = _with(context, lambda service: service.deliveries(webhook_id, limit=limit))
    if as_json:
        click.echo("".join(f"{json.dumps(told(one))}\n" for one in found), nl=False)
    else:
        click.echo(render_deliveries(found))


@webhooks.command("remove")
@click.argument("webhook_id", metavar="ID")
@json_option
@click.pass_obj
def remove(context: CommandContext, webhook_id: str, as_json: bool) -> None:
    """Forget a webhook, and what it was told."""

    async def act(service: WebhooksService) -> tuple[Webhook, str]:
        gone = await service.webhook(webhook_id)
        await service.delete(webhook_id)
        return gone, webhook_id

    gone = _changing(context, "webhooks remove", act)
    click.echo(json.dumps(fields(gone)) if as_json else f"{webhook_id} removed")


def fields(webhook: Webhook) -> dict[str, object]:
    """A webhook as JSON values, as over REST: without its secret."""
    return {
        "id": webhook.webhook_id,
        "url": webhook.spec.url,
        "events": list(webhook.spec.events),
        "with_report": webhook.spec.with_report,
        "enabled": webhook.spec.enabled,
        "error": webhook.error,
        "created_at": webhook.created_at,
    }


def told(delivery: Delivery) -> dict[str, object]:
    """A message as JSON values, as over REST: without its body."""
    return {
        "id": delivery.delivery_id,
        "research": delivery.job_id,
        "event": delivery.event,
        "created_at": delivery.created_at,
        "attempts": delivery.attempts,
        "tried_at": delivery.tried_at,
        "delivered_at": delivery.delivered_at,
        "http_status": delivery.http_status,
        "error": delivery.error,
    }


def render_list(found: Sequence[Webhook]) -> str:
    """A line a webhook: its id, whether it is on, its address and what it is told."""
    if not found:
        return "There are no webhooks. Make one with: wiseflow webhooks add URL"
    return "\n".join(
        f"{one.webhook_id}  {'on' if one.spec.enabled else 'off':<3}  {one.spec.url}  "
        f"{', '.join(one.spec.events)}{f'  ({one.error})' if one.error else ''}"
        for one in found
    )


def render_deliveries(found: Sequence[Delivery]) -> str:
    """A line a message: when it was made, what it tells of which research, what came of it."""
    if not found:
        return "Nothing was sent yet."
    return "\n".join(
        f"{render_time(one.created_at)}  {one.event}  {one.job_id or '-'}  {_outcome(one)}"
        for one in found
    )


def _outcome(one: Delivery) -> str:
    if one.delivered_at is not None:
        return f"taken at attempt {one.attempts} with HTTP {one.http_status}"
    if one.tried_at is None:
        return "not sent yet"
    return f"not taken after {one.attempts} attempts: {one.error}"


def _with(context: CommandContext, act: Callable[[WebhooksService], Awaitable[T]]) -> T:
    """What a service gives for who is at this machine."""

    async def body(app: Application) -> T:
        return await act(WebhooksService(app, LOCAL))

    return with_application(context.settings(), body)


def _changing(
    context: CommandContext, action: str, act: Callable[[WebhooksService], Awaitable[tuple[T, str]]]
) -> T:
    """What a change gives, once it is in the audit log with the id of what it changed."""

    async def body(app: Application) -> T:
        done, target = await act(WebhooksService(app, LOCAL))
        await app.auditor.note(LOCAL, action, outcome="done", target=target)
        return done

    return with_application(context.settings(), body)
