"""Loads the settings from their sources, and names everything that is wrong at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from wiseflow.core.errors import ConfigurationError
from wiseflow.observability.redaction import Redactor, mask_url_passwords
from wiseflow.settings.model import Settings
from wiseflow.settings.registry import BY_NAME, AllSettings
from wiseflow.settings.sources import (
    ENVIRONMENT,
    Problem,
    Reading,
    SourceText,
    read_dotenv,
    read_environment,
    read_flags,
    read_yaml,
)

__all__ = ["Settings", "load_settings"]

LONGEST_SHOWN = 60
_NO_FLAGS: Mapping[str, str] = {}


def load_settings(
    *,
    environ: Mapping[str, str],
    flags: Mapping[str, str] = _NO_FLAGS,
    dotenv: Path | None = None,
    yaml_file: Path | None = None,
) -> Settings:
    """The settings that hold: flags before environment, ``.env``, YAML and defaults.

    Args:
        environ: the environment's variables, ours and all others.
        flags: values given on the command line, by name.
        dotenv: a ``.env`` file, read if it is there.
        yaml_file: a YAML file, which must be there; ``None`` for the one ``WISEFLOW_CONFIG`` names,
            if it is set.

    Raises:
        ConfigurationError: settings are unknown, wrong or in conflict; each is named with its
            place and its cure.
    """
    sources = [read_flags(flags), read_environment(environ)]
    files: list[Path] = []
    if dotenv is not None:
        sources.append(read_dotenv(dotenv))
        files.extend([dotenv] if dotenv.is_file() else [])
    named = _named_file(sources) if yaml_file is None else None
    if yaml_file is not None:
        sources.append(read_yaml(yaml_file))
        files.append(yaml_file)
    elif named is not None:
        sources.append(read_yaml(Path(named.text), named_by=f"{named.place}: WISEFLOW_CONFIG"))
        files.append(Path(named.text))
    return _settled(sources, files)


def _named_file(sources: Sequence[SourceText]) -> Reading | None:
    named = (
        reading
        for source in sources
        for reading in source.readings
        if reading.name == "WISEFLOW_CONFIG" and reading.text
    )
    return next(named, None)


def _settled(sources: Sequence[SourceText], files: Sequence[Path]) -> Settings:
    problems: list[Problem] = []
    winners: dict[str, Reading] = {}
    for source in sources:
        # A value that a stronger source overrides must be right all the same, or it would surprise
        # on the day the other is taken away.
        wrong = _wrong(source.readings)
        problems.extend([*source.problems, *wrong.values()])
        for reading in source.readings:
            if reading.name not in wrong:
                winners.setdefault(reading.name, reading)
    settings = AllSettings.holding(
        {reading.name.lower(): reading.text for reading in winners.values()},
        origins={name: reading.origin for name, reading in winners.items()},
        files=files,
    )
    problems.extend(_conflicts(settings, winners))
    shown = [problem for problem in problems if problem.what]
    if shown:
        raise ConfigurationError(_told(shown))
    return settings


def _wrong(readings: Sequence[Reading]) -> dict[str, Problem]:
    try:
        AllSettings.model_validate({reading.name.lower(): reading.text for reading in readings})
    except ValidationError as error:
        fields = {str(one["loc"][0]).upper() for one in error.errors(include_url=False)}
        return {one.name: _problem(one) for one in readings if one.name in fields}
    return {}


def _problem(reading: Reading) -> Problem:
    setting = BY_NAME[reading.name]
    if not setting.used and reading.origin == ENVIRONMENT:
        # Other programs give these names values of their own (Kubernetes sets REDIS_PORT to an
        # address), and this version reads none of them: passed over without a word.
        return Problem(place=reading.place, what="")
    shown = "the value given" if setting.secret else repr(_short(reading.text))
    what = f"{reading.written} must be {setting.expects}, not {shown}"
    return Problem(place=reading.place, what=what)


def _short(text: str) -> str:
    safe = Redactor().text(mask_url_passwords(text))
    return safe if len(safe) <= LONGEST_SHOWN else f"{safe[:LONGEST_SHOWN]}…"


def _conflicts(settings: Settings, winners: Mapping[str, Reading]) -> list[Problem]:
    if settings.job_heartbeat_s * 2 <= settings.job_lease_s:
        return []
    given = winners.get("JOB_HEARTBEAT_S") or winners["JOB_LEASE_S"]
    what = (
        f"JOB_HEARTBEAT_S ({settings.job_heartbeat_s:g}) must be at most half of JOB_LEASE_S "
        f"({settings.job_lease_s:g}), or a late sign of life costs a running research; change one"
    )
    return [Problem(place=given.place, what=what)]


def _told(problems: Sequence[Problem]) -> str:
    if len(problems) == 1:
        return str(problems[0])
    lines = [f"  {problem}" for problem in problems]
    return "\n".join([f"{len(problems)} settings are wrong:", *lines])
