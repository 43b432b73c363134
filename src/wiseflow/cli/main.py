"""The ``wiseflow`` command: its sub-commands by name, loaded only when one is called."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from wiseflow import __version__
from wiseflow.cli.context import CommandContext
from wiseflow.cli.interpreter import set_interpreter
from wiseflow.core.errors import WiseflowError

# Name → (module, attribute, what `wiseflow --help` says). Loading a command's module costs its
# imports, so the list of commands is told from here.
COMMANDS = {
    "research": (
        "wiseflow.cli.research",
        "research",
        "Research topics; each ends in a cited report.",
    ),
    "index": ("wiseflow.cli.index", "index", "Index documents, and search them."),
    "jobs": ("wiseflow.cli.jobs", "jobs", "List, watch, approve, cancel, resume and delete."),
    "schedules": ("wiseflow.cli.schedules", "schedules", "Research again and again, by the clock."),
    "webhooks": ("wiseflow.cli.webhooks", "webhooks", "Have an address told when researches end."),
    "shares": ("wiseflow.cli.shares", "shares", "Links that show a report to whoever has them."),
    "report": ("wiseflow.cli.report", "report", "Print a report."),
    "ask": ("wiseflow.cli.ask", "ask", "Ask a report a question, answered from its sources."),
    "source": ("wiseflow.cli.report", "source", "Print the stored text of a source."),
    "config": (
        "wiseflow.cli.config",
        "config",
        "Show what settings hold, and where they come from.",
    ),
    "predictions": (
        "wiseflow.cli.predictions",
        "predictions",
        "What each kind of task is expected to take.",
    ),
    "serve": ("wiseflow.cli.serve", "serve", "Answer over HTTP: REST, dashboard, health."),
    "mcp": ("wiseflow.cli.mcp", "mcp", "Be tools of an assistant that starts this (MCP)."),
    "worker": ("wiseflow.cli.worker", "worker", "Run researches that others submit."),
    "keys": ("wiseflow.cli.keys", "keys", "Make, list, revoke and rotate API keys."),
    "secrets": (
        "wiseflow.cli.secrets",
        "secrets",
        "Keep keys of providers in the database, encrypted.",
    ),
    "audit": ("wiseflow.cli.audit", "audit", "Show who changed what."),
    "db": ("wiseflow.cli.db", "db", "Upgrade and check the database."),
    "bench": ("wiseflow.cli.bench", "bench", "Measure this program on this machine."),
    "simulate": (
        "wiseflow.cli.simulate",
        "simulate",
        "Answer as providers do, to try things without them.",
    ),
    "completion": ("wiseflow.cli.completion", "completion", "Print the shell completion script."),
}

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group that loads a command's module only to run it or to show its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of the commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """The command of that name, loaded now, or ``None``."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the list of commands from the table, loading none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. Click ends the line of a terminal's ``^C``; elsewhere there is none.

        Raises:
            click.Abort: it was interrupted, and stderr is no terminal.
        """
        try:
            result: object = super().invoke(ctx)
        except KeyboardInterrupt:
            if sys.stderr.isatty():
                raise
            raise click.Abort from None
        return result

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments begin with; an unknown one gets the nearest name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"no such command: {args[0]!r}.{nearest(args[0])}")
        return super().resolve_command(ctx, args)


def nearest(name: str) -> str:
    """A sentence naming the command that ``name`` may have meant, or ""."""
    import difflib  # noqa: PLC0415 - only when a command was mistyped

    close = difflib.get_close_matches(name, COMMANDS, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 all done, 1 some failed, 2 usage, 3 configuration, 4 not found, "
    "5 budget reached, 124 time limit, 130 interrupted.",
)
@click.version_option(__version__, prog_name="wiseflow")
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path), help="A YAML settings file."
)
@click.option(
    "--set", "assignments", multiple=True, metavar="NAME=VALUE", help="A setting, above all others."
)
@click.pass_context
def root(context: click.Context, config_file: Path | None, assignments: tuple[str, ...]) -> None:
    """Run many deep-research questions at once, every citation checked against its source."""
    context.obj = CommandContext.of(config_file=config_file, assignments=assignments)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit.

    Args:
        arguments: what follows the program's name; ``sys.argv`` when ``None``.
    """
    set_interpreter()
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; its exit code. Every error ends here as one clear message."""
    open_standard_streams()
    try:
        code = root.main(
            args=None if arguments is None else list(arguments),
            prog_name="wiseflow",
            standalone_mode=False,
        )
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the command boundary
        return answer(error)
    return code if isinstance(code, int) else 0


def answer(error: Exception | KeyboardInterrupt) -> int:
    """Say what went wrong, never as a traceback; the exit code."""
    code = EXIT_FAILED
    match error:
        case click.ClickException():
            with contextlib.suppress(OSError):  # as in `say_error`
                error.show()
            code = error.exit_code
        case WiseflowError():
            say_error(f"Error: {error}")
            code = error.exit_code
        case KeyboardInterrupt() | click.Abort():
            say_error("Interrupted.")
            code = EXIT_INTERRUPTED
        case BrokenPipeError():
            silence_output()
        case OSError() if error.errno in NO_ROOM:
            silence_output()
            say_error(f"Error: {no_room(error)}")
        case _:
            report_unexpected(error)
    return code


def open_standard_streams() -> None:
    """Give the program the standard streams that it was started without.

    Otherwise the first files it opens, such as the database, would get their numbers, and whatever
    a library writes to "standard error" would go there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number is this one; worker processes are to have it too.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdin = sys.stdin or os.fdopen(0, "r", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def say_error(message: str) -> None:
    """Print a message on stderr; where that cannot be written, the exit code has to do."""
    with contextlib.suppress(OSError):
        click.echo(message, err=True)


def no_room(error: OSError) -> str:
    """What a full disk means for the reader: the output's, if the error names no file."""
    place = str(error.filename) if error.filename else "the output"
    reason = (error.strerror or "no room is left").lower()
    return f"{place} cannot be written: {reason}. Free some space and run it again"


def silence_output() -> None:
    """Point stdout at nothing, so that flushing a closed pipe at exit says nothing more.

    Source: Python's documentation of ``signal``, "Note on SIGPIPE".
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def report_unexpected(error: BaseException) -> None:
    """Tell of an unforeseen error in one sentence, its traceback in the log."""
    import logging  # noqa: PLC0415 - seldom needed

    details = ""
    if logging.getLogger().handlers:  # before the settings are read there is no log
        from wiseflow.observability.logs import get_logger  # noqa: PLC0415 - seldom needed

        get_logger("wiseflow.cli").error("A command failed unexpectedly.", exc_info=error)
        details = " The log file (LOG_FILE in `wiseflow config show`) has the details."
    say_error(
        f"Error: unexpected {type(error).__name__} at {place_of(error)}: {error}. This is a fault "
        f"of the program; please report it.{details}"
    )


def place_of(error: BaseException) -> str:
    """Where an error was raised: ``module.py:123``."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
