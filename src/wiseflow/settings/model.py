"""The settings this version uses, each declared once: type, bounds, default, place and help.

The names in capitals are the environment's; a field is its name in lower case. Settings of later
versions are declared in ``later``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, SecretStr

from wiseflow.observability.options import LogFormat, LogLevel, LogOptions
from wiseflow.settings.access import AccessSettings
from wiseflow.settings.observing import Observing
from wiseflow.settings.outside import Outside
from wiseflow.settings.service import Service
from wiseflow.settings.setting import About
from wiseflow.settings.workers import Workers

DEFAULT_ORIGIN = "default"
KEPT_ORIGIN = "secrets"
DATABASE_SCHEMES = ("sqlite", "postgresql")
_DATA_DIR = Path("data")
_LEVELS: tuple[LogLevel, ...] = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def available_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _default_tasks() -> int:
    return min(4, available_cores())


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _database_url(value: str) -> str:
    scheme, separator, rest = value.partition("://")
    if scheme not in DATABASE_SCHEMES or not separator or not rest.strip("/"):
        raise ValueError(value)
    urlsplit(value).port  # noqa: B018 - raises ValueError when it is no number
    return value


class Settings(AccessSettings, Outside, Workers, Observing, Service):
    """The values that hold, by name in lower case, and where each came from."""

    max_concurrent_research: Annotated[
        int,
        Field(ge=1, le=10_000),
        About(
            place="task_management.max_concurrent_research",
            help="How many researches run at once; `--parallel` overrides it for one command.",
        ),
    ] = 3
    max_concurrent_tasks: Annotated[
        int,
        Field(default_factory=_default_tasks, ge=1, le=1024),
        About(
            place="task_management.max_concurrent_tasks",
            help="How many worker processes do CPU-bound work. By default never more than this "
            "machine's cores; a number given here is taken as it is.",
            default="4, or the number of cores when that is less",
        ),
    ]
    max_thread_workers: Annotated[
        int,
        Field(ge=1, le=1024),
        About(
            place="task_management.max_thread_workers",
            help="How many threads run plain functions given to the engine.",
        ),
    ] = 32
    max_memory_percent: Annotated[
        float,
        Field(ge=1, le=100, allow_inf_nan=False),
        About(
            place="resources.max_memory_percent",
            help="From what share of this machine's memory on, a container's limit included, no "
            "new task begins.",
        ),
    ] = 80
    max_cpu_percent: Annotated[
        float,
        Field(ge=1, le=100, allow_inf_nan=False),
        About(
            place="resources.max_cpu_percent",
            help="How much of the cores tasks and other programs may keep busy together; one task "
            "at a time always may.",
        ),
    ] = 90
    memory_monitor_interval: Annotated[
        float,
        Field(gt=0, le=86_400, allow_inf_nan=False),
        About(
            place="resources.memory_monitor_interval",
            help="Seconds between two looks at the memory; fewer as it gets scarce.",
        ),
    ] = 60
    cpu_monitor_interval: Annotated[
        float,
        Field(gt=0, le=86_400, allow_inf_nan=False),
        About(
            place="resources.cpu_monitor_interval",
            help="Seconds between two looks at the cores; fewer as they get busy.",
        ),
    ] = 30
    task_timeout: Annotated[
        float,
        Field(gt=0, le=31_536_000, allow_inf_nan=False),
        About(
            place="task_management.task_timeout",
            help="How many seconds one research may take, from start to end.",
        ),
    ] = 3600
    retry_limit: Annotated[
        int,
        Field(ge=1, le=100),
        About(
            place="task_management.retry_limit",
            help="How many times a research is started before it is given up; a start after a "
            "crash counts, one after an orderly stop does not.",
        ),
    ] = 3
    job_lease_s: Annotated[
        float,
        Field(ge=1, le=86_400, allow_inf_nan=False),
        About(
            place="task_management.job_lease_s",
            help="After how many seconds without a sign of life another process takes over a "
            "research.",
        ),
    ] = 30
    job_heartbeat_s: Annotated[
        float,
        Field(gt=0, le=43_200, allow_inf_nan=False),
        About(
            place="task_management.job_heartbeat_s",
            help="How often, in seconds, a running research gives a sign of life, and looks "
            "whether it was cancelled; at most half of JOB_LEASE_S.",
        ),
    ] = 1
    database_url: Annotated[
        str,
        AfterValidator(_database_url),
        About(
            place="database.url",
            help="The database: `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/NAME`. A "
            "relative SQLite path starts at the working directory.",
            default="`sqlite:///data/wiseflow.db`, or `wiseflow.db` in another WISEFLOW_DATA_DIR",
            expects="an address like sqlite:///data/wiseflow.db or postgresql://user@host/name",
        ),
    ] = "sqlite:///data/wiseflow.db"
    database_pool_size: Annotated[
        int,
        Field(ge=1, le=1000),
        About(
            place="database.pool_size", help="How many connections to the database are kept open."
        ),
    ] = 5
    database_max_overflow: Annotated[
        int,
        Field(ge=0, le=1000),
        About(
            place="database.max_overflow",
            help="How many connections beyond the pool may be open for a while.",
        ),
    ] = 10
    database_timeout: Annotated[
        float,
        Field(gt=0, le=3600, allow_inf_nan=False),
        About(
            place="database.timeout",
            help="How many seconds to wait for a connection, or for SQLite's write lock.",
        ),
    ] = 30
    database_synchronous: Annotated[
        Literal["off", "normal", "full"],
        BeforeValidator(_lower),
        About(
            place="database.synchronous",
            help="SQLite only. `normal` survives a crash of the program, and loses at most the "
            "last moments at a power cut; `full` survives that too, and is slower; `off` may "
            "corrupt the database at a power cut.",
        ),
    ] = "normal"
    wiseflow_data_dir: Annotated[
        Path,
        About(
            place="data.dir",
            help="The folder for everything the program keeps: indexes, stored sources, logs.",
            expects="the path of a folder",
        ),
    ] = _DATA_DIR
    local_only: Annotated[
        bool,
        About(
            place="privacy.local_only",
            help="Send nothing to an address that is not this machine's own.",
        ),
    ] = False
    log_level: Annotated[
        LogLevel,
        BeforeValidator(_upper),
        About(
            place="logging.level",
            help="The least level written to the log file. A service shows it on the console, too, "
            "from INFO up.",
        ),
    ] = "INFO"
    log_format: Annotated[
        LogFormat,
        BeforeValidator(_lower),
        About(place="logging.format", help="Log lines as text, or as one JSON object a line."),
    ] = "text"
    log_file: Annotated[
        str,
        About(
            place="logging.file",
            help="The log file.",
            default="`logs/wiseflow.log` in WISEFLOW_DATA_DIR",
            expects="the path of a file",
        ),
    ] = ""
    log_max_size: Annotated[
        int,
        Field(ge=1024),
        About(
            place="logging.max_size",
            help="The size in bytes at which the log file is put aside and a new one begun.",
        ),
    ] = 10_485_760
    log_backup_count: Annotated[
        int,
        Field(ge=1, le=1000),
        About(
            place="logging.backup_count", help="How many log files that were put aside are kept."
        ),
    ] = 5
    index_max_file_bytes: Annotated[
        int,
        Field(ge=1),
        About(
            place="index.max_file_bytes",
            help="A document larger than this many bytes is named and left out. JSON Lines files "
            "are read in parts, and may be eight times as large.",
        ),
    ] = 67_108_864
    index_parse_timeout_s: Annotated[
        float,
        Field(gt=0, le=86_400, allow_inf_nan=False),
        About(
            place="index.parse_timeout_s",
            help="How many seconds the parsing of one document may take.",
        ),
    ] = 60
    index_parse_memory_bytes: Annotated[
        int,
        Field(ge=67_108_864),
        About(
            place="index.parse_memory_bytes",
            help="How many bytes of memory the parsing of one document may take.",
        ),
    ] = 1_073_741_824
    wiseflow_config: Annotated[
        str,
        About(
            place="",
            help="The YAML settings file to read when `--config` is not given.",
            expects="the path of a file",
        ),
    ] = ""

    _origins: Mapping[str, str] = PrivateAttr(default_factory=dict[str, str])
    _files: tuple[Path, ...] = PrivateAttr(default=())

    @classmethod
    def holding(
        cls, values: Mapping[str, str], *, origins: Mapping[str, str], files: Sequence[Path]
    ) -> Self:
        """The settings with these values, and defaults for the others.

        What lies in the data folder by default follows it.

        Args:
            values: as texts, by field.
            origins: where each came from, by name.
            files: the ones that were read, the strongest first.
        """
        folder = Path(values.get("wiseflow_data_dir", _DATA_DIR))
        placed = {
            "database_url": f"sqlite:///{(folder / 'wiseflow.db').as_posix()}",
            "log_file": str(folder / "logs" / "wiseflow.log"),
        }
        settings = cls.model_validate({**placed, **values})
        settings._origins = dict(origins)  # noqa: SLF001 - its own, in the making
        settings._files = tuple(files)  # noqa: SLF001 - as above
        return settings

    def origin(self, name: str) -> str:
        """Where the value came from: ``flag``, ``environment``, ``.env:3``, ``config.yaml:12``.

        Args:
            name: of the setting, in either case.
        """
        return self._origins.get(name.upper(), DEFAULT_ORIGIN)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that were read, the strongest first."""
        return self._files

    @property
    def data_dir(self) -> Path:
        """The folder for everything the program keeps."""
        return self.wiseflow_data_dir

    @property
    def log_path(self) -> Path:
        """The log file."""
        return Path(self.log_file)

    def provider_key(self, provider: str) -> str:
        """The key of a provider; "" when none is set, or it has no such setting."""
        value = getattr(self, f"{provider}_api_key", None)
        return value.get_secret_value() if isinstance(value, SecretStr) else ""

    def provider_base(self, provider: str) -> str:
        """The address of a provider in place of its own; "" when none is set."""
        return str(getattr(self, f"{provider}_api_base", ""))

    def with_kept(self, secrets: Mapping[str, str]) -> Self:
        """The settings with kept secrets, by name, for those that no source names."""
        free = {
            name: SecretStr(value)
            for name, value in secrets.items()
            if self.origin(name) == DEFAULT_ORIGIN and name.lower() in type(self).model_fields
        }
        settings = self.model_copy(update={name.lower(): value for name, value in free.items()})
        settings._origins = {**self._origins, **dict.fromkeys(free, KEPT_ORIGIN)}  # noqa: SLF001
        return settings

    def secrets(self) -> tuple[str, ...]:
        """Every secret value that is set, to be kept out of all that is written."""
        values = [getattr(self, field) for field in type(self).model_fields]
        hidden = [one.get_secret_value() for one in values if isinstance(one, SecretStr)]
        passwords = [_password(one) for one in values if isinstance(one, str)]
        return tuple(dict.fromkeys(one for one in [*hidden, *passwords] if one))

    def logging(self, *, console_level: LogLevel = "WARNING") -> LogOptions:
        """What the logs need to know.

        Args:
            console_level: the least level on stderr, unless LOG_LEVEL asks for less.
        """
        return LogOptions(
            level=self.log_level,
            format=self.log_format,
            file=self.log_path,
            max_bytes=self.log_max_size,
            backup_count=self.log_backup_count,
            console_level=_LEVELS[max(map(_LEVELS.index, (console_level, self.log_level)))],
            secrets=self.secrets(),
        )

    def __repr__(self) -> str:
        # Never the values: an address may carry a password, and a repr ends up in logs.
        return f"<Settings: {len(self._origins)} set, the others by default>"

    __str__ = __repr__


def _password(text: str) -> str:
    if "://" not in text:
        return ""
    try:
        return unquote(urlsplit(text).password or "")
    except ValueError:  # no address after all
        return ""
