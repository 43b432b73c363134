"""A report as Markdown (CommonMark), nothing in it taken for markup that is not ours."""

from __future__ import annotations

import re
from collections.abc import Sequence

from wiseflow.core.report import Citation, Claim, Report, Section
from wiseflow.research.rendering.reading import (
    NOT_FOUND_TITLE,
    Reference,
    author_line,
    fact_rows,
    mark_of,
    paragraphs,
    printable,
    references,
    safe_address,
)

# ASCII punctuation that can begin an inline construct.
# Source: CommonMark 0.31.2, section 2.4 "Backslash escapes" and chapter 6 "Inlines".
_INLINE = re.compile(r"[\\`*\[\]<>~|]|&(?=[#\w])|(?<!\w)_|_(?!\w)|!(?=\[)")
_LINE_START = re.compile(r"\A(?:([#+\-=:])|(\d{1,9})([.)]))")
_DEEPEST_HEADING = 6


def to_markdown(report: Report) -> str:
    """The whole report as Markdown with numbered citations and a bibliography."""
    numbered = references(report)
    parts = [
        f"# {_text(report.title or report.topic)}",
        f"*{_inline(printable(author_line(report.author)))}*",
    ]
    if printable(report.topic).casefold() != printable(report.title).casefold():
        parts.append(f"Topic: {_text(report.topic)}")
    if report.summary:
        parts += ["## Summary", *_paragraphs(report.summary, numbered)]
    for section in report.sections:
        parts += _section(section, numbered, level=2)
    if report.not_found:
        parts += [f"## {NOT_FOUND_TITLE}", _items([_text(line) for line in report.not_found])]
    if numbered:
        parts += ["## Sources", *(_entry(reference) for reference in numbered.values())]
    rows = [f"{label}: {_text(value)}" for label, value in fact_rows(report)]
    parts += ["## Run facts", _items(rows)]
    return "\n\n".join(parts) + "\n"


def _section(section: Section, numbered: dict[str, Reference], *, level: int) -> list[str]:
    parts = [f"{'#' * min(level, _DEEPEST_HEADING)} {_text(section.title)}"]
    parts += _paragraphs(section.claims, numbered)
    for subsection in section.subsections:
        parts += _section(subsection, numbered, level=level + 1)
    return parts


def _paragraphs(claims: Sequence[Claim], numbered: dict[str, Reference]) -> list[str]:
    return [
        " ".join(_claim(claim, numbered, first=index == 0) for index, claim in enumerate(group))
        for group in paragraphs(claims)
    ]


def _claim(claim: Claim, numbered: dict[str, Reference], *, first: bool) -> str:
    text = _text(claim.text) if first else _inline(printable(claim.text))
    marks = dict.fromkeys(
        f"\\[{numbered[citation.source_id].number}{mark_of(citation.verdict)}\\]"
        for citation in claim.citations
    )
    return f"{text} {''.join(marks)}" if marks else text


def _entry(reference: Reference) -> str:
    source = reference.source
    title = _text(source.title or source.path or source.url or source.id)
    lines = [f"**\\[{reference.number}\\]** {title}"]
    address = safe_address(source.url)
    if address:
        lines.append(f"<{address}>")
    elif source.url:
        lines.append(_text(source.url))
    if source.path:
        lines.append(_text(source.path))
    if source.published:
        lines.append(f"published {_text(source.published)}")
    lines.append(f"source {_text(source.id)}")
    quotes = [_quote(citation) for citation in reference.quotes]
    return "  \n".join(lines) + ("\n\n" + _items(quotes) if quotes else "")


def _quote(citation: Citation) -> str:
    span = f"characters {citation.start}–{citation.end}, {citation.verdict}"
    return f"“{_inline(printable(citation.quote))}” ({span})"


def _items(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _text(text: str) -> str:
    """``text`` as it may begin a line."""
    line = printable(text)
    start = _LINE_START.match(line)
    if not start:
        return _inline(line)
    if start[1]:
        return "\\" + start[1] + _inline(line[1:])
    return f"{start[2]}\\{start[3]}{_inline(line[start.end() :])}"


def _inline(line: str) -> str:
    return _INLINE.sub(lambda match: "\\" + match[0], line)
