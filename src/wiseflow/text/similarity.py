"""Tells near-duplicate texts by the word sequences they share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from wiseflow.text.words import fold, words

_SHINGLE_WORDS = 3
_NEAR = 0.7
_BIGRAM = 2


def shingles(text: str, *, size: int = _SHINGLE_WORDS) -> frozenset[int]:
    """The sequences of ``size`` words in ``text``, case and accents folded, as hashes.

    A text with fewer words gives one, of all it has; a run of an unspaced script counts as its
    characters. The hashes hold within one process only.

    Source: A. Broder, "On the resemblance and containment of documents" (1997).
    """
    parts: list[str] = []
    for word in words(fold(text)):
        parts.extend(word.text if _is_unspaced(word.text) else (word.text,))
    if not parts:
        return frozenset()
    last = max(1, len(parts) - size + 1)
    return frozenset(hash(tuple(parts[index : index + size])) for index in range(last))


def jaccard(first: frozenset[int], second: frozenset[int]) -> float:
    """Shared shingles ÷ all shingles of both; 0 when either has none."""
    if not first or not second:
        return 0.0
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)


def containment(first: frozenset[int], second: frozenset[int]) -> float:
    """Shared shingles ÷ those of the smaller; 0 when either has none."""
    if not first or not second:
        return 0.0
    return len(first & second) / min(len(first), len(second))


def is_near_duplicate(first: str, second: str, *, least: float = _NEAR) -> bool:
    """Whether one text holds at least ``least`` of the other's shingles."""
    return containment(shingles(first), shingles(second)) >= least


def distinct(texts: Sequence[str], *, least: float = _NEAR) -> list[int]:
    """The indices of texts that are no near-duplicates of an earlier one that is kept.

    Takes time in proportion to the shingles the texts share, not to the pairs of texts.

    Args:
        texts: the best first.
        least: the containment from which on two texts say the same.
    """
    seen: defaultdict[int, list[int]] = defaultdict(list)
    sizes: dict[int, int] = {}
    for index, text in enumerate(texts):
        own = shingles(text)
        if own and _repeats(own, seen, sizes, least):
            continue
        sizes[index] = len(own)
        for shingle in own:
            seen[shingle].append(index)
    return list(sizes)


def _repeats(
    own: Iterable[int], seen: dict[int, list[int]], sizes: dict[int, int], least: float
) -> bool:
    shared: defaultdict[int, int] = defaultdict(int)
    count = 0
    for shingle in own:
        count += 1
        for index in seen.get(shingle, ()):
            shared[index] += 1
    return any(hits >= least * min(count, sizes[index]) for index, hits in shared.items())


def _is_unspaced(word: str) -> bool:
    return (
        word[0] >= "\u0e00"
        and not word[0].isascii()
        and len(word) >= _BIGRAM
        and not word[0].isupper()
        and not word[0].islower()
    )
