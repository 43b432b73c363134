"""What every command is handed: the settings, read when first asked for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:  # pydantic is slow to import; `--help` needs none of it
    from wiseflow.settings.loading import Settings


@dataclass(slots=True, kw_only=True)
class CommandContext:
    """The command line's own options, and the settings that follow from them.

    Args:
        config_file: the YAML file named by ``--config``.
        flags: settings given on the command line, which stand above all other sources.
    """

    config_file: Path | None = None
    flags: dict[str, str] = field(default_factory=dict[str, str])
    _settings: Settings | None = None

    @classmethod
    def of(cls, *, config_file: Path | None, assignments: Sequence[str]) -> CommandContext:
        """The context of one command line.

        Raises:
            click.UsageError: an assignment is not ``NAME=VALUE``.
        """
        return cls(config_file=config_file, flags=parse_assignments(assignments))

    def settings(self, **overrides: str | None) -> Settings:
        """The settings that hold, with this command's own options above them.

        Args:
            overrides: values of settings by their names in lower case; ``None`` is not given.

        Raises:
            ConfigurationError: a setting is unknown or wrong; all such are named at once.
        """
        from wiseflow.observability.logs import configure_logging  # noqa: PLC0415 - slow
        from wiseflow.settings.loading import load_settings  # noqa: PLC0415 - slow

        if self._settings is None or overrides:
            given = {name.upper(): value for name, value in overrides.items() if value is not None}
            self._settings = load_settings(
                flags={**self.flags, **given},
                environ=os.environ,
                dotenv=Path(".env"),
                yaml_file=self.config_file,
            )
            # A command says itself what went wrong; the console is not for log lines.
            configure_logging(self._settings.logging(console_level="CRITICAL"))
        return self._settings

    def log_to_console(self) -> None:
        """Write log lines from INFO up to the console, too: for a service, which nobody talks to.

        Raises:
            ConfigurationError: see ``settings``.
        """
        from wiseflow.observability.logs import configure_logging  # noqa: PLC0415 - slow

        configure_logging(self.settings().logging(console_level="INFO"))


def parse_assignments(assignments: Sequence[str]) -> dict[str, str]:
    """``NAME=VALUE`` pairs by name.

    Raises:
        click.UsageError: one has no ``=``.
    """
    for assignment in assignments:
        if "=" not in assignment:
            raise click.UsageError(f"--set takes NAME=VALUE, not {assignment!r}")
    return {name.strip(): value for name, value in (one.split("=", 1) for one in assignments)}
