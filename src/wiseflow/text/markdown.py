"""Reads Markdown: headings noted, soft line breaks joined, inline markup taken off."""

from __future__ import annotations

import html
import re

from wiseflow.core.documents import ParsedDocument
from wiseflow.text.blocks import Blocks, one_line
from wiseflow.text.bylines import author_names
from wiseflow.text.dates import iso_date
from wiseflow.text.front_matter import front_authors

# Source for the block and inline forms: CommonMark 0.31 (https://spec.commonmark.org/0.31.2/).
_FRONT_MATTER = re.compile(r"---[ \t]*\n(.{0,20000}?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_FRONT_FIELD = re.compile(r"^(title|date|lang|language)[ \t]*:[ \t]*(.+)$", re.MULTILINE)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]|$)")
_SETEXT = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+\S")
_ROW = re.compile(r"[ \t]*\|")
_ROW_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_LONGEST_ROW_RULE = 2_000
_QUOTE = re.compile(r"^ {0,3}(?:> ?)+")
_DEFINITION = re.compile(r" {0,3}\[[^\]\n]{1,200}\]:[ \t]*\S")
_INDENTED = re.compile(r"(?: {4}|\t)")

_CODE_SPAN = re.compile(r"(?<!`)(`++)(.{1,300}?)(?<!`)\1(?!`)")
_IMAGE = re.compile(r"!\[([^\[\]\n]{0,500})\](?:\([^()\n]{0,2000}\)|\[[^\]\n]{0,200}\])")
_LINK = re.compile(
    r"\[([^\[\]\n]{1,1000})\](?:\((?:[^()\n]|\([^()\n]{0,500}\)){0,2000}\)|\[[^\]\n]{0,200}\])"
)
_NOTE = re.compile(r"\[\^[^\]\s]{1,50}\]:?")
_AUTOLINK = re.compile(r"<((?:https?|mailto):[^<>\s]{1,2000})>")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,500}>")
_STRONG = re.compile(r"(\*\*|__|~~)(?=\S)(.{1,300}?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]{1,1000}?)(?<=[^\s*])\*(?![\w*])")
_UNDERLINE = re.compile(r"(?<!\w)_(?=[^\s_])([^_\n]{1,1000}?)(?<=[^\s_])_(?!\w)")
# An escaped character waits as its code after a control character, which clean text has none of.
_WAITING = re.compile(r"\x02([0-9a-f]{2})")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")


def parse_markdown(text: str, *, characters: int) -> ParsedDocument:
    """The document that Markdown source describes.

    Code blocks keep their fences, so that later steps know them; lists keep their markers.

    Args:
        text: clean Markdown source.
        characters: the most the document's text may have.

    Raises:
        DocumentError: the text is too long.
    """
    fields: dict[str, str] = {}
    authors: list[str] = []
    front = _FRONT_MATTER.match(text)
    if front:
        authors = front_authors(front[1])
        fields = {key: value.strip(" \t\"'") for key, value in _FRONT_FIELD.findall(front[1])}
        text = text[front.end() :]
    reader = _Reader(Blocks(characters))
    for line in _without_comments(text).split("\n"):
        reader.line(line)
    reader.flush()
    return reader.blocks.document(
        title=fields.get("title", ""),
        published=iso_date(fields.get("date", "")),
        authors=author_names(authors),
    )


def plain(text: str) -> str:
    """``text`` without inline markup: emphasis, links, images, code marks, tags, escapes."""
    if not _has_markup(text):
        return text
    text = _ESCAPE.sub(lambda found: f"\x02{ord(found[1]):02x}", text)
    text = _AUTOLINK.sub(r"\1", _CODE_SPAN.sub(r"\2", text))
    text = _LINK.sub(r"\1", _IMAGE.sub(r"\1", _NOTE.sub("", text)))
    text = _TAG.sub("", text)
    for _ in range(2):
        text = _STRONG.sub(r"\2", text)
    text = _UNDERLINE.sub(r"\1", _EMPHASIS.sub(r"\1", text))
    return _WAITING.sub(lambda found: chr(int(found[1], 16)), html.unescape(text))


def _without_comments(text: str) -> str:
    kept: list[str] = []
    start = 0
    while (opening := text.find("<!--", start)) >= 0:
        closing = text.find("-->", opening)
        if closing < 0:
            break
        kept.append(text[start:opening])
        start = closing + len("-->")
    return "".join((*kept, text[start:]))


def _without_closing_marks(heading: str) -> str:
    text = heading.strip()
    bare = text.rstrip("#")
    return bare if not bare or bare[-1] in " \t" else text


def _has_markup(text: str) -> bool:
    return any(mark in text for mark in "*_`[<\\&~")


class _Reader:
    """Reads lines one by one; holds the block that is open."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        self._paragraph: list[str] = []
        self._lines: list[str] = []
        self._fence = ""
        self._after_blank = True

    def line(self, line: str) -> None:
        """Take the next line."""
        if self._fence:
            self._in_fence(line)
        else:
            self._outside(line)
        self._after_blank = not line.strip()

    def flush(self) -> None:
        """Close the open block."""
        if self._paragraph:
            self._lines.append(plain(" ".join(self._paragraph)))
            self._paragraph = []
        if self._lines:
            self.blocks.paragraph("\n".join(self._lines))
            self._lines = []
        self._fence = ""

    def _in_fence(self, line: str) -> None:
        self._lines.append(line)
        mark = _FENCE.match(line)
        if mark and mark[1].startswith(self._fence) and not line[mark.end() :].strip():
            self.flush()

    def _outside(self, line: str) -> None:
        if not line.strip():
            self.flush()
            return
        fence = _FENCE.match(line)
        if fence:
            self.flush()
            self._fence = fence[1]
            self._lines.append(line)
        elif not (self._heading(line) or self._skipped(line)):
            self._content(_QUOTE.sub("", line, count=1))

    def _heading(self, line: str) -> bool:
        atx = _ATX.match(line)
        if atx:
            self.flush()
            self.blocks.heading(len(atx[1]), plain(_without_closing_marks(line[atx.end() :])))
            return True
        setext = _SETEXT.match(line)
        if setext and self._paragraph and not self._lines:
            text, self._paragraph = plain(one_line(" ".join(self._paragraph))), []
            self.blocks.heading(1 if setext[1][0] == "=" else 2, text)
            return True
        return False

    def _skipped(self, line: str) -> bool:
        if _RULE.match(line):
            self.flush()
            return True
        if "|" in line and len(line) < _LONGEST_ROW_RULE and _ROW_RULE.match(line):
            return True
        return bool(_DEFINITION.match(line)) and not self._paragraph

    def _content(self, line: str) -> None:
        if _ROW.match(line):
            self._close_paragraph()
            self._lines.append(plain(line.strip()))
        elif _ITEM.match(line):
            self._close_paragraph()
            self._paragraph = [line.strip()]
        elif self._is_code(line):
            self._lines.append(line)
        else:
            self._paragraph.append(line.strip())

    def _is_code(self, line: str) -> bool:
        opens = self._after_blank or bool(self._lines)
        return opens and not self._paragraph and bool(_INDENTED.match(line))

    def _close_paragraph(self) -> None:
        if self._paragraph:
            self._lines.append(plain(" ".join(self._paragraph)))
            self._paragraph = []
