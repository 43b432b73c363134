"""``wiseflow completion``: the script that completes commands and options in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of SHELL.

    For bash, put this in ~/.bashrc: eval "$(wiseflow completion bash)"
    """
    from wiseflow.cli.main import root  # noqa: PLC0415 - the root loads this module

    kind = get_completion_class(shell)
    assert kind is not None, "click knows the three shells of the choice"
    click.echo(kind(root, {}, "wiseflow", "_WISEFLOW_COMPLETE").source())
