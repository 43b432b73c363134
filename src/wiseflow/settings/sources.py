"""Reads the four sources into texts with their places; what is wrong with them becomes problems.

Every source gives texts, so that a value is judged in one way wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from wiseflow.settings.names import environment_mistake, suggestion, unknown_in_yaml
from wiseflow.settings.registry import BY_NAME, BY_PLACE, GROUPS

LARGEST_FILE_BYTES = 1_048_576
ENVIRONMENT = "environment"
# Many programs write these so in the environment, and read both; capitals go first.
LOWER_CASE = frozenset({"https_proxy", "no_proxy"})

# Source: the form that Docker Compose and the usual dotenv readers share: an optional ``export``, a
# name, ``=``, and a value that is bare (up to `` #``), in single quotes (as it is) or in double
# quotes (with escapes). A value does not go on over lines and no ``${NAME}`` is filled in.
_LINE = re.compile(r"\s*(?:export\s+)?(?P<name>[^\s=#'\"]+)\s*=\s*(?P<value>.*)", re.DOTALL)
_SINGLE = re.compile(r"'(?P<text>[^']*)'\s*(?:#.*)?")
_DOUBLE = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"\s*(?:#.*)?')
_COMMENT = re.compile(r"(?:^|\s+)#.*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A setting as a source gives it.

    Args:
        name: of the setting.
        written: the name as the source writes it, which in YAML is another.
        text: its value as it was written.
        origin: where, in short, as ``config show`` prints it.
        place: where, in words, as errors name it.
    """

    name: str
    written: str
    text: str
    origin: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with a source: where, and what with its cure."""

    place: str
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceText:
    """What one source says."""

    readings: tuple[Reading, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_flags(flags: Mapping[str, str]) -> SourceText:
    """The settings given on the command line. Here an empty value is a value."""
    place = "the command line"
    return _sorted_out(
        Reading(name=name, written=name, text=text, origin="flag", place=place)
        if name in BY_NAME
        else Problem(place=place, what=f"there is no setting {name}{suggestion(name)}")
        for name, text in flags.items()
    )


def read_environment(environ: Mapping[str, str]) -> SourceText:
    """Our settings in the environment, and names there that were meant to be ours."""
    found: list[Reading | Problem] = []
    for name, text in environ.items():
        place = f"environment variable {name}"
        if name in BY_NAME or name in LOWER_CASE:
            if text and not (name in LOWER_CASE and environ.get(name.upper())):
                found.append(
                    Reading(
                        name=name.upper(), written=name, text=text, origin=ENVIRONMENT, place=place
                    )
                )
        elif what := environment_mistake(name):
            found.append(Problem(place=place, what=what))
    return _sorted_out(found)


def read_dotenv(path: Path) -> SourceText:
    """The settings of a ``.env`` file; nothing when there is none."""
    text = _text_of(path, absent="")
    if isinstance(text, Problem):
        return SourceText(problems=(text,))
    found: list[Reading | Problem] = []
    first: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        one = _dotenv_line(path, number, line)
        if isinstance(one, Reading) and (earlier := first.setdefault(one.name, number)) != number:
            what = f"{one.name} is set in line {earlier} already; keep one of the two"
            one = Problem(place=one.place, what=what)
        found.append(one)
    return _sorted_out(one for one in found if isinstance(one, Problem) or one.text)


def read_yaml(path: Path, *, named_by: str = "") -> SourceText:
    """The settings of a YAML file.

    Args:
        path: of the file.
        named_by: the setting that names it, told when it cannot be read; "" when the user did.
    """
    text = _text_of(path)
    if isinstance(text, Problem):
        place = f"{named_by} names {text.place}" if named_by else text.place
        return SourceText(problems=(replace(text, place=place),))
    # YAML is slow to load, and most commands are run without such a file.
    from wiseflow.settings.yaml_file import YamlFault, YamlValue, entries  # noqa: PLC0415

    found: list[Reading | Problem] = []
    for entry in entries(text, groups=GROUPS):
        place = f"{path}, line {entry.line}"
        match entry:
            case YamlFault():
                found.append(Problem(place=place, what=entry.what))
            case YamlValue(key=key) if key not in BY_PLACE:
                found.append(Problem(place=place, what=unknown_in_yaml(key)))
            case YamlValue(text=""):
                pass
            case YamlValue():
                name = BY_PLACE[entry.key].name
                origin = f"{path.name}:{entry.line}"
                found.append(
                    Reading(
                        name=name, written=entry.key, text=entry.text, origin=origin, place=place
                    )
                )
    return _sorted_out(found)


def _sorted_out(found: Iterable[Reading | Problem]) -> SourceText:
    all_found = tuple(found)
    return SourceText(
        readings=tuple(one for one in all_found if isinstance(one, Reading)),
        problems=tuple(one for one in all_found if isinstance(one, Problem)),
    )


def _dotenv_line(path: Path, number: int, line: str) -> Reading | Problem:
    place = f"{path}, line {number}"
    parts = _LINE.fullmatch(line)
    # A line is never quoted back: it may be a secret on its own.
    if parts is None:
        return Problem(place=place, what="this is not NAME=VALUE; write one setting a line")
    name, value = parts["name"], _dotenv_value(parts["value"].strip())
    if name not in BY_NAME:
        return Problem(place=place, what=f"there is no setting {name}{suggestion(name)}")
    if value is None:
        return Problem(place=place, what=f"the quotes around the value of {name} do not close")
    origin = f"{path.name}:{number}"
    return Reading(name=name, written=name, text=value, origin=origin, place=place)


def _dotenv_value(value: str) -> str | None:
    if value.startswith("'"):
        single = _SINGLE.fullmatch(value)
        return single and single["text"]
    if value.startswith('"'):
        double = _DOUBLE.fullmatch(value)
        return double and re.sub(
            r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), double["text"]
        )
    return _COMMENT.sub("", value, count=1)


def _text_of(path: Path, *, absent: str | None = None) -> str | Problem:
    try:
        if path.is_file() and path.stat().st_size > LARGEST_FILE_BYTES:
            return Problem(place=str(path), what="larger than 1 MiB, so it is no settings file")
        data = path.read_bytes()
    except FileNotFoundError:
        if absent is not None:
            return absent
        return Problem(place=str(path), what="there is no such file; check the path")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Problem(place=str(path), what=f"cannot be read ({reason}); check path and access")
    return _decoded(path, data)


def _decoded(path: Path, data: bytes) -> str | Problem:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Problem(
            place=f"{path}, line {line}", what="this is not UTF-8; save the file as UTF-8"
        )
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        return Problem(place=f"{path}, line {line}", what="a NUL character; this is no text file")
    return text
