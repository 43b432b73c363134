"""In which form a report is answered: by ``?format=``, or else by ``Accept``."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from starlette.exceptions import HTTPException

from wiseflow.core.report import Report
from wiseflow.research.rendering.json import report_to_json

LONGEST_ACCEPT = 50


class ReportFormat(StrEnum):
    """The forms of a report."""

    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"

    @property
    def media_type(self) -> str:
        """Its media type."""
        return _MEDIA_TYPES[self]


_MEDIA_TYPES = {
    ReportFormat.JSON: "application/json",
    ReportFormat.MARKDOWN: "text/markdown",
    ReportFormat.HTML: "text/html",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    kind: str
    quality: float

    def takes(self, media_type: str) -> bool:
        return self.kind in {"*/*", f"{media_type.partition('/')[0]}/*", media_type}


def chosen_format(asked: ReportFormat | None, accept: str) -> ReportFormat:
    """The form to answer in.

    Args:
        asked: by the address.
        accept: the header; "" when there is none.

    Raises:
        HTTPException: 406, as there is none of the forms it accepts.
    """
    if asked is not None or not accept.strip():
        return asked or ReportFormat.JSON
    ranges = [_wanted(part) for part in accept.split(",")[:LONGEST_ACCEPT]]
    best = max(ReportFormat, key=lambda form: _quality(ranges, form))
    if _quality(ranges, best) <= 0:
        known = ", ".join(form.media_type for form in ReportFormat)
        raise HTTPException(HTTPStatus.NOT_ACCEPTABLE, f"a report is given as {known}")
    return best


async def rendered(report: Report, form: ReportFormat, *, drawings: bool) -> bytes:
    """The report in a form, made beside the event loop."""
    return await asyncio.to_thread(lambda: _RENDERERS[form](report, drawings).encode())


def _quality(ranges: list[_Wanted], form: ReportFormat) -> float:
    """How much a form is wanted; the most exact range that takes it says so (RFC 9110, 12.5.1)."""
    fitting = [one for one in ranges if one.takes(form.media_type)]
    return min(fitting, key=lambda one: one.kind.count("*")).quality if fitting else 0.0


def _wanted(part: str) -> _Wanted:
    kind, *parameters = [one.strip().lower() for one in part.split(";")]
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name == "q":
            try:
                quality = min(max(float(value), 0.0), 1.0)
            except ValueError:
                quality = 0.0
    return _Wanted(kind=kind, quality=quality)


def _as_json(report: Report, _: bool) -> str:  # noqa: FBT001 - all renderers are called alike
    return json.dumps(report_to_json(report), ensure_ascii=False, separators=(",", ":"))


def _as_markdown(report: Report, _: bool) -> str:  # noqa: FBT001 - as above
    from wiseflow.research.rendering import markdown  # noqa: PLC0415 - templates are slow to load

    return markdown.to_markdown(report)


def _as_html(report: Report, drawings: bool) -> str:  # noqa: FBT001 - as above
    from wiseflow.research.rendering import html  # noqa: PLC0415 - templates are slow to load

    return html.to_html(report, drawings=drawings)


_RENDERERS: dict[ReportFormat, Callable[[Report, bool], str]] = {
    ReportFormat.JSON: _as_json,
    ReportFormat.MARKDOWN: _as_markdown,
    ReportFormat.HTML: _as_html,
}
