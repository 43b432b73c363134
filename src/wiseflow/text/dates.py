"""Reads the dates that documents name themselves."""

from __future__ import annotations

import re
from datetime import datetime

# Source: ISO 8601-1:2019, calendar dates in the extended format, with or without a time.
_ISO = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2}(?:[T ]\d{2}:\d{2}\S*)?)?)?$")
_PDF = re.compile(r"D:(\d{4})(\d{2})?(\d{2})?")


def iso_date(text: str) -> str:
    """``text`` if it is an ISO 8601 date (a year, a month or a day, maybe with a time), else ""."""
    text = text.strip()
    if not _ISO.match(text):
        return ""
    whole = text + "-01-01"[len(text) - 4 :] if len(text) < len("2000-01-01") else text
    try:
        datetime.fromisoformat(whole)
    except ValueError:
        return ""
    return text


def pdf_date(text: str) -> str:
    """The day in a PDF's date (``D:YYYYMMDD…``) in ISO 8601, or "".

    Source: ISO 32000-1:2008, section 7.9.4.
    """
    found = _PDF.match(text)
    return iso_date("-".join(part for part in found.groups() if part)) if found else ""
