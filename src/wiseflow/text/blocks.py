"""Puts a document's text together from blocks, and notes where its headings start."""

from __future__ import annotations

import re

from wiseflow.core.documents import Heading, ParsedDocument
from wiseflow.core.errors import DocumentError
from wiseflow.text.encoding import clean

_SPACES = re.compile(r"[ \t\xa0\u2000-\u200a\u202f\u3000]+")
_LONGEST_TITLE = 300


class Blocks:
    """A document under construction: blocks of text with a blank line between them.

    Args:
        characters: the most the document's text may have.
    """

    def __init__(self, characters: int) -> None:
        self._characters = characters
        self._parts: list[str] = []
        self._headings: list[Heading] = []
        self._length = 0

    @property
    def length(self) -> int:
        """Characters so far."""
        return self._length

    def paragraph(self, text: str) -> None:
        """Add a block; blank text adds nothing.

        Raises:
            DocumentError: the document's text is too long.
        """
        text = clean(text).strip()
        if not text:
            return
        if self._parts:
            self._length += 2
        self._parts.append(text)
        self._length += len(text)
        if self._length > self._characters:
            raise DocumentError(f"the text has more than {self._characters:,} characters")

    def heading(self, level: int, text: str) -> None:
        """Add a heading of depth ``level`` (1 is the highest) as a block of its own.

        Raises:
            DocumentError: the document's text is too long.
        """
        text = one_line(clean(text))
        if not text:
            return
        start = self._length + 2 if self._parts else 0
        self.paragraph(text)
        self._headings.append(Heading(level=level, text=text, start=start))

    def document(
        self,
        *,
        title: str = "",
        published: str = "",
        language: str = "",
        authors: tuple[str, ...] = (),
        site: str = "",
    ) -> ParsedDocument:
        """The document made of the blocks; its first heading serves where it has no title."""
        first = self._headings[0].text if self._headings else ""
        return ParsedDocument(
            text="\n\n".join(self._parts),
            title=one_line(clean(title))[:_LONGEST_TITLE] or first[:_LONGEST_TITLE],
            published=published,
            language=language,
            authors=authors,
            site=site,
            headings=tuple(self._headings),
        )


def one_line(text: str) -> str:
    """``text`` with every run of white space as one space."""
    return " ".join(text.split())


def tidy_lines(text: str) -> str:
    """``text`` with runs of spaces as one space, line by line, and without blank lines."""
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)
