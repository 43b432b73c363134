"""The authors that the front matter of a Markdown file names.

Read line by line instead of by a YAML parser: files are hostile, and of YAML only the few ways are
needed in which authors are written.
"""

from __future__ import annotations

import re

from wiseflow.text.bylines import names_in

_KEY = re.compile(r"authors?[ \t]*:[ \t]*(.*)$", re.IGNORECASE)
_ITEM = re.compile(r"[ \t]*-[ \t]+(.*)$")
_NAME = re.compile(r"[ \t]*name[ \t]*:[ \t]*(.*)$", re.IGNORECASE)
_FIELD = re.compile(r"\w+[ \t]*:(?:[ \t]|$)")
_QUOTES = " \t\"'"


def front_authors(front: str) -> list[str]:
    """The authors in front matter: ``author: A``, ``authors: [A, B]`` or a list of items.

    An item is a name, or has one in its field ``name``.

    Args:
        front: what lies between the lines of dashes.
    """
    lines = front.split("\n")
    for number, line in enumerate(lines):
        if found := _KEY.match(line):
            return _inline(found[1].strip()) or _items(lines[number + 1 :])
    return []


def _inline(value: str) -> list[str]:
    if value.startswith("["):
        return [part.strip(_QUOTES) for part in value.strip("[] \t").split(",")]
    return names_in(value.strip(_QUOTES))


def _items(lines: list[str]) -> list[str]:
    """The names in the lines up to the next field."""
    names: list[str] = []
    for line in lines:
        item = _ITEM.match(line)
        if not item and not line.startswith((" ", "\t")):
            break
        said = item[1] if item else line
        name = _NAME.match(said)
        if name or (item and not _FIELD.match(said)):
            names.append((name[1] if name else said).strip(_QUOTES))
    return names
