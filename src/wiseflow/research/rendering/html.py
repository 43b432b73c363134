"""A report as one HTML file: own style, no scripts, nothing fetched from elsewhere."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache, partial
from hashlib import sha256

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from wiseflow.core.report import Report
from wiseflow.research.picturing import pictures_of
from wiseflow.research.rendering.drawing import Drawing, drawings_of
from wiseflow.research.rendering.reading import (
    CONTROL,
    NOT_FOUND_TITLE,
    author_line,
    disagreements_of,
    ended,
    fact_rows,
    figures,
    imprint_line,
    label_of,
    marks_line,
    names_line,
    paragraphs,
    partial_line,
    printable,
    references,
    safe_address,
)

# A language tag as far as a page needs it. Source: RFC 5646, section 2.1.
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
# Languages written from right to left, by their ISO 639-1 codes. Source: Unicode CLDR,
# characterOrder.
_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
# What a page cannot hold as itself: HTML drops or remaps it, or UTF-8 has no form for it.
# Source: HTML standard, 13.2.5.80 "Numeric character reference end state".
_LOST = re.compile(r"[\x00\x7f-\x9f\ud800-\udfff]")


def to_html(report: Report, *, drawings: bool = False) -> str:
    """The whole report as one page that needs nothing else, with the quote behind each citation.

    Args:
        report: any.
        drawings: whether to draw who is named by which sources, when, and how the run went.
    """
    language = language_tag(report.language)
    template, style = _page()
    return template.render(
        report=report,
        language=language,
        direction="rtl" if language[:2].lower() in _RIGHT_TO_LEFT else "ltr",
        style=style,
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
        references=references(report),
        drawings=_drawings(report) if drawings else [],
        author_line=author_line(report.author),
        partial_line=partial_line(report),
        marks_line=marks_line(report),
        disagreements_of=partial(disagreements_of, report),
        facts=fact_rows(report),
        figures=figures(report),
        not_found_title=NOT_FOUND_TITLE,
    )


def _drawings(report: Report) -> list[Drawing]:
    numbers = {key: reference.number for key, reference in references(report).items()}
    return drawings_of(pictures_of(report), numbers)


def language_tag(language: str) -> str:
    """``language`` if it is a tag a browser knows how to read, else ``en``."""
    return language if _LANGUAGE_TAG.fullmatch(language) else "en"


def exact(text: str) -> Markup:
    """``text`` character for character, with controls shown and kept from acting on what is near.

    Only what HTML has no form for (NUL, C1 controls, lone surrogates) is replaced.
    """
    parts: list[Markup] = []
    last = 0
    for control in CONTROL.finditer(text):
        parts += [_plain(text[last : control.start()]), _shown(control[0])]
        last = control.end()
    parts.append(_plain(text[last:]))
    return Markup("").join(parts)


def _plain(text: str) -> Markup:
    # A browser reads a bare carriage return as a line feed; the reference keeps it.
    return escape(text).replace("\r", Markup("&#13;"))


def _shown(control: str) -> Markup:
    code = ord(control)
    kept = "\N{REPLACEMENT CHARACTER}" if _LOST.match(control) else Markup("&#{};").format(code)
    # bdi ends at its own end what the character began, so nothing after it turns round.
    return Markup('<bdi class="control" data-code="U+{code}">{kept}</bdi>').format(
        code=f"{code:04X}", kept=kept
    )


@lru_cache(maxsize=1)
def _page() -> tuple[Template, Markup]:
    loader = PackageLoader("wiseflow.research.rendering", "templates")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., object]] = {
        "printable": printable,
        "exact": exact,
        "address": safe_address,
        "label": label_of,
        "names": names_line,
        "imprint": imprint_line,
        "ended": ended,
        "paragraphs": paragraphs,
    }
    environment.filters.update(filters)  # pyright: ignore[reportArgumentType, reportCallIssue] - jinja2 types filters by its own
    style, _, _ = loader.get_source(environment, "report.css")
    return environment.get_template("report.html"), Markup(style)  # noqa: S704 - our own file
