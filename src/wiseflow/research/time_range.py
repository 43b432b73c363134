"""The days of publication that a research asks for: written, read, and held against a date. Pure.

::

    2020-01-01..2024-12-31   from the first day to the last, both included
    2020..2024-06            a year or a month stands for all of its days
    2020-01-01..             since then
    ..2024                   until then
    2020                     that year; 2020-03 that month
    5y  6m  2w  30d          the last years, months, weeks or days before the research was asked for

Source: ISO 8601-1:2019 for dates; the two dots are those of ISO 8601-2 (EDTF), open ends included.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from wiseflow.core.errors import InvalidInput

FORMS = "Give days as 2020-01-01..2024-12-31, 2020.. or ..2024, or what is past as 5y, 6m, 2w, 30d"
LONGEST = 40  # characters
_PART = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_PAST = re.compile(r"([1-9]\d{0,4})([ymwd])", re.ASCII)
_MONTHS = {"y": 12, "m": 1}
_DAYS = {"w": 7, "d": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days of publication.

    Args:
        since, until: the first and the last as ISO dates; "" for an open end.
    """

    since: str = ""
    until: str = ""

    def holds(self, published: str) -> bool:
        """Whether something published then is of it; a date that is not known may be.

        Args:
            published: an ISO date or its beginning, or "" when not known.
        """
        if not published:
            return True
        # Of a year alone, all days are looked at: one of them may be of the period.
        last = published + "9" * (len(date.max.isoformat()) - len(published))
        return last >= self.since and (not self.until or published <= self.until)


ALWAYS = Period()


def read_period(text: str | None, today: date) -> Period:
    """The period that a text stands for.

    Args:
        text: in one of the forms above; ``None`` or "" for all days.
        today: what is past is counted from; the day a research was asked for, so that it asks for
            the same when it is resumed.

    Raises:
        InvalidInput: it is of no such form, is no day, or ends before it begins.
    """
    wanted = (text or "").strip().lower()
    if not wanted:
        return ALWAYS
    if len(wanted) > LONGEST:
        raise _unreadable(wanted)
    if past := _PAST.fullmatch(wanted):
        return Period(since=_before(today, int(past[1]), past[2]))
    first, dots, last = wanted.partition("..")
    if not dots:
        return Period(since=_days(wanted)[0].isoformat(), until=_days(wanted)[1].isoformat())
    if not (first or last):
        raise _unreadable(wanted)
    since = _days(first)[0].isoformat() if first else ""
    until = _days(last)[1].isoformat() if last else ""
    if since and until and since > until:
        raise InvalidInput(f"the time range {wanted!r} ends before it begins", cure="Swap its ends")
    return Period(since=since, until=until)


def _days(part: str) -> tuple[date, date]:
    """The first and the last day of a year, a month or a day."""
    found = _PART.fullmatch(part)
    if found is None:
        raise _unreadable(part)
    year, month, day = (int(one) if one else 0 for one in found.groups())
    try:
        first = date(year, month or 1, day or 1)
    except ValueError:
        raise InvalidInput(
            f"the time range names {part!r}, which is no day", cure="Name one of the calendar"
        ) from None
    if day:
        return first, first
    months = month or 12
    return first, date(year, months, monthrange(year, months)[1])


def _before(today: date, count: int, unit: str) -> str:
    """So many units before a day, at the latest its month's last; "" before the calendar begins."""
    try:
        if unit in _DAYS:
            return (today - timedelta(days=count * _DAYS[unit])).isoformat()
        months = today.year * 12 + today.month - 1 - count * _MONTHS[unit]
        year, month = divmod(months, 12)
        return date(year, month + 1, min(today.day, monthrange(year, month + 1)[1])).isoformat()
    except (ValueError, OverflowError):
        return ""


def _unreadable(text: str) -> InvalidInput:
    return InvalidInput(f"the time range {text[:LONGEST]!r} cannot be read", cure=FORMS)
