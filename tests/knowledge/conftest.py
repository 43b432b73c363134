"""Builders of sources and changes, and one way to see all that an index holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from wiseflow.core.documents import Passage, Source
from wiseflow.core.errors import NotFound
from wiseflow.core.library import IndexChange, StoredSource
from wiseflow.knowledge.index import open_index
from wiseflow.knowledge.lookup import Filters
from wiseflow.knowledge.ranking import Weights
from wiseflow.knowledge.writing import apply

MakeSource = Callable[..., StoredSource]
MakeChange = Callable[..., IndexChange]
Held = Callable[[Path, Iterable[str]], set[Passage]]

# So that the nearest vector comes first, whatever its words.
VECTORS_FIRST = Weights(vector=1000.0)


def _source(source_id: str, *texts: str, title: str = "", **about: str) -> StoredSource:
    passages: list[Passage] = []
    start = 0
    for text in texts:
        end = start + len(text)
        passages.append(
            Passage(
                passage_id=f"{source_id}:{start}-{end}",
                source_id=source_id,
                start=start,
                end=end,
                text=text,
                title=title,
            )
        )
        start = end
    known: dict[str, Any] = {
        "path": "/docs/a.md",
        "url": "",
        "published": "",
        "language": "en",
    } | about
    source = Source(
        source_id=source_id,
        collection="default",
        document_id=source_id,
        title=title,
        sha256="",
        text="".join(texts),
        **known,
    )
    return StoredSource(source=source, passages=tuple(passages))


def _change(added: Sequence[StoredSource] = (), removed: Sequence[str] = ()) -> IndexChange:
    return IndexChange(added=tuple(added), removed=tuple(removed))


def _held(folder: Path, source_ids: Iterable[str]) -> set[Passage]:
    try:
        index = open_index(folder)
    except NotFound:
        return set()
    found: set[Passage] = set()
    for source_id in source_ids:
        hits = index.search("thing", k=100, filters=Filters(source_ids=(source_id,)))
        for hit in hits:
            # The words and the vectors must tell the same story.
            nearest = index.search(hit.passage.text, k=1, weights=VECTORS_FIRST)
            assert nearest[0].passage.text == hit.passage.text
            found.add(hit.passage)
    assert len(found) == index.passage_count
    return found


@pytest.fixture
def source() -> MakeSource:
    return _source


@pytest.fixture
def change() -> MakeChange:
    return _change


@pytest.fixture
def held() -> Held:
    """All passages that an index holds of some sources, whose texts all have the word "thing"."""
    return _held


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """An index of a few documents."""
    apply(
        tmp_path,
        _change(
            [
                _source(
                    "whale",
                    "It tells of a captain who hunts a white whale.",
                    title="Moby-Dick (novel)",
                    path="/docs/novels/moby.md",
                    published="1851-10-18",
                ),
                _source(
                    "river",
                    "The Danube flows through ten countries. ",
                    "Its delta is home to pelicans.",
                    title="Danube",
                    path="/docs/places/danube.md",
                    published="2020",
                ),
                _source(
                    "brot",
                    "Das Brot wird mit wilden Hefen gebacken und braucht mehrere Tage.",
                    title="Sauerteig",
                    path="/docs/küche (neu)/brot.md",
                    language="de",
                    published="2021-05",
                ),
                _source("tea", "茶道是一种仪式。", title="茶", path="/docs/tea.md", language="zh"),
            ]
        ),
    )
    return tmp_path
