"""What a search finds."""

from __future__ import annotations

from wiseflow.knowledge.index import open_index
from wiseflow.knowledge.writing import apply


def test_the_passage_that_answers_comes_first(tmp_path, stored_sources, change):
    apply(tmp_path, change(stored_sources))

    hits = open_index(tmp_path).search("Who wrote about whales and a captain?", k=2)

    assert hits[0].passage == stored_sources[0].passages[0]
