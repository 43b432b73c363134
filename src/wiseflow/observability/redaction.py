"""Takes secrets out of whatever is to be shown: known values, and what looks like one."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, cast
from urllib.parse import quote

HIDDEN = "[hidden]"

# A shorter value would blot out ordinary words everywhere, and guards nothing.
SHORTEST_SECRET = 4
DEEPEST = 6
LONGEST_TEXT = 32_768
# What is looked through of a longer text, and the end of that which is then not shown: a secret may
# have been cut in two there.
LONGEST_READ = 131_072
CUT_MARGIN = 8_192
MOST_ITEMS = 200
# What has been looked through lately is known: names, sentences, routes.
SHORT = 100
KEPT = 2_048

_URL_PASSWORD = re.compile(
    r"(?P<before>[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s/?#:@'\"]{0,512}:)[^\s'\"]{0,512}@"
)

# Each pattern keeps its group ``before`` and hides the rest.
# Source: the key formats the providers document; RFC 6750 and RFC 7617 for the schemes, RFC 7519
# for JSON web tokens, RFC 7468 for private keys.
_PATTERNS = (
    re.compile(
        r"(?P<before>)-----BEGIN [A-Z ]*PRIVATE KEY-----"
        r"[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    ),
    _URL_PASSWORD,
    re.compile(r"(?P<before>\b(?:bearer|basic|token)\s+)[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(
        r"(?P<before>(?:api[_-]?key|secret(?:[_-]?key)?|passw(?:or)?d|access[_-]?token"
        r"|auth[_-]?token|refresh[_-]?token|\btoken)\\*[\"']?\s*[=:]\s*\\*[\"']?)"
        r"(?!\[hidden\])[^\s\"'&,;}\]\\]+",
        re.IGNORECASE,
    ),
    re.compile(r"(?P<before>authorization\\?[\"']?\s*[=:]\s*)[^\r\n]+", re.IGNORECASE),
    re.compile(r"(?P<before>)\b(?:sk|pk|rk|tvly|pplx|xai|gsk|hf|ntn|secret)[-_][\w-]{16,}"),
    re.compile(r"(?P<before>\bwf_[0-9a-z]{12}_)[0-9a-z]{8,}"),
    re.compile(r"(?P<before>)\bgh[pousr]_\w{20,}|\bxox[abeoprs]-[\w-]{10,}"),
    re.compile(r"(?P<before>)\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{35}"),
    re.compile(r"(?P<before>)(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*"),
)
_SECRET_NAME = re.compile(
    r"(?:^|[_.-])(?:api[_-]?key|secret|secret[_-]?key|passwd|password|pwd|token|authorization"
    r"|cookie|credentials?|private[_-]?key)$",
    re.IGNORECASE,
)


def mask_url_passwords(text: str) -> str:
    """The text with the password of every address in it hidden."""
    return _URL_PASSWORD.sub(rf"\g<before>{HIDDEN}@", text)


class Redactor:
    """Hides secrets in texts and in fields of any kind.

    Args:
        secrets: the values to hide wherever they stand, also quoted for an address or for JSON.
            Those under four characters are left to the patterns.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None
        self._often = lru_cache(maxsize=KEPT)(self._searched)

    def text(self, text: str) -> str:
        """The text without secrets, cut when it is very long."""
        return self._often(text) if len(text) <= SHORT else self._searched(text)

    def _searched(self, text: str) -> str:
        cut = len(text) > LONGEST_READ
        text = text[:LONGEST_READ]
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for pattern in _PATTERNS:
            text = pattern.sub(_hide, text)
        # Cut last: a secret cut in half would not be known any more.
        if cut:
            text = text[:-CUT_MARGIN]
        return f"{text[:LONGEST_TEXT]}… [cut]" if cut or len(text) > LONGEST_TEXT else text

    def fields(self, fields: Mapping[str, object]) -> dict[str, object]:
        """The fields as values JSON can hold, without secrets in names or values."""
        return self._mapping(fields, DEEPEST)

    def _mapping(self, mapping: Mapping[Any, object], depth: int) -> dict[str, object]:
        plain: dict[str, object] = {}
        for key, value in list(mapping.items())[:MOST_ITEMS]:
            name = self.text(_described(key))
            hidden = _SECRET_NAME.search(name) and not isinstance(value, int | float | None)
            plain[name] = HIDDEN if hidden else self._plain(value, depth - 1)
        return plain

    def _plain(self, value: object, depth: int) -> object:
        match value:
            case None | bool() | int():
                return self._number(value)
            case float():
                return value if math.isfinite(value) else str(value)
            case str():
                return self.text(value)
            case Mapping() if depth > 0:
                return self._mapping(cast("Mapping[Any, object]", value), depth)
            case list() | tuple() | AbstractSet() if depth > 0:
                items = list(cast("Iterable[object]", value))[:MOST_ITEMS]
                return [self._plain(item, depth - 1) for item in items]
            case _:
                return self.text(_described(value))

    def _number(self, value: int | None) -> object:
        # A secret of digits only must not slip through as a number.
        if self._known is not None and self._known.search(str(value)):
            return HIDDEN
        return value


def _hide(found: re.Match[str]) -> str:
    # A function, since a template with a group in it is parsed anew at each call.
    return f"{found['before']}{HIDDEN}"


def _forms(secret: str) -> Iterable[str]:
    if len(secret) >= SHORTEST_SECRET:
        yield secret
        yield quote(secret, safe="")
        yield quote(secret)
        yield json.dumps(secret)[1:-1]
        yield json.dumps(secret, ensure_ascii=False)[1:-1]
        yield repr(secret)[1:-1]


def _described(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray):
        return bytes(value).decode("utf-8", "backslashreplace")
    try:
        return (
            f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else str(value)
        )
    except Exception:  # noqa: BLE001 - the boundary to others' __str__: a log must not fail by it
        return f"<{type(value).__name__}>"
