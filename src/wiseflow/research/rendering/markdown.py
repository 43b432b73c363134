"""A report as Markdown (CommonMark), nothing in it taken for markup that is not ours.

The page defines no link references and puts no text of others on two lines in a row or inside
emphasis, so brackets, pipes and most punctuation mean themselves and stand as they are; what is
escaped is only what could still begin a construct where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from wiseflow.core.report import Citation, Claim, Disagreement, Report, Section, Verdict
from wiseflow.research.rendering.reading import (
    NOT_FOUND_TITLE,
    Reference,
    author_line,
    disagreements_of,
    entry_line,
    fact_rows,
    marks_line,
    paragraphs,
    partial_line,
    printable,
    references,
    safe_address,
    shortened,
)

# What may begin an inline construct: a backslash escape, code, a tag or autolink, a character
# reference, the end of an inline link's text, and runs that can open emphasis or strikethrough
# (one that cannot open needs no escape: a closer alone is text). Many programs make links of
# addresses that are not marked; what a model wrote may lead anywhere, so they stay text.
# Source: CommonMark 0.31.2, 2.4 "Backslash escapes", 2.5 "Entity and numeric character
# references", chapter 6 "Inlines"; GitHub Flavored Markdown 6.5 "Strikethrough" and 6.9 "Autolinks
# (extension)".
_INLINE = re.compile(
    r"""\\(?=[!-/:-@\[-`{-~]|\Z)
    | `
    | <(?=[A-Za-z/!?])
    | &(?=(?:\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]*);)
    | \](?=\()
    | \*+(?=[^\s*])
    | (?<!\w)_+(?=[^\s_])
    | ~+(?=[^\s~])
    | :(?=//)
    | (?<=[wW]{3})\.(?=\w)""",
    re.VERBOSE,
)
# What may begin a block where a line begins, or a rule together with the mark of a list before it.
# Source: CommonMark 0.31.2, chapter 4 "Leaf blocks", chapter 5 "Container blocks"; task lists of
# GitHub Flavored Markdown 5.3.
_LINE_START = re.compile(
    r"""\d{1,9}(?=[.)](?:\s|\Z))
    | (?=\#{1,6}(?:\s|\Z)
       | [-+*:](?:\s|\Z)
       | >
       | ~~~
       | (?:[-_*]\s?)+\Z
       | \[[ xX]\]
       | \[.*\]:)""",
    re.VERBOSE,
)
_CLOSING = re.compile(r"(?<=\s)#+\Z")
_REFERENCES = {"<": "&lt;", "&": "&amp;"}
_DEEPEST_HEADING = 6
_QUOTE_CHARACTERS = 200


def to_markdown(report: Report) -> str:
    """The whole report as Markdown with numbered citations that lead to a bibliography."""
    numbered = references(report)
    title = report.title or report.topic
    parts = [_heading(1, title), _text(author_line(report.author))]
    parts += [_text(line) for line in (partial_line(report), marks_line(report)) if line]
    if printable(report.topic).casefold() != printable(title).casefold():
        parts.append(f"Topic: {_inline(printable(report.topic))}")
    if report.summary:
        parts += ["## Summary", *_paragraphs(report.summary, numbered)]
    for section in report.sections:
        parts += _section(report, section, numbered, level=2)
    if report.not_found:
        parts += [f"## {NOT_FOUND_TITLE}", _items([_text(line) for line in report.not_found])]
    if numbered:
        parts.append("## Sources")
        for reference in numbered.values():
            parts += _entry(reference)
    rows = [f"{label}: {_inline(printable(value))}" for label, value in fact_rows(report)]
    parts += ["## Run facts", _items(rows)]
    return "\n\n".join(parts) + "\n"


def line_of(text: str) -> str:
    """``text`` on one line, as it may begin one; none of it is markup."""
    return _text(text)


def _section(
    report: Report, section: Section, numbered: dict[str, Reference], *, level: int
) -> list[str]:
    parts = [_heading(level, section.title)]
    parts += _paragraphs(section.claims, numbered)
    parts += [_disagreement(one, numbered) for one in disagreements_of(report, section)]
    for subsection in section.subsections:
        parts += _section(report, subsection, numbered, level=level + 1)
    return parts


def _disagreement(one: Disagreement, numbered: dict[str, Reference]) -> str:
    told = (
        f"“{_inline(printable(value))}” [[{number}]](#source-{number}): “{_quoted(citation)}”"
        for value, citation in zip(one.values, one.citations, strict=True)
        for number in (numbered[citation.source_id].number,)
    )
    return f"Sources disagree: {'; but '.join(told)}"


def _paragraphs(claims: Sequence[Claim], numbered: dict[str, Reference]) -> list[str]:
    return [_paragraph(group, numbered) for group in paragraphs(claims)]


def _paragraph(group: Sequence[Claim], numbered: dict[str, Reference]) -> str:
    parts: list[str] = []
    for claim in group:
        parts += [
            _inline(printable(claim.text)) if any(parts) else _text(claim.text),
            "".join(_marks(claim, numbered)),
        ]
    return " ".join(filter(None, parts))


def _marks(claim: Claim, numbered: dict[str, Reference]) -> list[str]:
    marks = [
        _mark(numbered[citation.source_id].number, citation.verdict) for citation in claim.citations
    ]
    return list(dict.fromkeys(marks))


def _mark(number: int, verdict: Verdict) -> str:
    told = "" if verdict is Verdict.SUPPORTED else f", {verdict}"
    return f"[[{number}{told}]](#source-{number})"


def _entry(reference: Reference) -> list[str]:
    # Only headings get an anchor everywhere Markdown is shown without raw HTML, and only a
    # heading of fixed words gets the same one everywhere.
    source = reference.source
    rows: list[str] = []
    if source.url:
        address = safe_address(source.url)
        rows.append(f"<{address}>" if address else _text(source.url))
    if source.path:
        rows.append(_text(source.path))
    rows.append(f"source {_inline(printable(source.id))}")
    rows += [_quote(citation) for citation in reference.quotes]
    return [f"### Source {reference.number}", _text(entry_line(source)), _items(rows)]


def _quote(citation: Citation) -> str:
    span = f"characters {citation.start}–{citation.end}"
    return f"{citation.verdict}: “{_quoted(citation)}” ({span})"


def _quoted(citation: Citation) -> str:
    return _inline(shortened(printable(citation.quote), characters=_QUOTE_CHARACTERS))


def _items(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _heading(level: int, text: str) -> str:
    # Number signs after a space at the end of a heading would close it, and vanish.
    return f"{'#' * min(level, _DEEPEST_HEADING)} {_CLOSING.sub(_escape_first, _text(text))}"


def _text(text: str) -> str:
    """``text`` as it may begin a line."""
    line = printable(text)
    escaped = _inline(line)
    start = _LINE_START.match(line)
    place = start.end() if start else 0
    if not start or escaped[place] == "\\":
        return escaped
    return f"{escaped[:place]}\\{escaped[place:]}"


def _inline(line: str) -> str:
    return _INLINE.sub(_escape, line)


def _escape(run: re.Match[str]) -> str:
    # Not every Markdown program heeds a backslash before these two, and all know the references.
    return "".join(_REFERENCES.get(character, "\\" + character) for character in run[0])


def _escape_first(run: re.Match[str]) -> str:
    return "\\" + run[0]
