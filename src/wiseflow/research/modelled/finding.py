"""Finds the answer in what a model wrote around it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wiseflow.research.modelled.lenient import values

_THOUGHTS = re.compile(
    r"\s*<(think|thinking|thought|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE
)
_THOUGHT_END = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_FENCE = re.compile(r"^[ \t]*```[\w-]*[ \t]*$\n?(.*?)(?:^[ \t]*```|\Z)", re.DOTALL | re.MULTILINE)


def candidates(text: str) -> Iterator[object]:
    """The JSON values that may be the answer, the likeliest first."""
    said = without_thoughts(text)
    fenced = without_fences(said)
    yield from values(fenced)
    if fenced is not said:
        yield from values(said)


def plain(text: str) -> str:
    """The lines of an answer, without thoughts and fences."""
    return without_fences(without_thoughts(text))


def without_thoughts(text: str) -> str:
    """``text`` without the thoughts before it."""
    kept = _THOUGHTS.sub("", text, count=1) if _THOUGHTS.match(text) else text
    # Some servers swallow the tag that opens the thoughts.
    end = _THOUGHT_END.search(kept)
    before = kept[: end.start()].lstrip() if end else ""
    return kept[end.end() :] if end and not before.startswith(("{", "[", "```")) else kept


def without_fences(text: str) -> str:
    """What stands in the first code fence of ``text``, or all of it where there is none."""
    fence = _FENCE.search(text)
    return fence[1] if fence and fence[1].strip() else text
