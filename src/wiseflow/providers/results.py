"""Search results of any provider as the same plain records.

What a provider sends is read without trust: a field that is missing or of another kind is left
out, a result without a web address is left out, and an answer of another shape is an error.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import urlsplit

from wiseflow.core.asking import SearchRequest, SearchResult
from wiseflow.core.errors import InvalidInput
from wiseflow.providers.endpoint import Endpoint
from wiseflow.providers.shapes import items_of, text_of
from wiseflow.providers.statuses import malformed
from wiseflow.text.bylines import author_names, names_in, site_name

LONGEST_TITLE = 500
LONGEST_SNIPPET = 20_000
LONGEST_TEXT = 1_000_000
SNIPPET_OF_TEXT = 1_000  # characters, where a text came without a snippet
# Nobody asks for as many; 150,000, which fit into an answer, would hold the event loop up for long.
MOST_RESULTS = 1_000
LONGEST_URL = 2_048  # longer ones are no addresses of pages that anybody cites

_TAG = re.compile(r"</?[A-Za-z][^<>]{0,300}>")
_BLANKS = re.compile(r"\s+")
# NUL and lone surrogates are refused by databases and by UTF-8.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# Source: Crossref, "DOIs and matching regular expressions" (2015); fits all but a few old ones.
_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>]{1,200}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One result as a provider tells it, not yet checked; ``None`` and other kinds are allowed.

    The authors are a list of names, or a text that may hold several.
    """

    title: object
    url: object
    snippet: object
    published: object = None
    score: object = None
    text: object = None
    doi: object = None
    authors: object = None
    site: object = None


def read_results(
    endpoint: Endpoint,
    body: object,
    read: Callable[[Mapping[str, Any]], Found],
    *,
    limit: int,
    field: str = "results",
) -> tuple[SearchResult, ...]:
    """The results in an answer, the best first, each address once.

    Args:
        endpoint: who answered.
        body: the answer, any JSON value.
        read: names the fields of one result.
        limit: at most so many.
        field: where the list is.

    Raises:
        MalformedOutput: there is no list of results, or none in it can be used.
    """
    items = mapping(body).get(field)
    if not isinstance(items, list):
        raise malformed(endpoint, "without a list of results")
    told = [read(mapping(item)) for item in cast("list[object]", items)[:MOST_RESULTS]]
    usable = [(one, url) for one in told if (url := _address(one.url))]
    if told and not usable:
        raise malformed(endpoint, "with results that have no address")
    results = (_result(one, url, endpoint.provider) for one, url in usable)
    ranked = _scored(list(_once(results)), [one.score for one, _ in usable])
    return tuple(sorted(ranked, key=lambda one: -one.score)[: max(limit, 1)])


def mapping(value: object) -> Mapping[str, Any]:
    """A JSON object, or an empty one in place of anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def number(value: object) -> float | None:
    """A finite JSON number of 0 or more; ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= sys.float_info.max else None


def line(value: object) -> str:
    """One line of plain text: no tags, entities read, blanks made one."""
    text = html.unescape(_TAG.sub("", value)) if isinstance(value, str) else ""
    return _BLANKS.sub(" ", _UNSTORABLE.sub("", text)).strip()


def plain(value: str) -> str:
    """A text that is no HTML, so that ``line`` gives it back as it stands: ``a<b and c>d``."""
    return html.escape(value, quote=False)


def day(value: object) -> str:
    """The day of a date in ISO 8601 or in the form of mail, as ISO date; "" for anything else."""
    if not isinstance(value, str):
        return ""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return read(value.strip()).date().isoformat()
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return ""


def first_day(*parts: object) -> str:
    """The ISO date of year, month and day, of which later ones may lack: then it is the first.

    Args:
        parts: whole numbers; "" is given for what is no date.
    """
    numbers = [one for one in parts[:3] if isinstance(one, int)]
    if not numbers or len(numbers) < len(parts[:3]):
        return ""
    try:
        return date(*[*numbers, 1, 1][:3]).isoformat()
    except (ValueError, OverflowError):
        return ""


def within(one: SearchResult, request: SearchRequest) -> bool:
    """Whether a result is of the days asked for, or of a day that nobody told."""
    if not one.published:
        return True
    return request.since <= one.published <= (request.until or one.published)


def asked_day(text: str) -> date | None:
    """A day of a request; ``None`` for "".

    Raises:
        InvalidInput: it is no ISO date.
    """
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidInput(f"{text!r} is no date", cure="Give one like 2026-11-21") from None


def cut(text: str, longest: int) -> str:
    """The text, or its beginning up to the end of a word."""
    if len(text) <= longest:
        return text
    head = text[: longest + 1]
    return (head.rpartition(" ")[0] or head[:longest])[:longest]


def _result(one: Found, url: str, provider: str) -> SearchResult:
    whole = _UNSTORABLE.sub("", one.text) if isinstance(one.text, str) else ""
    snippet = cut(line(one.snippet), LONGEST_SNIPPET)
    return SearchResult(
        title=cut(line(one.title), LONGEST_TITLE) or url,
        url=url,
        snippet=snippet or cut(_BLANKS.sub(" ", whole).strip(), SNIPPET_OF_TEXT),
        provider=provider,
        published=day(one.published),
        text=whole[:LONGEST_TEXT],
        doi=doi(one.doi),
        authors=author_names(_names(one.authors)),
        site=site_name(text_of(one.site)),
    )


def _names(told: object) -> list[str]:
    """The names in a list, or in a text that may hold several."""
    if isinstance(told, str):
        return names_in(told)
    return [name for name in items_of(told) if isinstance(name, str)]


def doi(value: object) -> str:
    """The DOI in a text or an address, in lower case; "" when there is none."""
    found = _DOI.search(value) if isinstance(value, str) else None
    return found[0].rstrip(".,;)").lower() if found else ""


def _address(value: object) -> str:
    url = value.strip() if isinstance(value, str) else ""
    if len(url) > LONGEST_URL or _UNSTORABLE.search(url) or _BLANKS.search(url):
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in {"http", "https"} and parts.hostname else ""


def _scored(results: Sequence[SearchResult | None], told: Sequence[object]) -> list[SearchResult]:
    """By the provider's scores when all have one, with the best at most 1; else by rank."""
    scores = [number(score) or 0.0 for score in told]
    best = max(1.0, *scores, 1.0)
    if not all(scores):
        scores, best = [float(len(told) - place) for place in range(len(told))], float(len(told))
    pairs = zip(results, scores, strict=True)
    return [replace(one, score=score / best) for one, score in pairs if one is not None]


def _once(results: Iterable[SearchResult]) -> Iterable[SearchResult | None]:
    seen: set[str] = set()
    for one in results:
        yield None if one.url in seen else one
        seen.add(one.url)
