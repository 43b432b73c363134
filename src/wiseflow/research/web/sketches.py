"""Whether two texts are nearly the same, told by a small sketch of each. Pure."""

from __future__ import annotations

import re
import zlib
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Sketch: TypeAlias = tuple[int, ...]

SHINGLE_WORDS = 5
SKETCH_SIZE = 128
# Copies of one article on different sites share nine tenths; articles on one subject hardly any.
NEAR_DUPLICATE = 0.7
# Any odd number with its bits well spread. Source: D. Knuth, "The Art of Computer Programming",
# volume 3, section 6.4: 2⁶⁴ divided by the golden ratio.
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_WORD = re.compile(r"\w+")


def sketch_of(text: str) -> Sketch:
    """The smallest hashes of the runs of five words that a text has, in order.

    Source: A. Broder, "On the resemblance and containment of documents" (1997), section 4.
    """
    words = _WORD.findall(text.casefold())
    known = {word: zlib.crc32(word.encode("utf-8", "replace")) for word in set(words)}
    hashes = np.fromiter((known[word] for word in words), np.uint64, len(words))
    size = max(len(words) - SHINGLE_WORDS + 1, min(len(words), 1))
    shingles: npt.NDArray[np.uint64] = np.zeros(size, np.uint64)
    for place in range(min(SHINGLE_WORDS, len(words))):
        shingles = (shingles ^ hashes[place : place + size]) * _FACTOR
        shingles ^= shingles >> np.uint64(29)
    return tuple(np.unique(shingles)[:SKETCH_SIZE].tolist())


def resemblance(one: Sketch, other: Sketch) -> float:
    """About which share of the shingles of two texts both have, 0–1."""
    if not one or not other:
        return 0.0
    smallest = sorted({*one, *other})[:SKETCH_SIZE]
    return len({*one} & {*other} & {*smallest}) / len(smallest)
