"""Sortable ids: time first, so that rows made later sort later."""

from __future__ import annotations

import secrets
import threading
import time

# Crockford's base 32 (https://www.crockford.com/base32.html), lower case: no i, l, o, u to misread.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26
_RANDOM_BITS = 80

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A new id of 26 characters: 48 bits of milliseconds, then 80 random bits.

    Ids of one process are strictly increasing, also within one millisecond and when the clock is
    set back: the random part is then the last one's plus one.

    Source: the ULID specification (https://github.com/ulid/spec), "Monotonicity".
    """
    global _last  # noqa: PLW0603 - the one piece of state that makes ids of a process increase
    fresh = (time.time_ns() // 1_000_000) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    with _lock:
        same_millisecond = fresh >> _RANDOM_BITS <= _last >> _RANDOM_BITS
        _last = _last + 1 if same_millisecond else fresh
        return encode(_last)


def decode(text: str) -> int:
    """The value that ``encode`` wrote so. Raises ``ValueError`` when it is no such text."""
    if len(text) != LENGTH:
        raise ValueError(text)
    value = 0
    for letter in text:
        value = value << 5 | ALPHABET.index(letter)
    return value


def encode(value: int) -> str:
    """``value`` (0 ≤ value < 2¹³⁰) in 26 characters of base 32, most significant first."""
    return "".join(ALPHABET[(value >> shift) & 31] for shift in range(5 * (LENGTH - 1), -1, -5))
