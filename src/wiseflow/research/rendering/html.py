"""A report as one HTML file: own style, no scripts, nothing fetched from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from wiseflow.core.report import Report
from wiseflow.research.rendering.reading import (
    NOT_FOUND_TITLE,
    author_line,
    fact_rows,
    mark_of,
    paragraphs,
    printable,
    references,
    safe_address,
    verdict_line,
)


def to_html(report: Report) -> str:
    """The whole report as one page that needs nothing else, with the quote behind each citation."""
    return _template().render(
        report=report,
        references=references(report),
        author_line=author_line(report.author),
        verdict_line=verdict_line(report),
        facts=fact_rows(report),
        not_found_title=NOT_FOUND_TITLE,
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("wiseflow.research.rendering", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., object]] = {
        "printable": printable,
        "address": safe_address,
        "paragraphs": paragraphs,
        "mark": mark_of,
    }
    environment.filters.update(filters)  # pyright: ignore[reportArgumentType, reportCallIssue] - jinja2 types filters by its own
    return environment.get_template("report.html")
