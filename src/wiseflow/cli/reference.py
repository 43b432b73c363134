"""The reference page of all commands, made from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from wiseflow.cli.main import root

HEAD = """# Commands

Made from the code by `make docs`; do not edit.

Results go to standard output and progress to standard error. Exit codes: 0 all done, 1 some failed,
2 usage, 3 configuration, 4 not found, 5 budget reached, 124 time limit, 130 interrupted.
"""


def render_commands() -> str:
    """The page, in Markdown."""
    return "\n".join([HEAD, *(_section(context) for context in _contexts(root, "wiseflow"))])


def _contexts(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[click.Context]:
    settings: dict[str, Any] = {"max_content_width": 100, **command.context_settings}
    context = click.Context(command, info_name=name, parent=parent, **settings)
    yield context
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None, "a listed command exists"
            yield from _contexts(found, child, context)


def _section(context: click.Context) -> str:
    depth = "##" if context.parent is None or context.parent.parent is None else "###"
    return f"{depth} `{context.command_path}`\n\n```text\n{context.get_help()}\n```\n"
