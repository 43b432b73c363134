"""Builders of sources and changes."""

from __future__ import annotations

import pytest
from wiseflow.core.documents import Passage, Source
from wiseflow.core.library import IndexChange, StoredSource


def make_source(source_id, *texts, title="", path="/docs/a.md", language="en", published=""):
    passages, start = [], 0
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
    source = Source(
        source_id=source_id,
        collection="default",
        document_id=source_id,
        path=path,
        title=title,
        url="",
        published=published,
        language=language,
        sha256="",
        text="".join(texts),
    )
    return StoredSource(source=source, passages=tuple(passages))


@pytest.fixture
def source():
    return make_source


@pytest.fixture
def change():
    def made(added=(), removed=()):
        return IndexChange(added=tuple(added), removed=tuple(removed))

    return made


@pytest.fixture
def stored_sources():
    return (
        make_source(
            "whale", "Moby-Dick tells of a captain who hunts a white whale.", title="Moby-Dick"
        ),
        make_source("river", "The Danube flows through ten countries.", title="Danube"),
        make_source(
            "bread", "Sourdough rises by wild yeast. ", "Flour and water ferment for days."
        ),
    )
