"""Results of several searches as one list, each address once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from wiseflow.core.asking import SearchResult

# Source: G. Cormack, C. Clarke and S. Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and
# individual Rank Learning Methods" (2009).
RANK_CONSTANT = 60
# A longer address is a program's, not a page's; and databases index no longer text.
LONGEST_ADDRESS = 2_000
_PORTS = {"http": 80, "https": 443}
# What advertisers and mailers add to an address; the page is the same without it.
_TRACKING = frozenset(
    ("gclid", "fbclid", "msclkid", "dclid", "yclid", "igshid", "mc_cid", "mc_eid")
)
_TRACKING_START = "utm_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A page that searches found.

    Args:
        key: what its address has in common with others that lead to the same page.
        result: as the search that placed it best gave it; its text is the longest that any gave.
        score: fused from its ranks; higher is better.
    """

    key: str
    result: SearchResult
    score: float


def merged(lists: Iterable[Sequence[SearchResult]]) -> list[Candidate]:
    """The distinct pages of several lists of results, the best first; at equal scores the first.

    Addresses that cannot be fetched are left out.
    """
    found: dict[str, Candidate] = {}
    for results in lists:
        for rank, (key, result) in enumerate(_distinct(results).items(), start=1):
            score = 1 / (RANK_CONSTANT + rank)
            before = found.get(key)
            if before is None:
                found[key] = Candidate(key=key, result=result, score=score)
            else:
                found[key] = _joined(before, result, score)
    return sorted(found.values(), key=lambda one: -one.score)


def key_of(url: str) -> str:
    """What addresses of the same page have in common; "" for one that cannot be fetched."""
    if not url.isprintable() or len(url.encode()) > LONGEST_ADDRESS:
        return ""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in _PORTS or not parts.hostname:
        return ""
    host = parts.hostname.removeprefix("www.").rstrip(".")
    place = host if port in {None, _PORTS[parts.scheme]} else f"{host}:{port}"
    query = _telling_query(parts)
    return f"{place}{parts.path.rstrip('/')}{'?' if query else ''}{query}"


def _telling_query(parts: SplitResult) -> str:
    if not parts.query:
        return ""
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [
        (name, value)
        for name, value in pairs
        if name not in _TRACKING and not name.startswith(_TRACKING_START)
    ]
    return parts.query if len(kept) == len(pairs) else urlencode(kept)


def _distinct(results: Iterable[SearchResult]) -> Mapping[str, SearchResult]:
    """The results by key, the first of each."""
    found: dict[str, SearchResult] = {}
    for result in results:
        if key := key_of(result.url):
            found.setdefault(key, result)
    return found


def _joined(before: Candidate, result: SearchResult, score: float) -> Candidate:
    longer = len(result.text) > len(before.result.text)
    return Candidate(
        key=before.key, result=result if longer else before.result, score=before.score + score
    )
