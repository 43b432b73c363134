"""Documents as rows and rows as documents."""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import Row

from wiseflow.core.documents import Passage, Source, passage_of
from wiseflow.core.library import FileRecord, StoredSource


class IndexState(StrEnum):
    """What the index has still to do about a source."""

    ADD = "add"
    INDEXED = "indexed"
    REMOVE = "remove"
    RETIRED = "retired"


def file_row(collection_id: int, record: FileRecord) -> dict[str, Any]:
    """The row of a file."""
    return {
        "collection_id": collection_id,
        "path": record.path,
        "size": record.size,
        "modified_ns": record.modified_ns,
        "sha256": record.sha256,
        "parser": record.parser,
        "error": record.error,
    }


def to_file(row: Row[Any]) -> FileRecord:
    """The file that a row holds."""
    return FileRecord(
        path=row.path,
        size=row.size,
        modified_ns=row.modified_ns,
        sha256=row.sha256,
        parser=row.parser,
        error=row.error,
    )


def source_row(
    collection_id: int | None, stored: StoredSource, state: IndexState = IndexState.ADD
) -> dict[str, Any]:
    """The row of a source; one that the index has still to add, unless it is told otherwise."""
    source = stored.source
    return {
        "source_id": source.source_id,
        "collection_id": collection_id,
        "collection": source.collection,
        "document_id": source.document_id,
        "path": source.path,
        "title": source.title,
        "url": source.url,
        "published": source.published,
        "language": source.language,
        "sha256": source.sha256,
        "index_state": state.value,
        "passage_count": len(stored.passages),
        "text": source.text,
        "authors": json.dumps(source.authors),
        "site": source.site,
    }


def to_source(row: Row[Any]) -> Source:
    """The source that a row holds."""
    return Source(
        source_id=row.source_id,
        collection=row.collection,
        document_id=row.document_id,
        path=row.path,
        title=row.title,
        url=row.url,
        published=row.published,
        language=row.language,
        sha256=row.sha256,
        text=row.text,
        authors=tuple(json.loads(row.authors)),
        site=row.site,
    )


def passage_rows(stored: StoredSource) -> list[dict[str, Any]]:
    """The rows of a source's passages."""
    return [
        {
            "source_id": stored.source.source_id,
            "number": number,
            "start_char": passage.start,
            "end_char": passage.end,
            "heading": passage.heading,
        }
        for number, passage in enumerate(stored.passages)
    ]


def to_passages(source: Source, rows: Iterable[Row[Any]]) -> tuple[Passage, ...]:
    """The passages of a source that rows hold, in the rows' order."""
    return tuple(passage_of(source, row.start_char, row.end_char, row.heading) for row in rows)
