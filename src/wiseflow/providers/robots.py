"""What a robots.txt lets a program fetch. Pure: bytes in, rules out.

Source: RFC 9309. ``Crawl-delay`` is no part of it, but is written and meant by many. Patterns are
the host's, so they may be made to cost time: they are matched by finding their parts in order,
without any going back.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

# Source: RFC 9309, section 2.5: at least so much must be read; what follows is not.
MOST_BYTES: Final = 500 * 1024
# Source: RFC 9309, section 2.2.1: a product token has letters, hyphens and underscores only.
_TOKEN = re.compile(r"[A-Za-z_-]+")
_LINE_END = re.compile(r"\r\n|\r|\n")
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
# Source: RFC 3986, section 2.3.
_UNRESERVED: Final = frozenset(string.ascii_letters + string.digits + "-._~")
_SECONDS = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII)
_EVERYBODY: Final = "*"
_OWN_PATH: Final = "/robots.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of a robots.txt.

    Args:
        allows: whether what it matches may be fetched.
        pattern: of paths; ``*`` stands for anything, ``$`` at its end for the end.
    """

    allows: bool
    pattern: str

    def matches(self, path: str) -> bool:
        """Whether it is about ``path``, which is in the form that ``comparable`` gives."""
        anchored = self.pattern.endswith("$")
        first, star, rest = self.pattern.removesuffix("$").partition("*")
        if not path.startswith(first):
            return False
        if not star:
            return not anchored or len(path) == len(first)
        *between, last = rest.split("*")
        at = len(first)
        for part in between:
            found = path.find(part, at)
            if found < 0:
                return False
            at = found + len(part)
        if anchored:
            return path.endswith(last) and len(path) - len(last) >= at
        return path.find(last, at) >= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Robots:
    """What one program may fetch from one host.

    Args:
        rules: the one that decides first comes first.
        delay_s: seconds that the host wants between two requests; 0 when it does not say.
    """

    rules: tuple[Rule, ...] = ()
    delay_s: float = 0.0

    def allows(self, target: str) -> bool:
        """Whether the host lets a path, with its query, be fetched.

        Source: RFC 9309, section 2.2.2: the longest pattern that matches decides; among equally
        long ones the one that allows; and a robots.txt itself may always be fetched.
        """
        path = comparable(target)
        if path == _OWN_PATH:
            return True
        return next((rule.allows for rule in self.rules if rule.matches(path)), True)


@dataclass(slots=True, kw_only=True)
class _Group:
    """What a robots.txt says to some programs: rules follow the names they are for."""

    names: list[str] = field(default_factory=list[str])
    rules: list[Rule] = field(default_factory=list[Rule])
    delay_s: float = 0.0


def read_robots(body: bytes, product: str) -> Robots:
    """What a robots.txt says to a program; anything is read, and what is no rule is left out.

    Args:
        body: as it came; what is beyond 500 KiB is not read.
        product: the program's name, as at the beginning of its ``User-Agent``.
    """
    text = body[:MOST_BYTES].decode("utf-8-sig", "replace")
    groups = _groups(_records(text))
    ours = [group for group in groups if product.lower() in group.names]
    ours = ours or [group for group in groups if _EVERYBODY in group.names]
    rules = dict.fromkeys(rule for group in ours for rule in group.rules)
    return Robots(
        rules=tuple(sorted(rules, key=lambda one: (-len(one.pattern), not one.allows))),
        delay_s=max((group.delay_s for group in ours), default=0.0),
    )


def comparable(target: str) -> str:
    """A path or a pattern in the one form in which they are compared.

    Source: RFC 9309, section 2.2.2: octets beyond ASCII are percent-encoded, and an encoded one
    that need not be is taken as it is.
    """
    plain = _ESCAPED.sub(_unescaped, target)
    return quote(plain, safe=string.punctuation, errors="replace")


def _records(text: str) -> Iterator[tuple[str, str]]:
    """The key, in lower case, and the value of each line that has both a colon and a key."""
    for line in _LINE_END.split(text):
        key, colon, value = line.partition("#")[0].partition(":")
        if colon and key.strip():
            yield key.strip().lower(), value.strip()


def _groups(records: Iterator[tuple[str, str]]) -> list[_Group]:
    groups: list[_Group] = []
    for key, value in records:
        if key == "user-agent":
            if not groups or groups[-1].rules:
                groups.append(_Group())
            groups[-1].names.append(_name(value))
        elif groups:
            _add(groups[-1], key, value)
    return groups


def _add(group: _Group, key: str, value: str) -> None:
    if key == "crawl-delay":
        # It ends no list of names: whoever reads none of it must find the same groups.
        seconds = _SECONDS.match(value)
        group.delay_s = max(group.delay_s, float(seconds[0]) if seconds else 0.0)
    elif key in {"allow", "disallow"}:
        # An empty one says nothing, and still is a line of its group: names after it begin another.
        pattern = comparable(value) if value else ""
        pattern = pattern if pattern[:1] in {"/", "*", ""} else f"/{pattern}"
        group.rules.append(Rule(allows=key == "allow" or not pattern, pattern=pattern))


def _name(value: str) -> str:
    if value.startswith(_EVERYBODY):
        return _EVERYBODY
    found = _TOKEN.match(value)
    return found[0].lower() if found else ""


def _unescaped(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if character in _UNRESERVED else found[0].upper()
