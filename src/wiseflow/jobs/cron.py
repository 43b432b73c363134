"""When a cron expression is due next on the clock of a time zone. Pure.

Fixed times (neither minute nor hour begins with ``*``) go by the clock on the wall: one that the
clock jumps over is due right after the jump, and one that the clock shows twice is due the first
time. What repeats (minute or hour begins with ``*``) goes by the time that passes: what is jumped
over is not due, and an hour that comes twice is gone through twice.

Source: cron(8) of Debian, "daylight saving time"; read as such by the library cronsim.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from wiseflow.core.errors import ConfigurationError, InvalidInput

if TYPE_CHECKING:
    from cronsim import CronSim, CronSimError

LONGEST = 200
# Source: crontab(5). ``@reboot`` is no time.
NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# Name, least, most, and the words that stand for numbers.
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ("L", "LW")),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 7, _DAYS),
)
# Times that the clock shows twice are gone through once: at most the minutes of two hours.
_MOST_BACK = 150
_TOKEN = re.compile(r"\d+|[A-Za-z]+")


def check_cron(cron: str) -> str:
    """The expression with single spaces.

    Raises:
        InvalidInput: it is none, or its time never comes; the field is named, and what it may be.
        ConfigurationError: the library that reads it is not installed.
    """
    text = " ".join(cron.split())
    if text.startswith("@"):
        return _named(text)
    fields = text.split(" ")
    if len(text) > LONGEST or len(fields) != len(_FIELDS):
        raise InvalidInput(
            f"cron: {text[:LONGEST]!r} has {len(fields)} fields",
            cure="Write five: minute, hour, day of the month, month, day of the week; or @daily",
        )
    for number, field in enumerate(fields):
        if not _reads(_alone(field, number)):
            raise _bad_field(fields, number)
    if not _reads(text):
        raise InvalidInput(f"cron: the time of {text!r} never comes", cure="No month is that long")
    if next_time(text, "UTC", 0.0) is None:
        raise InvalidInput(f"cron: the time of {text!r} never comes", cure="Give another day")
    return text


def check_time_zone(name: str) -> str:
    """The name of a time zone.

    Raises:
        InvalidInput: there is none of that name; the nearest ones are named.
    """
    if name in _zones():
        return name
    near = _near_zones(name.strip())
    cure = f"Did you mean {' or '.join(near)}?" if near else "Name one like Europe/Berlin, or UTC"
    raise InvalidInput(f"time_zone: there is no time zone {name[:LONGEST]!r}", cure=cure)


def next_time(cron: str, time_zone: str, after: float) -> float | None:
    """When it is due next, in whole seconds since the epoch; ``None`` for never.

    Args:
        cron: that ``check_cron`` gave.
        time_zone: that ``check_time_zone`` gave.
        after: seconds since the epoch; the answer is later.
    """
    begin = datetime.fromtimestamp(after, UTC).astimezone(ZoneInfo(time_zone))
    for found in islice(_times(NAMED.get(cron, cron), begin), _MOST_BACK):
        if found.timestamp() > after:
            return found.timestamp()
    return None


def _times(cron: str, begin: datetime) -> Iterator[datetime]:
    return _library()[0](cron, begin)


def _reads(cron: str) -> bool:
    simulated, error = _library()
    try:
        simulated(cron, datetime(2000, 1, 1, tzinfo=UTC))
    except (error, ValueError):  # ValueError: a number of very many digits
        return False
    return True


def _library() -> tuple[type[CronSim], type[CronSimError]]:
    """The class and the error of the library, which comes with an extra."""
    try:
        from cronsim import CronSim, CronSimError  # noqa: PLC0415 - of an extra
    except ImportError:
        raise ConfigurationError(
            "schedules need the package cronsim", cure="Install it: pip install 'wiseflow[server]'"
        ) from None
    return CronSim, CronSimError


def _named(text: str) -> str:
    if text.lower() in NAMED:
        return text.lower()
    near = difflib.get_close_matches(text.lower(), NAMED, n=1, cutoff=0.5)
    meant = f"Did you mean {near[0]}? " if near else ""
    raise InvalidInput(
        f"cron: {text[:LONGEST]!r} is no name of a time", cure=f"{meant}There is {', '.join(NAMED)}"
    )


def _alone(field: str, number: int) -> str:
    return " ".join(field if place == number else "*" for place in range(len(_FIELDS)))


def _bad_field(fields: list[str], number: int) -> InvalidInput:
    name, least, most, _ = _FIELDS[number]
    nearest = _nearest(fields[number], number)
    right = " ".join([*fields[:number], nearest, *fields[number + 1 :]])
    meant = f"Did you mean {right!r}? " if _reads(_alone(nearest, number)) else ""
    return InvalidInput(
        f"cron: {fields[number]!r} is no {name} (field {number + 1})",
        cure=f"{meant}It is {least}–{most}, a list, a range or a step, as {least},{most} or */5",
    )


def _nearest(field: str, number: int) -> str:
    """The field with numbers brought into its bounds, and words into known ones."""
    _, least, most, known = _FIELDS[number]

    def right(token: re.Match[str]) -> str:
        text = token[0]
        if text.isdigit():
            is_step = token.start() > 0 and field[token.start() - 1] in "/#"
            low = 1 if is_step else least
            return str(min(max(int(text[:9]), low), most))
        near = difflib.get_close_matches(text.upper()[:20], known, n=1, cutoff=0.4)
        return near[0] if near else text

    return _TOKEN.sub(right, field)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _near_zones(name: str) -> list[str]:
    """The zones that are most like a name, by all of it or by the place at its end."""
    wanted = name.casefold().replace(" ", "_")[:LONGEST]
    whole = {zone.casefold(): zone for zone in sorted(_zones())}
    if wanted in whole:
        return [whole[wanted]]
    places = {zone.rpartition("/")[2]: real for zone, real in whole.items() if "/" in zone}
    place = wanted.rpartition("/")[2]
    near = [
        *(places[one] for one in _close(place, places)),
        *(whole[one] for one in _close(wanted, whole)),
    ]
    return list(dict.fromkeys(near))[:2]


def _close(text: str, among: Iterable[str]) -> list[str]:
    return difflib.get_close_matches(text, list(among), n=1, cutoff=0.75)
