"""Logs: loggers, the ids bound to what they say, and where the lines go.

A logger hands its sentence and fields to the standard library; the one handler on the root logger
then gives them to structlog, which makes the line. structlog is loaded with the first line that is
written, so a short command that says nothing does not pay for it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import replace
from typing import Final

from wiseflow.core.holding import Holding
from wiseflow.observability.options import FIELDS, LogOptions

OURS: Final = "wiseflow"

_NOTHING: Final[Mapping[str, object]] = {}
_bound: ContextVar[Mapping[str, object]] = ContextVar("wiseflow_log_context", default=_NOTHING)


class Logger:
    """Says constant sentences with fields. Cheap to make, and cheap when its level is off.

    Args:
        name: dotted, as the module's.
    """

    __slots__ = ("_logger",)

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, message: str, /, **fields: object) -> None:
        """What only someone looking for a fault needs."""
        self._say(logging.DEBUG, message, None, fields)

    def info(self, message: str, /, **fields: object) -> None:
        """What went as it should."""
        self._say(logging.INFO, message, None, fields)

    def warning(
        self, message: str, /, *, exc_info: BaseException | None = None, **fields: object
    ) -> None:
        """What went otherwise than it should, and was dealt with."""
        self._say(logging.WARNING, message, exc_info, fields)

    def error(
        self, message: str, /, *, exc_info: BaseException | None = None, **fields: object
    ) -> None:
        """What failed."""
        self._say(logging.ERROR, message, exc_info, fields)

    def exception(self, message: str, /, **fields: object) -> None:
        """What failed, with the exception that is being handled."""
        self._say(logging.ERROR, message, sys.exception(), fields)

    def _say(
        self, level: int, message: str, exc_info: BaseException | None, fields: Mapping[str, object]
    ) -> None:
        if self._logger.isEnabledFor(level):
            # "%s" keeps a per cent sign in the sentence from being taken for a place to fill.
            self._logger.log(level, "%s", message, exc_info=exc_info, extra={FIELDS: fields})


def get_logger(name: str) -> Logger:
    """The logger of that name; ``wiseflow`` must be its first part for ``LOG_LEVEL`` to hold."""
    return Logger(name)


def bind_context(**fields: object) -> AbstractContextManager[None]:
    """Put these fields on every record written inside, in this task and those it starts.

    Args:
        fields: for instance ``job_id``, ``task`` or ``call_id``.
    """
    return Holding(_bound, {**_bound.get(), **fields})


def bind_here(**fields: object) -> None:
    """Put these fields on every record that the running task writes from now on, and its own tasks.

    For a task at its beginning: what is bound ends with it, so nothing need be undone.

    Args:
        fields: as ``bind_context``.
    """
    _bound.set({**_bound.get(), **fields})


def bind_job(job_id: str) -> AbstractContextManager[None]:
    """Put the job's id on every record written inside."""
    return bind_context(job_id=job_id)


def configure_logging(options: LogOptions) -> None:
    """Send records where ``options`` says, in place of where they went before.

    Nothing is opened or written before the first record. A log file that cannot be written costs
    one warning on stderr and nothing else.
    """
    close_logging()
    logging.getLogger(OURS).setLevel(options.level)
    logging.getLogger().addHandler(LogHandler(options))


def hide_also(secrets: Iterable[str]) -> None:
    """Let these appear in no record either, where records are sent somewhere."""
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, LogHandler)]:
        options = handler.options
        known = dict.fromkeys((*options.secrets, *secrets))
        configure_logging(replace(options, secrets=tuple(known)))


def close_logging() -> None:
    """Close the log file, and send records nowhere of ours any more."""
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, LogHandler)]:
        root.removeHandler(handler)
        handler.close()


class LogHandler(logging.Handler):
    """Gives records to the outputs, which it makes with the first one."""

    def __init__(self, options: LogOptions) -> None:
        least = logging.CRITICAL + 1 if not options.console else options.console_level
        super().__init__(level=logging.NOTSET if options.file else least)
        self.options = options
        self._outputs: list[logging.Handler] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Give the record, with the ids bound around it, to every output."""
        # The standard library holds this handler's lock here, so the outputs are made once.
        if self._outputs is None:
            from wiseflow.observability.outputs import make_outputs  # noqa: PLC0415 - slow

            self._outputs = make_outputs(self.options)
        said: Mapping[str, object] = getattr(record, FIELDS, _NOTHING)
        setattr(record, FIELDS, {**_bound.get(), **said})
        for output in self._outputs:
            if record.levelno >= output.level:
                output.handle(record)

    def handle(self, record: logging.LogRecord) -> bool:
        """Write the record; what is wrong with it never reaches the code that logged."""
        try:
            return bool(super().handle(record))
        except Exception as error:  # noqa: BLE001 - the boundary: a log must not fail its caller
            from wiseflow.observability.outputs import warn  # noqa: PLC0415 - seldom needed

            # Its text is not shown: it may hold what would have been taken out of the line.
            warn(f"a log record of {record.name} cannot be written ({type(error).__name__}).")
            return False

    def close(self) -> None:
        """Close the outputs."""
        for output in self._outputs or ():
            output.close()
        self._outputs = []
        super().close()
