"""Vectors of texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wiseflow.knowledge.embedding import HashedEmbedder


def likeness(first: str, second: str) -> float:
    left, right = HashedEmbedder().embed([first, second])
    return float(left @ right)


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("the captain hunts whales", "captains hunting a whale", "bread rises by yeast"),
        ("Dostoyevsky", "Dostoevsky", "Tolstoy"),
        ("Donaudampfschiff", "Dampfschiffe auf der Donau", "Segelboote in der Nordsee"),
        ("ÉCOLE", "école", "ecology"),
    ],
)
def test_texts_of_like_words_are_nearer(text, near, far):
    assert likeness(text, near) > likeness(text, far)


@given(texts=st.lists(st.text(max_size=60), max_size=8), dimension=st.sampled_from([8, 512]))
def test_a_text_has_one_vector_in_any_company(texts, dimension):
    embedder = HashedEmbedder(dimension)

    together = embedder.embed(texts)

    assert together.shape == (len(texts), dimension)
    assert together.dtype == np.float32
    for text, vector in zip(texts, together, strict=True):
        alone = embedder.embed([text])[0]
        assert np.allclose(alone, vector, atol=1e-6)
        assert np.linalg.norm(vector) == pytest.approx(0.0 if not alone.any() else 1.0, abs=1e-5)


def test_many_texts_are_embedded_in_their_order():
    texts = [f"text number {number}" for number in range(700)]

    vectors = HashedEmbedder().embed(texts)

    assert [int(np.argmax(vectors @ vector)) for vector in vectors] == list(range(700))


def test_vectors_do_not_depend_on_the_process_or_the_day():
    vector = HashedEmbedder(8).embed(["wise flow"])[0]

    expected = [0.0, -0.566947, -0.377964, -0.566947, 0.0, 0.188982, 0.377964, 0.188982]
    assert vector == pytest.approx(expected, abs=1e-5)


def test_the_fingerprint_names_the_dimension():
    assert HashedEmbedder(64).fingerprint != HashedEmbedder(128).fingerprint
