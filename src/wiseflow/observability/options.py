"""Where logs go and how they look."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
LogFormat = Literal["text", "json"]

# The attribute of a standard record that carries our fields.
FIELDS: Final = "wiseflow_fields"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """Where logs go and how they look. It pickles, so a worker process can be handed its own.

    Args:
        level: the least level of our own records; those of libraries start at ``WARNING``.
        format: of the lines, on the console and in the file.
        file: the log file; ``None`` for none. Several processes may share it.
        max_bytes: the size at which the file is put aside and a new one begun.
        backup_count: how many such files are kept.
        console: whether to write to stderr too.
        console_level: the least level on stderr, which people watch.
        secrets: values that must appear in no line.
    """

    level: LogLevel = "INFO"
    format: LogFormat = "text"
    file: Path | None = None
    max_bytes: int = 10_485_760
    backup_count: int = 5
    console: bool = True
    console_level: LogLevel = "WARNING"
    secrets: tuple[str, ...] = field(default=(), repr=False)
