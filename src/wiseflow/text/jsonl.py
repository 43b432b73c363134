"""Reads JSON Lines: a document a line."""

from __future__ import annotations

import json
from typing import cast

from wiseflow.core.documents import ParsedDocument
from wiseflow.core.errors import DocumentError
from wiseflow.text.blocks import one_line
from wiseflow.text.bylines import author_names, names_in, site_name
from wiseflow.text.dates import iso_date
from wiseflow.text.encoding import clean
from wiseflow.text.limits import ParseLimits

_MOST_PROBLEMS = 1_000


class _BadLine(ValueError):
    """One line cannot be used; the others go on."""


def parse_jsonl(text: str, *, limits: ParseLimits) -> tuple[list[ParsedDocument], list[str]]:
    """The documents of a JSON Lines text, and what is wrong with its other lines.

    Each line is an object with ``text``, and maybe ``id``, ``title``, ``url``, ``published``,
    ``authors`` (or ``author``: a text, or a list of texts or of objects with a ``name``) and
    ``site``.

    Raises:
        DocumentError: there are too many lines, or the texts are too long together.
    """
    documents: list[ParsedDocument] = []
    problems: list[str] = []
    characters = 0
    # Not ``splitlines``: a raw U+2028 within a JSON string does not end the line.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            documents.append(_document(line, number, problems))
        except _BadLine as error:
            problems.append(f"line {number}: {error}")
            continue
        characters += len(documents[-1].text)
        _check(len(documents), characters, limits)
    return documents, _shortened(problems)


def _check(records: int, characters: int, limits: ParseLimits) -> None:
    if records > limits.records:
        raise DocumentError(f"the file holds more than {limits.records:,} documents")
    if characters > limits.characters:
        raise DocumentError(f"the text has more than {limits.characters:,} characters")


def _shortened(problems: list[str]) -> list[str]:
    more = len(problems) - _MOST_PROBLEMS
    return [*problems[:_MOST_PROBLEMS], f"and {more:,} more problems"] if more > 0 else problems


def _document(line: str, number: int, problems: list[str]) -> ParsedDocument:
    record = _record(line)
    text = clean(_string(record, "text")).strip()
    if not text:
        raise _BadLine("text is missing or blank")
    published = _string(record, "published").strip()
    if published and not iso_date(published):
        problems.append(f"line {number}: published is not an ISO 8601 date, so it was left out")
    authors = _authors(record)
    if authors is None:
        problems.append(f"line {number}: authors are no texts, so they were left out")
    site = record.get("site")
    return ParsedDocument(
        text=text,
        title=one_line(clean(_string(record, "title"))),
        document_id=clean(_string(record, "id")).strip(),
        url=one_line(clean(_string(record, "url"))),
        published=iso_date(published),
        authors=author_names(authors or ()),
        site=site_name(site) if isinstance(site, str) else "",
    )


def _record(line: str) -> dict[str, object]:
    try:
        value: object = json.loads(line)
    except json.JSONDecodeError as error:
        raise _BadLine(f"not JSON: {error.msg} at column {error.colno}") from None
    except (ValueError, RecursionError):
        # An integer of more digits than Python reads, or brackets nested too deep.
        raise _BadLine(
            "not JSON that can be read: a number too long or brackets too deep"
        ) from None
    if not isinstance(value, dict):
        raise _BadLine("not a JSON object")
    return cast("dict[str, object]", value)


def _authors(record: dict[str, object]) -> list[str] | None:
    """The authors of a record, as it tells them; ``None`` where they are something else."""
    told = record.get("authors") or record.get("author")
    if told is None or isinstance(told, str):
        return names_in(told or "")
    if not isinstance(told, list):
        return None
    items = cast("list[object]", told)
    names = [
        cast("dict[str, object]", one).get("name") if isinstance(one, dict) else one
        for one in items
    ]
    texts = [name for name in names if isinstance(name, str)]
    return texts if len(texts) == len(items) else None


def _string(record: dict[str, object], field: str) -> str:
    value = record.get(field)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if field == "id" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise _BadLine(f"{field} is not a string")
