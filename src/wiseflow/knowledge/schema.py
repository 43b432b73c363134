"""What tantivy keeps of a passage, and how it is read back."""

from __future__ import annotations

import hashlib
import json
import re
from functools import cache

from tantivy import DocAddress, Document, Query, Schema, SchemaBuilder, Searcher

from wiseflow.core.documents import Hit, Passage, Source
from wiseflow.knowledge.analysis import name_of, storable, terms

# The one document that is no passage: its commit makes a generation of the index the current one.
GENERATION = "generation"
CURRENT = "current"

KEY_FIELDS = ("name", "source_id", "path", "language")
NUMBER_FIELDS = ("row", "published", "tie")
_DATE = re.compile(r"(\d{4})(?:-?(\d{2}))?(?:-?(\d{2}))?")


@cache
def schema() -> Schema:
    """The fields: terms to search, keys and numbers to filter by, and the passage itself."""
    builder = SchemaBuilder()
    # Analysed here, not by tantivy: one field then holds any language's stems.
    builder.add_text_field("terms", tokenizer_name="whitespace")
    for name in KEY_FIELDS:
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in NUMBER_FIELDS:
        builder.add_unsigned_field(name, indexed=True, fast=True)
    builder.add_bytes_field("stored", stored=True)
    builder.add_text_field(GENERATION, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("number", stored=True)
    return builder.build()


def generation_document(number: int) -> Document:
    """The document that names the generation of the commit it is in."""
    document = Document()
    document.add_text(GENERATION, CURRENT)
    document.add_unsigned("number", number)
    return document


def current_generation(searcher: Searcher) -> int:
    """The number of the generation that ``searcher`` sees; 0 before the first."""
    query = Query.term_query(schema(), GENERATION, CURRENT)
    hits = searcher.search(query, limit=1, count=False).hits
    return searcher.doc(hits[0][1]).to_dict()["number"][0] if hits else 0


def passage_document(source: Source, passage: Passage, row: int) -> Document:
    """A passage as tantivy takes it; ``row`` is the row of its vector."""
    language = source.language
    document = Document()
    document.add_text("terms", " ".join(terms(searched_text(passage), language)))
    keys = (name_of(passage.title), source.source_id, storable(source.path), language)
    for field, key in zip(KEY_FIELDS, keys, strict=True):
        document.add_text(field, key)
    numbers = (row, date_number(source.published), tie_breaker(passage.passage_id))
    for field, number in zip(NUMBER_FIELDS, numbers, strict=True):
        document.add_unsigned(field, number)
    document.add_bytes("stored", stored_form(source, passage))
    return document


def searched_text(passage: Passage) -> str:
    """What a passage is found by: its title and headings count as if it began with them."""
    return f"{passage.title} {passage.heading} {passage.text}"


def rows_of(searcher: Searcher, addresses: list[DocAddress]) -> list[int]:
    """The rows of the vectors of documents."""
    return [int(row or 0) for row in searcher.fast_field_values("row", addresses)]


def stored_content(document: Document) -> bytes:
    """What :func:`stored_form` made of the passage in a document."""
    return document.to_dict()["stored"][0]


def stored_source_id(content: bytes) -> str:
    """The source that a stored passage is part of."""
    return json.loads(content)[1]


def read_hit(content: bytes) -> Hit:
    """The stored passage, without scores."""
    values = json.loads(content)
    passage_id, source_id, start, end, text, title, heading, *about = values
    document_id, path, url, published, language = about
    passage = Passage(
        passage_id=passage_id,
        source_id=source_id,
        start=start,
        end=end,
        text=text,
        title=title,
        heading=heading,
    )
    return Hit(
        passage=passage,
        score=0.0,
        document_id=document_id,
        path=path,
        url=url,
        published=published,
        language=language,
    )


def date_number(date: str) -> int:
    """An ISO 8601 date as ``yyyymmdd``, missing parts as zeros; 0 for no date."""
    match = _DATE.match(date)
    return int("".join((part or "00") for part in match.groups())) if match else 0


def tie_breaker(passage_id: str) -> int:
    """A number that orders equal scores alike however the index was built."""
    return int.from_bytes(hashlib.blake2b(passage_id.encode(), digest_size=7).digest())


def stored_form(source: Source, passage: Passage) -> bytes:
    """A passage and what a hit tells of its source, as the index keeps them."""
    values = (
        passage.passage_id,
        passage.source_id,
        passage.start,
        passage.end,
        passage.text,
        passage.title,
        passage.heading,
        source.document_id,
        source.path,
        source.url,
        source.published,
        source.language,
    )
    # ASCII JSON holds every Python text, lone surrogates too.
    return json.dumps(values, separators=(",", ":")).encode("ascii")
