"""Vectors of texts without a model: hashed character n-grams of words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Matrix: TypeAlias = npt.NDArray[np.float32]
Integers: TypeAlias = npt.NDArray[np.int64]
Hashes: TypeAlias = npt.NDArray[np.uint64]

DEFAULT_DIMENSION = 512
SHORTEST_GRAM, LONGEST_GRAM = 3, 5
_WORD = re.compile(r"\w+")
_LONGEST_WORD = 64
# Some half a million grams in memory at a time.
_TEXTS_AT_ONCE = 256
# Of the polynomial hash over code points: odd, so that it has an inverse modulo 2^64.
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


class Embedder(Protocol):
    """Turns texts into vectors whose dot product says how alike they are."""

    @property
    def fingerprint(self) -> str:
        """Names the vectors: only equal fingerprints may be compared."""
        ...

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        ...

    def embed(self, texts: Sequence[str]) -> Matrix:
        """One row of unit length for each text (all zeros where a text has no words)."""
        ...


class HashedEmbedder:
    """The embedder that is always there: no model, no network, no training, no state.

    A word is the sum of its character 3- to 5-grams (its ends marked) and of itself, each added or
    subtracted at a hashed place, divided by the root of their number; a text is the sum of its
    words, repeats damped by a logarithm.

    Args:
        dimension: numbers in a vector.

    Source: K. Weinberger et al., "Feature Hashing for Large Scale Multitask Learning" (2009), for
        the signed hashing; P. Bojanowski et al., "Enriching Word Vectors with Subword Information"
        (2017), for words as bags of bounded character n-grams.
    """

    def __init__(self, dimension: int = DEFAULT_DIMENSION) -> None:
        self._dimension = dimension

    @property
    def fingerprint(self) -> str:
        """Names the vectors: only equal fingerprints may be compared."""
        return f"hashed-{SHORTEST_GRAM}-{LONGEST_GRAM}-grams/{self._dimension}/1"

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return self._dimension

    def embed(self, texts: Sequence[str]) -> Matrix:
        """One row of unit length for each text (all zeros where a text has no words)."""
        vectors: Matrix = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            part = slice(start, start + _TEXTS_AT_ONCE)
            vectors[part] = _sums(_count_words(texts[part]), self._dimension)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        np.divide(vectors, norms, out=vectors, where=norms > 0)
        return vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class _WordCounts:
    """Words of some texts: ``weights[i]`` of word ``words[i]`` in text ``texts[i]``."""

    vocabulary: list[str]
    count: int
    texts: Integers
    words: Integers
    weights: Matrix


def _count_words(texts: Sequence[str]) -> _WordCounts:
    known: dict[str, int] = {}
    lengths: list[int] = []
    words: list[int] = []
    counts: list[int] = []
    for text in texts:
        found = Counter(_WORD.findall(text.casefold()))
        lengths.append(len(found))
        words.extend(known.setdefault(word, len(known)) for word in found)
        counts.extend(found.values())
    return _WordCounts(
        vocabulary=[word[:_LONGEST_WORD] for word in known],
        count=len(texts),
        texts=np.repeat(np.arange(len(texts)), lengths),
        words=np.array(words, dtype=np.int64),
        weights=(1.0 + np.log(np.array(counts, dtype=np.float32))).astype(np.float32),
    )


def _sums(counted: _WordCounts, dimension: int) -> Matrix:
    if not counted.vocabulary:
        return np.zeros((counted.count, dimension), np.float32)
    owners, hashes = _hashed_grams(counted.vocabulary)
    sizes = np.bincount(owners, minlength=len(counted.vocabulary))
    places = (hashes >> np.uint64(33)).astype(np.int64) % dimension
    signs = np.where(hashes & np.uint64(1 << 32), 1.0, -1.0) / np.sqrt(sizes)[owners]
    # Each word of each text becomes the run of its grams.
    lengths = sizes[counted.words]
    firsts = np.cumsum(sizes)[counted.words] - lengths
    runs = np.cumsum(lengths)
    grams: Integers = np.arange(int(runs[-1])) + np.repeat(firsts - (runs - lengths), lengths)
    cells = np.repeat(counted.texts * dimension, lengths) + places[grams]
    values = np.repeat(counted.weights, lengths) * signs[grams]
    sums = np.bincount(cells, values, counted.count * dimension)
    return sums.astype(np.float32).reshape(-1, dimension)


def _hashed_grams(vocabulary: Sequence[str]) -> tuple[Integers, Hashes]:
    """The grams of all words: whose each is, in order of the words, and its hash."""
    marked = [f"<{word}>" for word in vocabulary]
    # "surrogatepass": a lone surrogate in a query is odd, not an error.
    letters = np.frombuffer("".join(marked).encode("utf-32-le", "surrogatepass"), np.uint32)
    codes = letters.astype(np.uint64)
    sizes = np.array([len(word) for word in marked])
    owner = np.repeat(np.arange(len(marked)), sizes)
    starts = np.cumsum(sizes) - sizes
    powers = _FACTOR ** (np.arange(len(codes)) - starts[owner]).astype(np.uint64)
    owners, hashes = [np.arange(len(marked))], [np.add.reduceat(codes * powers, starts)]
    rolling = codes * _FACTOR
    for size in range(2, LONGEST_GRAM + 1):
        rolling = (rolling[:-1] + codes[size - 1 :]) * _FACTOR
        if size >= SHORTEST_GRAM:
            whole = owner[: len(rolling)] == owner[size - 1 :]
            owners.append(owner[: len(rolling)][whole])
            hashes.append(rolling[whole] + np.uint64(size))
    order = np.argsort(np.concatenate(owners), kind="stable")
    return np.concatenate(owners)[order], _mixed(np.concatenate(hashes)[order])


def _mixed(values: Hashes) -> Hashes:
    """Spread every bit over all.

    Source: S. Vigna, "splitmix64" (2015), https://prng.di.unimi.it/splitmix64.c, public domain.
    """
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
