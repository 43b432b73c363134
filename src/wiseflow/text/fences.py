"""Finds where fenced blocks of code end."""

from __future__ import annotations

import re

# Source: CommonMark 0.31, section 4.5.
_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})")


class Fences:
    """The fenced blocks of ``text[:end]``; asked in the order of the text, in linear time.

    Args:
        text: any text.
        end: where to stop looking, in characters.
    """

    def __init__(self, text: str, end: int) -> None:
        self._text = text
        self._end = end
        self._never_closed: set[str] = set()

    def end_of_block(self, start: int) -> int | None:
        """Where the block ends whose fence is on the line that begins at ``start``.

        ``None`` when there is no fence. A fence that is never closed covers its paragraph only, so
        that a stray one costs little.
        """
        fence = _FENCE.match(self._text, start, self._end)
        if fence is None:
            return None
        mark = fence[1]
        if mark not in self._never_closed:
            closing = re.compile(rf"\n[ \t]*{mark}[ \t]*(?=\n|$)")
            found = closing.search(self._text, fence.end(), self._end)
            if found:
                return found.end()
            self._never_closed.add(mark)
        blank = self._text.find("\n\n", fence.end(), self._end)
        return blank if blank >= 0 else self._end
