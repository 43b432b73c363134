"""Vectors of texts without a model: hashed character n-grams of words."""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Matrix: TypeAlias = npt.NDArray[np.float32]

DEFAULT_DIMENSION = 512
SHORTEST_GRAM, LONGEST_GRAM = 3, 5
# Rows of word vectors kept between texts: 8,192 of 512 floats are 16 MB.
CACHED_WORDS = 8192
_WORD = re.compile(r"\w+")
_LONGEST_WORD = 64
# Knuth's multiplier spreads CRC-32, whose low bits alone are a poor hash, over all 32 bits.
_SPREAD = 2654435761
_MASK = 0xFFFFFFFF


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
    """The embedder that is always there: no model, no network, no training.

    A word is the sum of its character 3- to 5-grams (its ends marked) and of itself, each added or
    subtracted at a hashed place; a text is the sum of its words, repeats damped by a logarithm.

    Args:
        dimension: numbers in a vector.

    Source: K. Weinberger et al., "Feature Hashing for Large Scale Multitask Learning" (2009), for
        the signed hashing; P. Bojanowski et al., "Enriching Word Vectors with Subword Information"
        (2017), for words as bags of bounded character n-grams.
    """

    def __init__(self, dimension: int = DEFAULT_DIMENSION) -> None:
        self._dimension = dimension
        self._rows: dict[str, int] = {}
        self._vectors: Matrix = np.zeros((64, dimension), dtype=np.float32)

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
        result: Matrix = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for place, text in enumerate(texts):
            self._add_words(result[place], _words(text))
        norms = np.linalg.norm(result, axis=1, keepdims=True)
        np.divide(result, norms, out=result, where=norms > 0)
        return result

    def _add_words(self, target: Matrix, words: Sequence[tuple[str, float]]) -> None:
        for start in range(0, len(words), CACHED_WORDS // 2):
            part = words[start : start + CACHED_WORDS // 2]
            if len(self._rows) + len(part) > CACHED_WORDS:
                self._rows.clear()
            rows = [self._row(word) for word, _ in part]
            weights = np.array([weight for _, weight in part], dtype=np.float32)
            target += weights @ self._vectors[rows]

    def _row(self, word: str) -> int:
        row = self._rows.get(word)
        if row is None:
            row = self._rows[word] = len(self._rows)
            if row == len(self._vectors):
                self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
            self._vectors[row] = _word_vector(word, self._dimension)
        return row


def _words(text: str) -> list[tuple[str, float]]:
    counts = Counter(_WORD.findall(text.casefold()))
    return [(word[:_LONGEST_WORD], 1.0 + math.log(count)) for word, count in counts.items()]


def _word_vector(word: str, dimension: int) -> Matrix:
    marked = f"<{word}>"
    grams = [marked] + [
        marked[start : start + size]
        for size in range(SHORTEST_GRAM, LONGEST_GRAM + 1)
        for start in range(len(marked) - size + 1)
    ]
    # "surrogatepass": a lone surrogate in a query is odd, not an error.
    hashes = np.array(
        [zlib.crc32(gram.encode("utf-8", "surrogatepass")) for gram in grams], dtype=np.uint64
    )
    spread = (hashes * np.uint64(_SPREAD)) & np.uint64(_MASK)
    places = ((spread >> np.uint64(1)) % np.uint64(dimension)).astype(np.int64)
    signs = np.where(spread & np.uint64(1), 1.0, -1.0) / math.sqrt(len(grams))
    return np.bincount(places, weights=signs, minlength=dimension).astype(np.float32)
