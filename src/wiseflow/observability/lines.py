"""Makes a log line of a record: a chain of structlog processors, as text or as JSON."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from wiseflow.observability.options import FIELDS, LogOptions
from wiseflow.observability.redaction import Redactor

# A field of ours never takes the place of what every line has.
RESERVED = frozenset(
    {"timestamp", "level", "logger", "message", "event", "exception", "stack", "_record"}
    | {"_from_structlog", "exc_info", "stack_info"}
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROLS_BUT_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def make_formatter(options: LogOptions, *, colours: bool) -> logging.Formatter:
    """The formatter of an output.

    Args:
        options: the form of the lines, and the secrets to leave out.
        colours: whether text may be coloured.
    """
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_fields,
    ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            Redaction(Redactor(options.secrets)),
            *(_json() if options.format == "json" else _text(colours=colours)),
        ],
    )


def add_fields(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Put the record's own fields and those bound around it on the line."""
    record: logging.LogRecord = event["_record"]
    fields: Mapping[str, object] = getattr(record, FIELDS, {})
    for name, value in fields.items():
        event[f"{name}_" if name in RESERVED else name] = value
    # A formatter that ran before leaves its rendering here, made without our redaction.
    record.exc_text = None
    return event


class Redaction:
    """Takes secrets out of every part of the line, and makes each a value JSON can hold."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        """The line without secrets."""
        return cast("EventDict", self._redactor.fields(event))


def escape_controls(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Make control characters visible, so that no text can forge a line or drive a terminal."""
    return {
        _escaped(name): _escaped(value, lines=name in {"exception", "stack"})
        if isinstance(value, str)
        else value
        for name, value in event.items()
    }


def _json() -> list[Processor]:
    return [structlog.processors.EventRenamer("message"), structlog.processors.JSONRenderer()]


def _text(*, colours: bool) -> list[Processor]:
    renderer = structlog.dev.ConsoleRenderer(
        colors=colours,
        exception_formatter=structlog.dev.plain_traceback,
        pad_event_to=0,
        pad_level=False,
    )
    return [escape_controls, renderer]


def _escaped(text: str, *, lines: bool = False) -> str:
    pattern = _CONTROLS_BUT_LINES if lines else _CONTROLS
    return pattern.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
